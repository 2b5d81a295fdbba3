"""HTK's lattices (SLF), one file for each utterance, cut to n-best lists.

Words stand on nodes (``I=3 W=the``) or on links (``J=7 S=2 E=3 W=the a=-80.1 l=-2.5``). Scores are
ranked as HTK does: by acscale, lmscale, wdpenalty and prscale of the header.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elman.apps.nbest.lattice import SILENT, Arc, Lattice, best_sequences
from elman.apps.nbest.lists import NbestList, is_whole, lines_of, number_of
from elman.errors import TextError
from elman.text.sources import find_sources

_NAMES = {"NODES": "N", "LINKS": "L", "WORD": "W", "START": "S", "END": "E", "acoustic": "a", "language": "l"}
_SCALES = ("acscale", "lmscale", "wdpenalty", "prscale")


class _Link(NamedTuple):
    fields: dict[str, str]
    position: str


def read_htk_lattices(path: Path, *, n: int) -> Iterator[NbestList]:
    """The ``n`` best word sequences of a file, or of each file of a folder or pattern.

    Raises:
        TextError: a line is no part of a lattice, or a link names a node that is not there.
    """
    for source in find_sources(path):
        yield _read(source.path or Path(source.name), n)


def _read(path: Path, n: int) -> NbestList:
    header: dict[str, str] = {}
    words: dict[int, str] = {}
    links: list[_Link] = []
    where = ""
    for position, line in lines_of(path):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        where = where or position
        fields = dict(_field(part, position) for part in parts)
        if "SUBLAT" in fields or "SUBLAT" in header:
            raise TextError(f"{position}: lattices with sub-lattices are not read; expand it with HTK's HLRescore")
        if "I" in fields:
            words[_whole(fields["I"], position)] = fields.get("W", "!NULL")
        elif "J" in fields:
            links.append(_Link(fields, position))
        else:
            header |= fields
    if not words or not links:
        raise TextError(f"{path}: no nodes (I=) and links (J=) of an HTK lattice in it")
    nodes, arcs = (_whole(header.get(name, str(len(own))), where) for name, own in (("N", words), ("L", links)))
    if (len(words), len(links)) != (nodes, arcs):
        raise TextError(
            f"{where}: N={nodes} and L={arcs} are announced, and {len(words)} nodes and "
            f"{len(links)} links are there; the file is cut off"
        )
    scales = {name: number_of(header[name], where, name) for name in _SCALES if name in header}
    base = number_of(header["base"], where, "base") if "base" in header else math.e
    if base <= 1:
        raise TextError(f"{where}: base={base:g}; scores must be logarithms to a base above 1")
    name = header.get("UTTERANCE") or path.name.split(".")[0]
    lattice = _lattice(Lattice(name, where), words, links, header, math.log(base), scales)
    options = {"acoustic_scale": scales.get("acscale", 1.0), "lm_scale": scales.get("lmscale", 1.0)}
    best = best_sequences(lattice, n, **options, word_penalty=scales.get("wdpenalty", 0.0))
    return NbestList(lattice.utterance, tuple(best), position=where)


def _lattice(
    lattice: Lattice,
    words: dict[int, str],
    links: list[_Link],
    header: dict[str, str],
    unit: float,
    scales: dict[str, float],
) -> Lattice:
    # The scale of pronunciations, in terms of that of the language model, whose score they join.
    pronunciation = scales.get("prscale", 1.0) / (scales.get("lmscale", 1.0) or 1.0)
    left, entered = set[int](), set[int]()
    for fields, position in links:
        if "S" not in fields or "E" not in fields:
            raise TextError(f"{position}: a link without S= or E=, the nodes from which and to which it leads")
        source, target = _whole(fields["S"], position), _whole(fields["E"], position)
        unknown = next((node for node in (source, target) if node not in words), None)
        if unknown is not None:
            raise TextError(f"{position}: there is no node {unknown}")
        acoustic, language, said = (
            number_of(fields[key], position, f"{key}=") * unit if key in fields else 0.0 for key in ("a", "l", "r")
        )
        word = fields.get("W") or words[target]
        lattice.add(source, Arc(target, "" if word in SILENT else word, acoustic, language + pronunciation * said))
        left.add(source)
        entered.add(target)
    starts = [_whole(header["start"], lattice.position)] if "start" in header else sorted({*words} - entered)
    ends = [_whole(header["end"], lattice.position)] if "end" in header else sorted({*words} - left)
    if len(starts) != 1:
        raise TextError(
            f"{lattice.position}: {len(starts)} nodes without a link into them; there must be one, the start"
        )
    lattice.start = starts[0]
    lattice.finals = dict.fromkeys(ends, (0.0, 0.0))
    return lattice


def _field(part: str, position: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise TextError(f"{position}: {part[:40]!r} is no field such as W=word")
    value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    return _NAMES.get(name, name), value


def _whole(text: str, position: str) -> int:
    if not is_whole(text):
        raise TextError(f"{position}: {text[:40]!r} is no number of nodes or links")
    return int(text)
