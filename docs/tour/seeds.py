"""The tables of chapters 5 and 6 over three seeds, written into these chapters.

    python docs/tour/seeds.py        # about six minutes of one core
    python docs/tour/seeds.py 6      # one of the chapters

It runs the commands of the chapter itself, with other seeds, in the scratch folder of
``docs/tour/build.py``. Each entry is the median, and in brackets the smallest and the largest of
the three.
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from statistics import median

from build import SCRATCH, SEEDS, SEEDS_END, TourError, bash, blocks, chapters, prepare

SEED_NUMBERS = (1, 2, 3)
Table = list[list[str]]


def entry(values: Sequence[float]) -> str:
    """One entry of a table.

    >>> entry([0.96, 0.82, 0.99]), entry([0.0, 0.001, -0.004])
    ('0.96 [0.82, 0.99]', '0.00 [0.00, 0.00]')
    """
    shown = [f"{round(value, 2) + 0.0:.2f}" for value in (median(values), min(values), max(values))]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def commands(chapter: int, mark: str) -> str:
    """The one block of a chapter's commands that holds a mark."""
    page = chapters()[chapter - 1].read_text(encoding="utf-8")
    (found,) = (block.text for block in blocks(page) if block.kind == "sh" and mark in block.text)
    return found


def countries(run: Callable[[str], str]) -> Table:
    """Chapter 5: the contribution of the country, by cell and by the words between."""
    training = commands(5, "STORIES=")
    names = re.findall(r"--out (\S+)", training)
    tables = []
    for seed in SEED_NUMBERS:
        run(
            re.sub(r"--out (\S+)", rf"--out seed-{seed}/\1", training).replace(
                "--threads 1", f"--threads 1 --seed {seed}"
            )
        )
        folders = " ".join(f"seed-{seed}/{name}" for name in names)
        tables.append(rows(run(f"python examples/far_country.py seed-{seed}/far.png 40 {folders}")))
    head, *_ = tables[0]
    shown = [place for place, words in enumerate(head) if place == 0 or words in ("0", "4", "8", "20", "40")]
    merged = [[head[place] for place in shown]]
    for lines in zip(*(table[1:] for table in tables), strict=True):
        merged.append([lines[0][0], *(entry([float(line[place]) for line in lines]) for place in shown[1:])])
    return merged


def rows(printed: str) -> Table:
    """A printed table; the name of a row may hold spaces.

    >>> rows("words between     0     1\\n          gru  2.99 -0.01")
    [['words between', '0', '1'], ['gru', '2.99', '-0.01']]
    """
    return [re.split(r"\s+(?=-?\d)", line.strip()) for line in printed.splitlines()]


def lags(run: Callable[[str], str]) -> Table:
    """Chapter 6: the score, by cell and lag."""
    command = re.sub(
        r"--out \S+", f"--seeds {len(SEED_NUMBERS)} --json --out reach-seeds", commands(6, "--task adding")
    )
    found = json.loads(run(command))
    table = [["cell", *(f"lag {lag}" for lag in found["lags"])]]
    for cell in found["cells"]:
        table.append([cell["cell"], *(entry(score["seeds"]) for score in cell["scores"])])
    return table


TABLES: dict[int, Callable[[Callable[[str], str]], Table]] = {5: countries, 6: lags}


def write(chapter: int, table: Table) -> None:
    """Put a table between the marks of a chapter."""
    path = chapters()[chapter - 1]
    page = path.read_text(encoding="utf-8")
    before, mark, rest = page.partition(SEEDS)
    _, end, after = rest.partition(SEEDS_END)
    if not (mark and end):
        raise TourError(f"{path.name}: there is no {SEEDS} with a {SEEDS_END} below it")
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    path.write_text("\n".join([before + SEEDS, "```text", *lines, "```", end + after]), encoding="utf-8")


def main() -> None:
    wanted = [int(each) for each in sys.argv[1:] if each.isdecimal()]
    if len(wanted) < len(sys.argv) - 1 or not {*wanted} <= {*TABLES}:
        sys.exit(__doc__)
    if not SCRATCH.is_dir():
        prepare(SCRATCH)
    for chapter in wanted or TABLES:
        write(chapter, TABLES[chapter](bash(SCRATCH)))


if __name__ == "__main__":
    main()
