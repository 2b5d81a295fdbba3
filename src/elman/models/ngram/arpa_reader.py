"""Reading an ARPA file, plain or compressed: strictly, in blocks, with the line number of whatever
is wrong.

The sizes in the header are not trusted: memory grows with the n-grams that were really read. Some
deviations from the format are accepted: any text before ``\\data\\``, any spaces and tabs between
fields, Windows line ends, empty lines, `<UNK>` for `<unk>`, no `<unk>` at all, a backoff of 0 at
the highest order, `-inf` for -99, no section for an order of which there are no n-grams, and one
word in two Unicode forms.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram import arpa_kernels as kernels
from elman.models.ngram.arpa_lexicon import Lexicon
from elman.models.ngram.arpa_source import ArpaSource, shown
from elman.models.ngram.backoff import LARGEST_LOG10, LARGEST_ORDER, LOG10_OF_NO_UNK, BackoffTables
from elman.progress import Progress, counted
from elman.text.tokenizer import EOS_ID, UNK_ID

_COUNT = re.compile(rb"ngram\s+([0-9]{1,18})\s*=\s*([0-9]{1,18})")
_LINE = "a line has a log10-probability, {words} and perhaps a log10-backoff"
_MISTAKES = {
    kernels.NO_NUMBER: "{field} is not a number; " + _LINE,
    kernels.TOO_FEW: "it ends too early; " + _LINE,
    kernels.TOO_MANY: "{field} is one field too many; " + _LINE,
    kernels.UNKNOWN: "{field} is not among the unigrams, which must list every word",
    kernels.TWICE: "{field} is there a second time; each n-gram must be listed once",
    kernels.CONTROL: "{field} is a control character, which no word may hold",
}
_DECIMAL_COMMA = re.compile(rb"-?[0-9]+,[0-9]+")
LOG10_OF_ZERO = -99.0
"""For what has no probability, as other tools write it."""
_CUT_OFF = "; the file is cut off, copy it again"


@dataclass(frozen=True, kw_only=True, eq=False)
class Arpa:
    """What an ARPA file holds."""

    words: list[str]
    """The types by token id: `<unk>`, `</s>`, then the others in the file's order, in normal form
    (NFC)."""
    tables: BackoffTables
    sha256: str
    """Of the text, decompressed."""
    notes: list[str]
    """Additions and omissions, one line each."""
    preamble: bytes
    """The text before ``\\data\\``."""


def read_arpa(path: Path, *, progress: Progress | None = None) -> Arpa:
    """Read an ARPA file of order 1 to 7.

    N-grams that no line can contain, with `<s>` behind their beginning or `</s>` before their end,
    are left out.

    Raises:
        FolderError: it is no ARPA file, or is damaged, cut off, or contradicts itself; with the
            line.
    """
    with ArpaSource(path, progress or Progress()) as source:
        declared = _read_header(source)
        reader = _ArpaReader(source, declared)
        for order in range(1, len(declared) + 1):
            reader.read_section(order)
        _expect(source, b"\\end\\")
        if (line := source.next_line()) is not None:
            raise source.error(f"{shown(line)} comes after \\end\\, where nothing may follow")
        return reader.result(source.sha256, preamble=source.preamble)


def _read_header(source: ArpaSource) -> list[int]:
    """The declared number of n-grams of each order."""
    source.skip_to_data()
    declared: list[int] = []
    while True:
        line = source.next_line()
        if line == b"\\1-grams:" and declared:
            source.back()
            return declared
        declaration = _COUNT.fullmatch(line or b"")
        if declaration is None or int(declaration[1]) != len(declared) + 1:
            section = " or \\1-grams:" if declared else ""
            raise source.error(f"{shown(line)} where 'ngram {len(declared) + 1}=COUNT'{section} should be")
        if len(declared) == LARGEST_ORDER:
            raise source.error(f"n-grams of order {int(declaration[1])}; elman reads orders 1 to {LARGEST_ORDER}")
        declared.append(int(declaration[2]))


def _expect(source: ArpaSource, wanted: bytes) -> None:
    line = source.next_line()
    if line != wanted:
        raise source.error(f"{shown(line)} where {wanted.decode()} should be{_CUT_OFF if line is None else ''}")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Some n-grams of one order."""

    keys: NDArray[np.int64]
    """As in BackoffTables."""
    log10: NDArray[np.float32]
    """``[R, 2]``: probability, backoff."""
    lines: NDArray[np.int64]

    def take(self, which: NDArray[np.integer] | NDArray[np.bool_]) -> "_Rows":
        return _Rows(self.keys[which], self.log10[which], self.lines[which])


class _ArpaReader:
    """Reads section after section, and checks each against the ones before it."""

    def __init__(self, source: ArpaSource, declared: list[int]) -> None:
        self._source = source
        self._declared = declared
        self._lexicon = Lexicon()
        self._words: list[str] = []
        self._ids = np.empty(0, dtype=np.int64)
        """Token ids by index of the word in the file."""
        self._keys: list[NDArray[np.int64]] = []
        self._starts: list[NDArray[np.int64]] = []
        """Where the keys of each context begin; last, the number of keys."""
        self._log10: list[NDArray[np.float32]] = []
        self._notes: list[str] = []
        self._left_out = 0

    def read_section(self, order: int) -> None:
        """Read ``\\order-grams:`` and the lines below it."""
        source, declared = self._source, self._declared[order - 1]
        if not declared and order > 1 and self._is_left_out(order):
            self._finish(order, _Rows(np.empty(0, np.int64), np.empty((0, 2), np.float32), np.empty(0, np.int64)))
            return
        _expect(source, f"\\{order}-grams:".encode())
        parts: list[_Rows] = []
        count, ended = 0, False
        while not ended:
            words, log10, lines, ended = self._read_block(order)
            if count + len(lines) > declared:
                what = f"this is one more than the {declared} {order}-grams that the header promises"
                raise source.error(what, int(lines[declared - count]))
            count += len(lines)
            if order == 1:
                parts.append(_Rows(words[:, 0], log10, lines))
            else:
                keys = self._find_keys(self._ids[words], lines)
                # Checked right away: a small file that unpacks to endless copies of its lines must
                # fail here.
                parts.append(self._in_order(_Rows(keys, log10, lines).take(keys >= 0)))
        if count < declared:
            cut_off = _CUT_OFF if source.at == len(source.block) else ""
            what = f"the header promises {declared} {order}-grams, and here end {count}{cut_off}"
            raise source.error(what, source.line)
        fields = (np.concatenate([getattr(part, name) for part in parts]) for name in ("keys", "log10", "lines"))
        if order == 1:
            self._finish_unigrams(_Rows(*fields))
        else:
            self._finish(order, self._in_order(_Rows(*fields)))

    def _is_left_out(self, order: int) -> bool:
        """Whether another section begins here, or the file ends."""
        line = self._source.next_line()
        if line is not None:
            self._source.back()
        return line is not None and line != f"\\{order}-grams:".encode()

    def result(self, sha256: str, *, preamble: bytes) -> Arpa:
        """The tables and words that were read."""
        if self._left_out:
            self._notes.append(
                f"{self._left_out} n-grams with <s> behind their beginning or </s> before their end are left out: "
                "no line contains them"
            )
        probs, backoffs = ([each[:, column].copy() for each in self._log10] for column in (0, 1))
        probs[0] = probs[0][:-1]
        tables = BackoffTables(keys=tuple(self._keys), log10_probs=tuple(probs), log10_backoffs=tuple(backoffs[:-1]))
        return Arpa(words=self._words, tables=tables, sha256=sha256, notes=self._notes, preamble=preamble)

    def _read_block(self, order: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], bool]:
        """The n-grams up to the end of the current block: words, logarithms, lines, and whether the
        section ends there.
        """
        source, lexicon = self._source, self._lexicon
        at_end = source.at == len(source.block) and not source.fill()
        text = source.block[source.at :]
        # The shortest line has one character for the number and each word, and one behind each of
        # them.
        capacity = min(len(text) // (2 * order + 2), int(np.count_nonzero(text == ord("\n")))) + 1
        words, logs = np.empty((capacity, order), np.int64), np.empty((capacity, 2))
        lines, slow = np.empty(capacity, np.int64), np.empty((2 * capacity, 3), np.int64)
        if order == 1:
            lexicon.reserve(words=capacity, size=len(text))
        stopped, at, line, rows, late, start, end = kernels.read_lines(
            text, order, source.line, lexicon.count, lexicon.pool, lexicon.offsets, lexicon.slots, lexicon.seed,
            words, logs, lines, slow,
        )  # fmt: skip
        source.at, source.line = source.at + at, line
        if stopped not in (kernels.SECTION_ENDS, kernels.BLOCK_ENDS):
            field, named = shown(text[start:end].tobytes()), counted(order, "word")
            mistake = _MISTAKES[stopped].format(field=field, words=named)
            if stopped == kernels.NO_NUMBER and _DECIMAL_COMMA.fullmatch(text[start:end].tobytes()):
                mistake = f"{field} has a decimal comma; write the file again with LC_NUMERIC=C, or put points there"
            raise source.error(mistake, line)
        lexicon.count += rows if order == 1 else 0
        for entry, first, last in slow[:late].tolist():
            numeral = text[first:last].tobytes()
            logs[entry // 2, entry % 2] = LOG10_OF_ZERO if numeral.lower() == b"-inf" else float(numeral)
        self._check_numbers(order, logs[:rows], lines)
        # Minus zero becomes zero.
        log10 = logs[:rows].astype(np.float32) + np.float32(0)
        return words[:rows], log10, lines[:rows], at_end or stopped == kernels.SECTION_ENDS

    def _check_numbers(self, order: int, logs: NDArray[np.float64], lines: NDArray[np.int64]) -> None:
        wrong = {
            f"is beyond ±{LARGEST_LOG10:g}, which no log10 of a model is": np.abs(logs) > LARGEST_LOG10,
            "is a log10-probability above 0": (logs > 0) & [True, False],
            "is a backoff at the highest order, which has none": (logs != 0) & [False, order == len(self._declared)],
        }
        for what, where in wrong.items():
            if where.any():
                row, column = np.argwhere(where)[0]
                raise self._source.error(f"{logs[row, column]:g} {what}", int(lines[row]))

    def _find_keys(self, tokens: NDArray[np.int64], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """``context * V + word`` of n-grams ``[R, order]``; -1 for those that no line contains."""
        size = len(self._words)
        outside = (tokens[:, 1:] == size).any(axis=1) | (tokens[:, :-1] == EOS_ID).any(axis=1)
        self._left_out += int(outside.sum())
        outside |= (tokens > size).any(axis=1)
        nodes = np.where(outside, -1, tokens[:, 0])
        for keys, starts, words in zip(self._keys, self._starts, tokens.T[1:-1], strict=True):
            indices = np.empty_like(nodes)
            kernels.find_indices(keys, starts, nodes, np.ascontiguousarray(words), size, indices)
            nodes = indices
        missing = np.flatnonzero((nodes < 0) & ~outside)
        if len(missing):
            context = " ".join([*self._words, "<s>"][token] for token in tokens[missing[0], :-1])
            what = f"its context {shown(context)} is not among the {tokens.shape[1] - 1}-grams, where it must be"
            raise self._source.error(what, int(lines[missing[0]]))
        return np.where(outside, -1, nodes * size + tokens[:, -1])

    def _in_order(self, rows: _Rows) -> _Rows:
        if (rows.keys[1:] > rows.keys[:-1]).all():
            return rows
        rows = rows.take(np.argsort(rows.keys, kind="stable"))
        again = 1 + np.flatnonzero(rows.keys[1:] == rows.keys[:-1])
        if len(again):
            second = again[rows.lines[again].argmin()]
            what = f"the n-gram of line {rows.lines[second - 1]} a second time; each must be listed once"
            raise self._source.error(what, int(rows.lines[second]))
        return rows

    def _finish_unigrams(self, rows: _Rows) -> None:
        self._words, self._ids = self._lexicon.name_words(rows.lines, self._source.error)
        log10 = np.zeros((len(self._words) + 1, 2), dtype=np.float32)
        log10[UNK_ID, 0] = LOG10_OF_NO_UNK
        is_type = self._ids <= len(self._words)
        log10[self._ids[is_type]] = rows.log10[is_type]
        if self._lexicon.duplicates:
            first = self._lexicon.duplicates[0]
            self._notes.append(
                f"words in a second Unicode form, which no text here has, are left out with their n-grams "
                f"({len(self._lexicon.duplicates)}, the first in line {rows.lines[first]})"
            )
        if UNK_ID not in self._ids:
            self._notes.append(f"there is no <unk> in it; unknown words get a log10-probability of {LOG10_OF_NO_UNK:g}")
        self._log10.append(log10)

    def _finish(self, order: int, rows: _Rows) -> None:
        if order < len(self._declared):
            contexts = np.arange(len(self._log10[-1]) + 1)
            self._starts.append(np.searchsorted(rows.keys, contexts * len(self._words)))
        self._keys.append(rows.keys)
        self._log10.append(rows.log10)
