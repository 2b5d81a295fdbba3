"""The formats of n-best lists: which there are, how one is recognised, reading and writing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elman.apps.nbest.espnet import rank_folders, read_espnet
from elman.apps.nbest.htk_lattice import read_htk_lattices
from elman.apps.nbest.json_lines import read_json_lines, write_json_lines
from elman.apps.nbest.kaldi import kaldi_files, read_kaldi, write_kaldi
from elman.apps.nbest.kaldi_lattice import read_kaldi_lattices
from elman.apps.nbest.lists import NbestList, lines_of, same_scores
from elman.apps.nbest.srilm import read_srilm, write_srilm
from elman.apps.nbest.tab_separated import read_tab_separated, write_tab_separated
from elman.apps.nbest.wenet import read_wenet, write_wenet
from elman.errors import TextError, UsageError
from elman.text.sources import find_sources


@dataclass(frozen=True)
class ReadOptions:
    """What some formats need beside the file."""

    costs: Mapping[str, Path] = field(default_factory=dict)
    """Kaldi's files of costs by the name of the score."""
    n: int = 100
    """The number of hypotheses to which a lattice is cut."""
    symbols: Path | None = None
    """Kaldi's table of words, for lattices with numbers."""
    first: str | None = None
    """A field of JSON with the recogniser's own choice, where that does not stand in the list."""


READERS: dict[str, Callable[[Path, ReadOptions], Iterator[NbestList]]] = {
    "jsonl": lambda path, options: read_json_lines(path, first=options.first),
    "tsv": lambda path, options: read_tab_separated(path),
    "csv": lambda path, options: read_tab_separated(path, commas=True),
    "kaldi": lambda path, options: read_kaldi(path, costs=options.costs),
    "kaldi-lattice": lambda path, options: read_kaldi_lattices(path, n=options.n, symbols=options.symbols),
    "htk-lattice": lambda path, options: read_htk_lattices(path, n=options.n),
    "espnet": lambda path, options: read_espnet(path),
    "wenet": lambda path, options: read_wenet(path),
    "srilm": lambda path, options: read_srilm(path),
}
"""Readers by the name of their format."""

WRITERS: dict[str, Callable[[Iterable[NbestList]], Iterator[str]]] = {
    "jsonl": write_json_lines,
    "tsv": write_tab_separated,
    "kaldi": write_kaldi,
    "wenet": write_wenet,
    "text": lambda lists: (f"{each.utterance} {each.hypotheses[0].text}".rstrip() for each in lists),
    "words": lambda lists: (each.hypotheses[0].text for each in lists),
}
"""Writers of one file by the name of their format. ``text`` and ``words`` write each list's first
hypothesis, with its id or alone."""

FOLDER_WRITERS: dict[str, Callable[[Iterable[NbestList]], Iterator[tuple[str, list[str]]]]] = {"srilm": write_srilm}
"""Writers of a file for each utterance: names and lines."""

_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".tsv": "tsv",
    ".csv": "csv",
    ".slf": "htk-lattice",
}


def read_nbest(path: str | Path, *, format: str | None = None, options: ReadOptions | None = None) -> list[NbestList]:
    """The lists of a file or folder, each utterance once, all hypotheses with the same scores.

    Args:
        format: a name of ``READERS``; by default that which ``format_of`` finds.

    Raises:
        TextError: it cannot be read or is not in the format; says where.
        UsageError: an unknown format.
    """
    path, options = Path(path), options or ReadOptions()
    name = format or format_of(path)
    if name not in READERS:
        raise UsageError.of("format", name, f"one of: {', '.join(READERS)}")
    if options.costs and name != "kaldi":
        if format is not None or name != "tsv":  # Kaldi's words may stand behind tabs
            raise UsageError(
                f"{path}: lists in the format {name} have their scores beside the words; leave out the files of costs "
                f"({', '.join(map(str, options.costs.values()))}), which belong to Kaldi's lists of words"
            )
        name = "kaldi"
    lists = list(READERS[name](path, options))
    if not lists:
        raise TextError(f"{path}: empty, there is no n-best list in it")
    seen: dict[str, str] = {}
    for each in lists:
        if each.utterance in seen:
            raise TextError(
                f"{each.position}: utterance {each.utterance!r} comes again; its list began in {seen[each.utterance]}"
            )
        seen[each.utterance] = each.position
    same_scores(lists)
    return lists


def format_of(path: Path) -> str:
    """The format of a file or folder, by its suffix, its files or its first line; of standard input
    JSON lines.

    Raises:
        TextError: it is in none of the formats that can be recognised.
    """
    if str(path) == "-":
        return "jsonl"  # standard input can be read only once
    if path.is_dir():
        if rank_folders(path):
            return "espnet"
        try:
            kaldi_files(path)
        except TextError:
            path = find_sources(path)[0].path or path
        else:
            return "kaldi"
    source = find_sources(path)[0]
    if source.suffix in _SUFFIXES:
        return _SUFFIXES[source.suffix]
    first = next((line.strip() for _, line in lines_of(source.path or path) if line.strip()), "")
    parts = first.split()
    if first[:1] in ("{", "["):
        return "jsonl"
    if first.startswith("NBestList") or _is_srilm(parts):
        return "srilm"
    if first.startswith("VERSION=") or any(part.startswith(("UTTERANCE=", "N=")) for part in parts):
        return "htk-lattice"
    if parts[:1] == ["wav"] and len(parts) == 2:
        return "wenet"
    if "\t" in first:
        return "kaldi" if _are_ranked(source.path or path) else "tsv"
    if len(parts) == 1 and not parts[0].rpartition("-")[2].isdecimal():
        return "kaldi-lattice"
    if parts and parts[0].rpartition("-")[2].isdecimal():
        return "kaldi" if len(parts) > 1 or not _is_lattice(source.path or path) else "kaldi-lattice"
    raise TextError(f"{source.name}: no known kind of n-best list; name it with --format: {', '.join(READERS)}")


def write_nbest(lists: Sequence[NbestList], format: str) -> Iterator[str]:
    """The lines of one file in a format of ``WRITERS``.

    Raises:
        UsageError: an unknown format.
    """
    if format not in WRITERS:
        known = ", ".join([*WRITERS, *FOLDER_WRITERS])
        raise UsageError(f"lists cannot be written as {format!r}; the formats are: {known}")
    return WRITERS[format](lists)


def _is_srilm(parts: Sequence[str]) -> bool:
    """Whether a line begins with two scores and the number of words."""
    try:
        return len(parts) > 2 and bool([float(part) for part in parts[:2]]) and int(parts[2]) <= len(parts) - 3
    except ValueError:
        return False


def _are_ranked(path: Path) -> bool:
    """Whether the first two lines are the first two entries of one of Kaldi's lists: ``UTT-1`` and
    ``UTT-2``."""
    rows = [line.split("\t") for line in _two_lines(path)]
    ranks = [row[0].strip().rpartition("-") for row in rows if len(row) == 2]
    return [(stem, rank) for stem, _, rank in ranks] == [(ranks[0][0], "1"), (ranks[0][0], "2")] if ranks else False


def _two_lines(path: Path) -> list[str]:
    return [line for _, (_, line) in zip(range(2), lines_of(path), strict=False)]


def _is_lattice(path: Path) -> bool:
    """Whether the second line is an arc."""
    lines = [line.split() for line in _two_lines(path)]
    return len(lines) == 2 and len(lines[1]) > 2 and all(part.isdecimal() for part in lines[1][:2])
