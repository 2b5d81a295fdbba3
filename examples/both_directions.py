"""What a tagger knows of a word before and after the next one is read, in one direction and in two.

    python examples/both_directions.py sentences [LINES] > bank.conll
    elman train bank.conll --task tag --no-bidirectional --epochs 5 --out one
    elman train bank.conll --task tag --epochs 5 --out two
    python examples/both_directions.py read one two --out bank.png

Sentences begin alike: "the old bank ..." is a noun in "the old bank is closed", and a verb in "the
old bank the money". Only the word after it tells, as in "the old man the boats".
"""

import argparse
import random
from pathlib import Path
from typing import Any

import numpy as np

import elman
from elman.report.style import drawn

BOTH = ["bank", "man", "fish", "plant", "watch"]
"""Nouns that are verbs too."""
KINDS = ["old", "young", "rich", "poor"]
"""Adjectives that are nouns too, with "the"."""
THINGS = ["money", "boats", "river", "trees", "house"]
STATES = ["closed", "green", "small", "far"]
SENTENCES = (("the old bank is closed", "#0072b2", "-"), ("the old bank the money", "#d55e00", "--"))
WORD, PLACE = "bank", 2


def sentence(draw: random.Random) -> list[tuple[str, str]]:
    """Words and their tags."""
    both, kind = draw.choice(BOTH), draw.choice(KINDS)
    noun = [("is", "AUX"), (draw.choice(STATES), "ADJ")]
    verb = [("the", "DET"), (draw.choice(THINGS), "NOUN")]
    beginnings = [
        [("the", "DET"), (kind, "ADJ"), (both, "NOUN"), *noun],
        [("the", "DET"), (kind, "NOUN"), (both, "VERB"), *verb],
        [("a", "DET"), (both, "NOUN"), *noun],
        [("we", "PRON"), (both, "VERB"), *verb],
    ]
    return draw.choice(beginnings)


def chances(folder: str, text: str) -> list[np.ndarray]:
    """The probabilities of all tags of the word, once for each word of the text from it on."""
    model, words = elman.load(folder), text.split()
    return [model.marginals(" ".join(words[:read]))[PLACE] for read in range(PLACE + 1, len(words) + 1)]


def read(folders: list[str], out: str) -> None:
    """Print and draw what each tagger says of the word after each word that it reads."""
    found = {(folder, text): chances(folder, text) for folder in folders for text, *_ in SENTENCES}
    labels = elman.load(folders[0]).labels
    verb, noun = labels.index("VERB"), labels.index("NOUN")
    for (folder, text), every in found.items():
        words = text.split()
        for place, each in enumerate(every):
            shown = " ".join(words[: PLACE + 1 + place])
            print(f"{folder:5} {shown:24} {WORD}: NOUN {each[noun]:.2f}  VERB {each[verb]:.2f}")
        change = np.abs(np.array(every) - every[0]).max()
        print(f"{folder:5} a later word changed {WORD} by at most {change:.2f}")

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(folders), sharey=True, squeeze=False)[0]
        for panel, folder in zip(panels, folders, strict=True):
            for text, colour, dash in SENTENCES:
                panel.plot([each[verb] for each in found[folder, text]], dash, color=colour, marker="o", label=text)
            steps = len(found[folder, SENTENCES[0][0]])
            panel.set_xticks(range(steps), [WORD, *(f"+{more}" for more in range(1, steps))])
            directions = "two directions" if elman.load(folder).config.bidirectional else "one direction"
            panel.set(title=directions, ylim=(-0.04, 1.04), xlabel="words read")
            panel.grid(alpha=0.18)
        panels[0].set_ylabel(f"P({WORD} is a verb)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)

    Path(out).write_bytes(drawn("bank", draw, width=6.4, height=3.2)["bank.png"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("sentences").add_argument("lines", nargs="?", type=int, default=1500)
    reading = verbs.add_parser("read")
    reading.add_argument("folders", nargs="+")
    reading.add_argument("--out", default="bank.png")
    options = parser.parse_args()
    if options.verb == "read":
        read(options.folders, options.out)
        return
    draw = random.Random(1)
    for _ in range(options.lines):
        print("".join(f"{word}\t{tag}\n" for word, tag in sentence(draw)))


if __name__ == "__main__":
    main()
