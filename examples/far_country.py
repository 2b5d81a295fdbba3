"""How much of the first country is left at the language that ends a story: a table, and a picture.

    python examples/stories.py > stories.txt
    elman train stories.txt --document line --out far-lstm --updates 1000
    elman train stories.txt --document line --out far-5gram --model ngram
    python examples/far_country.py far.png 40 far-lstm far-5gram

40 is the most words between country and "so". The contribution of the country is how many bits
likelier its language is made by this country than by any of the eight: log2 p(language | story) -
log2 of the mean of p(language | story with country c) over all c. It is at most log2 8 = 3 bits,
which means that nothing but the country decides, and exactly 0 where a model does not look so far;
below 0 the country misleads.

The stories are drawn anew, by another seed than those of stories.py.
"""

import sys
from pathlib import Path

import numpy as np

import elman
from elman.report.style import INK, LOOKS, drawn, labelled, look
from elman.studies.xray_tasks import COUNTRIES, LANGUAGES, agreement_words

DISTANCES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 30, 40)
STORIES = 24
BEGINNING = 4
"""Words before the country."""


def contribution(model: elman.Model, distance: int) -> float:
    """Bits, the mean over the stories with so many words between country and end."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(STORIES):
        which = int(rng.integers(0, len(COUNTRIES)))
        words = agreement_words(rng, distance, which)
        lines = [" ".join([*words[:BEGINNING], each, *words[BEGINNING + 1 :]]) for each in COUNTRIES]
        log_probs = np.array([_language(scored) for scored in model.score_lines(lines)])
        assert words[-1] == LANGUAGES[which]
        found.append(log_probs[which] - np.log(np.exp(log_probs).mean()))
    return float(np.mean(found) / np.log(2))


def _language(scored: "elman.LineScore") -> float:
    """Nats of the last word; what comes after it is the line end."""
    return scored.per_token[-2][1]


def main() -> None:
    out, longest, folders = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    distances = [each for each in DISTANCES if each <= longest]
    models = {Path(folder).name: elman.load(folder) for folder in folders}
    bits = {name: [contribution(model, each) for each in distances] for name, model in models.items()}
    width = max(map(len, ["words between", *models]))
    print("words between".rjust(width), *(f"{each:5d}" for each in distances))
    for name, row in bits.items():
        print(name.rjust(width), *(f"{each:5.2f}" for each in row))

    def draw(figure) -> None:
        axes = labelled(figure, x="words between the country and “so”", y="contribution of the country (bits)")
        kinds = [str(model.lm.describe()["name"]) for model in models.values()]
        # A look for each kind of model; where all are of one kind, any that differ.
        looks = map(look, kinds if len(set(kinds)) > 1 else LOOKS)
        for (name, row), style in zip(bits.items(), looks, strict=False):
            # Lines that lie on each other: the later ones are thinner and have smaller markers.
            later = list(bits).index(name) / len(bits)
            axes.plot(
                distances, row, color=style.colour, ls=style.dash, lw=3 - 2 * later, marker=style.marker,
                ms=7.5 - 4 * later, label=name,
            )  # fmt: skip
        axes.axhline(3, color=INK, lw=0.7, alpha=0.5)
        axes.text(distances[-1], 3.1, "all there is to know", ha="right", va="bottom", fontsize=7.5, alpha=0.8)
        lowest = min(0.0, *map(min, bits.values()))
        axes.set(ylim=(lowest - 0.06 * (3.5 - lowest), 3.5))
        axes.legend()

    out.write_bytes(drawn(out.stem, draw)[f"{out.stem}.png"])


if __name__ == "__main__":
    main()
