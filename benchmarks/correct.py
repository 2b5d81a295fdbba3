"""How well spelling is corrected: single words, running text with injected errors, and learners'
sentences.

    python benchmarks/correct.py MODEL DATA [words|text|jfleg ...] [--dev] [--lines N] [--threshold BITS]

DATA has the folders ``spelling`` (Norvig's tests spell-testset1.txt and spell-testset2.txt,
wikipedia_common_misspellings.txt, aspell.dat, and spell-errors.txt, of which pairs that are in a
test are left out), ``novels`` (valid.txt.gz, test.txt.gz) and ``jfleg``. ``text`` fits
``--harm 0.5%`` to one part of the validation text and injects misspellings of the tests into 3% of
the words of the test text. With ``--dev`` tests are the validation text (another part of it),
JFLEG's development part, and a tenth of spell-errors.txt. symspellpy, if installed, corrects the
same words with its own dictionary.
"""

import argparse
import gzip
import json
import math
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import elman
from elman.apps.correct import CorrectConfig, Corrector, corrected
from elman.apps.correct_report import WordCounts, pair_figures
from elman.apps.spelling.pairs import Pair, read_pairs
from elman.apps.spelling.text_words import text_words
from elman.metrics.intervals import proportion_interval
from elman.text.casing import recase

TESTS = ("spell-testset1.txt", "spell-testset2.txt", "wikipedia_common_misspellings.txt", "aspell.dat")
RATE, HARM = 0.03, 0.005


def error_pairs(folder: Path, *, dev: bool) -> tuple[list[Pair], dict[str, list[Pair]]]:
    """Pairs to learn from, and those of the tests."""
    tests = {name: read_pairs(folder / name) for name in TESTS}
    known = {(each.wrong.lower(), each.right.lower()) for pairs in tests.values() for each in pairs}
    pairs = [
        each
        for each in read_pairs(folder / "spell-errors.txt")
        if (each.wrong.lower(), each.right.lower()) not in known
    ]
    if not dev:
        return pairs, tests
    held = [each for each in pairs if zlib.crc32(each.right.encode()) % 10 == 0]
    return [each for each in pairs if zlib.crc32(each.right.encode()) % 10], {"a tenth of spell-errors.txt": held}


def inject(lines: Sequence[str], pairs: Sequence[Pair], *, seed: int = 1) -> list[str]:
    """Lines with misspellings of words that have any."""
    rng = random.Random(seed)
    wrongs: dict[str, list[str]] = {}
    for wrong, right, _ in pairs:
        if wrong.replace("'", "").isalpha() and right.isalpha() and wrong.lower() != right.lower():
            wrongs.setdefault(right.lower(), []).append(wrong.lower())
    total = sum(1 for line in lines for _ in text_words(line))
    able = sum(word.text.lower() in wrongs for line in lines for word in text_words(line))
    rate, found = min(RATE * total / max(able, 1), 1.0), []
    for line in lines:
        parts, at = [], 0
        for word in text_words(line):
            choices = wrongs.get(word.text.lower())
            if choices and not word.protected and rng.random() < rate:
                parts += [line[at : word.start], recase(rng.choice(choices), word.text)]
                at = word.end
        found.append("".join([*parts, line[at:]]))
    return found


def symspell() -> Callable[[str], str] | None:
    """symspellpy word by word, with its own dictionary; None if it is not installed."""
    try:
        from importlib.resources import files

        from symspellpy import SymSpell, Verbosity
    except ImportError:
        return None
    rival = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    rival.load_dictionary(str(files("symspellpy") / "frequency_dictionary_en_82_765.txt"), 0, 1)

    def correct(line: str) -> str:
        parts, at = [], 0
        for word in text_words(line):
            if not word.protected:
                found = rival.lookup(word.text.lower(), Verbosity.TOP, max_edit_distance=2)
                if found and found[0].term != word.text.lower():
                    parts += [line[at : word.start], recase(found[0].term, word.text)]
                    at = word.end
        return "".join([*parts, line[at:]])

    return correct


def gleu(
    sources: Sequence[str], references: Sequence[Sequence[str]], found: Sequence[str], *, draws: int = 100
) -> float:
    """GLEU of Napoles et al. (2015, revised 2016): n-grams up to 4, one of the references drawn for
    each sentence."""
    stats = []
    for source, made, several in zip(sources, found, zip(*references, strict=True), strict=True):
        row = []
        for reference in several:
            one = [float(len(made.split())), float(len(reference.split()))]
            for n in range(1, 5):
                wrong, hypothesis, right = (_ngrams(text.split(), n) for text in (source, made, reference))
                for gram in set(wrong) & set(right):
                    del wrong[gram]
                one += [
                    max((hypothesis & right).total() - (hypothesis & wrong).total(), 0),
                    max(len(made.split()) + 1 - n, 0),
                ]
            row.append(one)
        stats.append(row)
    scores = []
    for draw in range(draws):
        rng = random.Random(draw)
        made, meant, *counts = (sum(column) for column in zip(*(rng.choice(row) for row in stats), strict=True))
        logs = sum(math.log(counts[at] / counts[at + 1]) for at in range(0, 8, 2)) / 4
        scores.append(math.exp(min(0.0, 1 - meant / made) + logs))
    return sum(scores) / draws


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def judge_text(corrector: Corrector, novels: Path, pairs: Sequence[Pair], *, dev: bool, count: int) -> dict[str, Any]:
    """Recall, precision and words broken where harm is fitted to validation text."""
    valid = _lines(novels / "valid.txt.gz")
    lines = valid[count : 2 * count] if dev else _lines(novels / "test.txt.gz")[:count]
    harm = corrector.fit_harm(valid[:count], HARM)
    given = inject(lines, pairs)
    rival = symspell()
    ways: dict[str, Callable[[Sequence[str]], list[str]]] = {
        "elman": lambda some: [corrected(line, changes) for line, changes in corrector.stream(some)]
    }
    if rival is not None:
        ways["symspellpy"] = lambda some: [rival(line) for line in some]
    found: dict[str, Any] = {"threshold": harm.threshold, "fitted harm": harm.share._asdict()}
    for name, way in ways.items():
        begun = time.process_time()
        clean, made = way(lines), way(given)
        seconds = time.process_time() - begun
        counts, intact = WordCounts(), WordCounts()
        for line, wrong, same, right in zip(lines, given, clean, made, strict=True):
            counts += WordCounts.of(wrong, line, right)
            intact += WordCounts.of(line, line, same)
        broken = proportion_interval(intact.broken, intact.correct)._asdict()
        speed = 2 * intact.correct / seconds
        found[name] = {**counts.figures(), "broken in clean text": broken, "words_per_second": speed}
    return found


def judge_jfleg(corrector: Corrector, folder: Path, *, dev: bool) -> dict[str, float]:
    """GLEU of the source and of what is made of it."""
    part = "dev" if dev else "test"
    source, *references = [
        [line.strip() for line in (folder / f"{part}.{name}").read_text(encoding="utf-8").splitlines()]
        for name in ("src", "ref0", "ref1", "ref2", "ref3")
    ]
    found = {"source": source, "elman": [corrected(line, changes) for line, changes in corrector.stream(source)]}
    rival = symspell()
    if rival is not None:
        found["symspellpy"] = [rival(line) for line in source]
    return {name: 100 * gleu(source, references, made) for name, made in found.items()}


def _lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("parts", nargs="*", default=["words", "text", "jfleg"])
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--lines", type=int, default=4000)
    parser.add_argument("--threshold", type=float)
    given = parser.parse_args()
    lm = elman.load(given.model)
    pairs, tests = error_pairs(given.data / "spelling", dev=given.dev)
    config = CorrectConfig(threshold=given.threshold)
    corrector = Corrector(lm.lm, lm.speller, pairs=pairs, config=config)
    if "words" in given.parts:
        for name, asked in tests.items():
            print(json.dumps({name: pair_figures(corrector, asked)}), flush=True)
    if "jfleg" in given.parts:
        print(json.dumps({"jfleg": judge_jfleg(corrector, given.data / "jfleg", dev=given.dev)}), flush=True)
    if "text" in given.parts:
        injected = [each for several in tests.values() for each in several]
        options = {"dev": given.dev, "count": given.lines}
        print(json.dumps({"text": judge_text(corrector, given.data / "novels", injected, **options)}), flush=True)


if __name__ == "__main__":
    main()
