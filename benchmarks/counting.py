"""How counting n-grams on several processes grows with the text: 1, 4 and 16 times as many words,
up to a billion.

    python benchmarks/counting.py FOLDER [--words 5000000] [--factors 1 4 16] [--workers 2] [--max-ram 2G]

Writes a text for each factor into FOLDER, compressed: words as frequent as Zipf's law says, each
followed mostly by one of a few words that go with it, so that n-grams come again as in a language.
Counts each to a 3-gram without what occurs once (``--prune 0,1,1``). Prints one JSON line for each
text, and one with

    slope       of log processor seconds against log words, which is 1 where twice the text takes twice the time;
                what a text of 20,000 words takes is subtracted, since it is paid once
    at          the seconds that the slope gives for --expect words

``seconds`` are those of all processes together; ``elapsed`` is the clock; ``peak`` is the most
memory of the first process, ``own`` what of it are no pages of mapped files, and
``peak_of_workers`` that of the largest other one.
"""

import argparse
import gzip
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = 50_000
EXPONENT, SHIFT = 1.05, 2.7
"""Of the law of Zipf and Mandelbrot: the share of the word of rank r is proportional to (r +
SHIFT)^-EXPONENT."""
COMPANIONS, LOYAL = 40, 0.7
"""So many words go with each word, and with this probability one of them follows it."""
LINES, MEAN = 1 << 15, 19
"""Lines made together, and their mean length in words."""


_FEW = 20_000


def spell(number: int) -> str:
    """A word of letters only, which no tokenizer cuts.

    >>> spell(0), spell(27)
    ('aa', 'bb')
    """
    letters = ""
    while number >= 26 or not letters:
        letters, number = letters + chr(ord("a") + number % 26), number // 26
    return letters + chr(ord("a") + number)


def texts(seed: int) -> Iterator[NDArray[np.int64]]:
    """Lines of words without end: word numbers ``[LINES, longest]``, -1 after the end of a line."""
    rng = np.random.default_rng(seed)
    heap = np.cumsum((np.arange(1, TYPES + 1) + SHIFT) ** -EXPONENT)
    heap /= heap[-1]
    near = np.cumsum(1 / np.arange(1, COMPANIONS + 1))
    near /= near[-1]
    while True:
        lengths = np.minimum(rng.geometric(1 / MEAN, LINES), 4 * MEAN)
        lines = np.full((LINES, lengths.max()), -1)
        lines[:, 0] = np.searchsorted(heap, rng.random(LINES))
        for place in range(1, lines.shape[1]):
            rows = np.flatnonzero(lengths > place)
            # The companions of a word are drawn once and for all: by a hash of it and of their
            # rank.
            rank = np.searchsorted(near, rng.random(len(rows)))
            mixed = ((lines[rows, place - 1] * COMPANIONS + rank) * 0x9E3779B1 + 1) % (1 << 31)
            drawn = np.where(rng.random(len(rows)) < LOYAL, mixed / (1 << 31), rng.random(len(rows)))
            lines[rows, place] = np.searchsorted(heap, drawn)
        yield lines


def write_text(path: Path, words: int, seed: int) -> int:
    """A compressed text of about so many words; returns how many they are."""
    spelled = np.array([*map(spell, range(TYPES)), "\n"], dtype=object)  # -1 is a line end
    written = 0
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        for lines in texts(seed):
            rows = lines[: max(1, (words - written) // MEAN)]
            numbers = np.concatenate([rows, np.full((len(rows), 1), -1)], axis=1)
            # One line end for each line, whatever stands behind it.
            ends = numbers < 0
            kept = ~ends | (np.cumsum(ends, axis=1) == 1)
            file.write(" ".join(spelled[numbers[kept]].tolist()).replace(" \n ", "\n").replace(" \n", "\n"))
            written += int((~ends).sum())
            if written >= words - MEAN:
                return written


def count(text: Path, out: Path, workers: int, max_ram: str) -> dict[str, Any]:
    """One training in processes of its own; what it took."""
    words = ["train", str(text), "--out", str(out), "--model", "ngram", "--level", "word", "--order", "3"]
    words += ["--prune", "0,1,1", "--max-ram", max_ram, *(["--workers", str(workers)] if workers else [])]
    code = (
        "import json, resource, sys; from elman.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(json.dumps([resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, "
        "resource.RUSAGE_CHILDREN)]))"
    )
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE) as process:
        own = largest_own(process)
        said, _ = process.communicate()
    assert process.returncode == 0, f"counting ended with {process.returncode}"
    after, elapsed = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begin
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peaks = [1024 * each for each in json.loads(said.splitlines()[-1])]
    memory = {"peak": peaks[0], "own": own, "peak_of_workers": peaks[1]}
    return {"seconds": round(seconds, 1), "elapsed": round(elapsed, 1), **memory}


def largest_own(process: "subprocess.Popen[bytes]") -> int:
    """The most bytes that a process had for itself until its end, looked at ten times a second:
    without pages of files, which the system takes away where it needs room. 0 where it does not
    tell."""
    most = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            status = ""
        found = re.search(r"RssAnon:\s*(\d+) kB", status)
        most = max(most, 1024 * int(found[1]) if found else 0)
        time.sleep(0.1)
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--words", type=int, default=5_000_000)
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--workers", type=int, default=2, help="0: this process alone")
    parser.add_argument("--max-ram", default="2G")
    parser.add_argument("--expect", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["ELMAN_CACHE"] = str(given.folder / "cache")
    rows = []
    for turn, factor in enumerate((0, 0, *given.factors)):
        text = given.folder / f"text-{factor}.txt.gz"
        words = write_text(text, factor * given.words or _FEW, given.seed)
        took = count(text, given.folder / f"model-{factor}-{time.time_ns()}", given.workers, given.max_ram)
        if not turn:
            continue  # it compiled, once on this machine
        rows.append((words, took["seconds"]))
        print(json.dumps({"words": words, "text": text.stat().st_size, "workers": given.workers, **took}), flush=True)
    (_, paid_once), *rows = rows
    if len(rows) > 1:
        slope, start = np.polyfit(*np.log(np.array(rows) - [0, paid_once]).T, 1)
        at = float(np.exp(start + slope * np.log(given.expect))) + paid_once
        print(json.dumps({"slope": round(float(slope), 3), "expect": given.expect, "at": round(at)}))


if __name__ == "__main__":
    main()
