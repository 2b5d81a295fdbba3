r"""Dialogues of the Switchboard Dialogue Act corpus as `elman train --task reply` reads them: a
turn a line, a blank line after each dialogue.

Lines `speaker|utterance|act` of one speaker in a row are one turn; the marks of the transcript
stay.

    python benchmarks/reply.py train.txt.gz swda-train.txt
    elman train swda-train.txt --valid swda-val.txt --test swda-test.txt --task reply --min-words 4 \
        --epochs 3 --out replies
"""

import gzip
import itertools
import sys
from pathlib import Path


def turns(lines: list[str]) -> list[str]:
    """The turns of a dialogue.

    >>> turns(["A|Hi,|fp", "A|how are you?|qw", "B|Fine.|sd"])
    ['Hi, how are you?', 'Fine.']
    """
    parts = [line.split("|") for line in lines]
    speakers = itertools.groupby(parts, key=lambda part: part[0])
    return [" ".join("|".join(part[1:-1]) for part in said) for _, said in speakers]


def main(source: Path, target: Path) -> None:
    """Convert a file."""
    with gzip.open(source, "rt") if source.suffix == ".gz" else source.open() as file:
        blocks = itertools.groupby(file.read().split("\n"), key=bool)
    dialogues = ["\n".join(turns(list(lines))) for some, lines in blocks if some]
    target.write_text("\n\n".join(dialogues) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
