"""References: what was said, by the id of the utterance.

UTT the words                     Kaldi's text
UTT<TAB>the words                 a table; TSV or CSV with a line of names (id, ref or text)
the words (UTT)                   SCTK's trn
{"id": "UTT", "text": "..."}      JSON lines
"""

import re
from collections.abc import Iterator
from pathlib import Path

from elman.apps.nbest.json_lines import IDS, REFERENCES
from elman.apps.nbest.lists import lines_of, words_of
from elman.apps.nbest.tab_separated import TEXTS, table_rows
from elman.errors import TextError
from elman.text.decoding import raw_lines
from elman.text.readers.json_lines import read_json_lines
from elman.text.sources import find_sources

_TRN = re.compile(r"(?P<words>.*)\((?P<id>[^\s()]+)\)\s*")
_JSON = (".jsonl", ".ndjson", ".json")


def read_references(path: str | Path) -> dict[str, str]:
    """The words of each utterance, which may be none.

    A file of which every line ends with an id in parentheses is in SCTK's form.

    Raises:
        TextError: a line has no id, or an id comes twice; says which.
    """
    found: dict[str, str] = {}
    suffix = find_sources(path)[0].suffix
    if suffix in _JSON:
        entries = _of_json(path)
    elif suffix == ".csv" or _has_names(path):
        entries = _of_table(Path(path), commas=suffix == ".csv")
    else:
        entries = _of_lines(path, trn=suffix == ".trn")
    for position, utterance, words in entries:
        if utterance in found:
            raise TextError(f"{position}: a second reference for utterance {utterance!r}; give one")
        found[utterance] = words_of(words)
    if not found:
        raise TextError(f"{path}: empty, there is no reference in it")
    return found


def _has_names(path: str | Path) -> bool:
    """Whether the first line names columns, between tabs."""
    first = next((line for _, line in lines_of(path) if line.strip()), "")
    names = {name.strip().casefold() for name in first.split("\t")}
    return not names.isdisjoint(IDS) and not names.isdisjoint((*REFERENCES, *TEXTS))


def _of_table(path: Path, *, commas: bool) -> Iterator[tuple[str, str, str]]:
    names: list[str] = []
    places = 0, 1
    for position, cells in table_rows(path, commas):
        if not names:
            names = [name.casefold() for name in cells]
            found = [
                next((names.index(name) for name in some if name in names), None)
                for some in (IDS, (*REFERENCES, *TEXTS))
            ]
            if found[0] is not None and found[1] is not None:
                places = found[0], found[1]
                continue
        if max(places) >= len(cells):
            raise TextError(f"{position}: {len(cells)} columns, of which one must be an id and one the words")
        yield position, cells[places[0]], cells[places[1]]


def _of_lines(path: str | Path, *, trn: bool) -> Iterator[tuple[str, str, str]]:
    lines = [(position, line.strip()) for position, line in lines_of(path) if line.strip()]
    trn = trn or all(_TRN.fullmatch(line) for _, line in lines)
    for position, line in lines:
        match = _TRN.fullmatch(line)
        if trn and match is None:
            raise TextError(f"{position}: {line[-40:]!r} does not end with an id in parentheses, as lines of trn do")
        if trn and match is not None:
            yield position, match["id"], match["words"]
        else:
            utterance, _, words = line.partition("\t" if "\t" in line else " ")
            yield position, utterance.strip(), words


def _of_json(path: str | Path) -> Iterator[tuple[str, str, str]]:
    for source in find_sources(path):
        lines = raw_lines(source, encoding="utf-8", advance=lambda amount: None)
        for record in read_json_lines(lines, name=source.name):
            utterance = next((record.fields[name] for name in IDS if name in record.fields), None)
            words = next((record.fields[name] for name in (*REFERENCES, "text") if name in record.fields), None)
            if utterance is None or not isinstance(words, str):
                raise TextError(f"{record.position}: no id and reference in this object; call them id and ref")
            yield record.position, str(utterance), words
