"""The share of keystrokes saved by a user who notices every suggestion.

The user types a text key by key. Before each word, and after each of its letters, ``complete``
offers words. If the word is among the first three, one keystroke takes it and the space after it.
If it is not offered before its last letter, all of it is typed, and the space is a keystroke as
well. A space that came with a word is removed without a keystroke where the text has none (before a
full stop). Everything else is typed: spaces, punctuation, the line end.

Words are letters and digits as split by ``elman.decode.words`` (with a pretokenized model, anything
between spaces with a letter or digit). A word that the vocabulary has in another case only may be
offered once no word begins as typed; any other unknown word counts as missed.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from elman.decode.completion import complete
from elman.decode.direction import check_forward
from elman.decode.largest import largest
from elman.decode.offers import REPEATED, Offers, has_letters, last_word
from elman.decode.pieces import piece_index
from elman.decode.prompt_state import PromptState, first_candidates, whole_words
from elman.decode.respelling import line_openers
from elman.decode.sentence_start import begins_small, ends_sentence, expects_capitals, sentence_masses
from elman.decode.spelling import fold_index, known_ids
from elman.decode.words import Kind, kind_of, runs
from elman.errors import UsageError
from elman.models.protocol import LanguageModel, State
from elman.models.trace import trace
from elman.text.casing import recase, upper
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer
from elman.text.word_types import is_between, is_marker

OFFERED = 3
"""Words offered at a time."""
_NUMBERS = 1 << 23
"""Most probabilities in memory at a time."""


@dataclasses.dataclass(frozen=True)
class Keystrokes:
    """Sums over a text; every figure divides once, at the end.

    >>> part = Keystrokes(keys=30, chars=40, words=10, first=2, offered=(4, 3, 1))
    >>> (part + part).saved, part.recall_at_1, part.recall_at_3
    (0.25, 0.2, 0.4)
    """

    keys: int = 0
    """Keystrokes needed."""
    chars: int = 0
    """Keystrokes without any offer: the characters, each line end included."""
    words: int = 0
    """Words, including unknown ones."""
    first: int = 0
    """Words offered first before any letter."""
    offered: tuple[int, ...] = ()
    """Words first offered after 0, 1, 2 .. letters."""

    def __add__(self, other: Self) -> Self:
        longest = max(len(self.offered), len(other.offered))
        each = (part.offered + (0,) * (longest - len(part.offered)) for part in (self, other))
        offered = tuple(one + two for one, two in zip(*each, strict=True))
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("keys", "chars", "words", "first")}
        return type(self)(**sums, offered=offered)

    @property
    def saved(self) -> float:
        """The share of keystrokes saved."""
        return 1 - self.keys / max(self.chars, 1)

    @property
    def recall_at_1(self) -> float:
        """The share of words that were the likeliest before any letter was typed."""
        return self.first / max(self.words, 1)

    @property
    def recall_at_3(self) -> float:
        """The share of words among the three offered before any letter was typed."""
        return (self.offered[0] if self.offered else 0) / max(self.words, 1)

    def figures(self) -> dict[str, Any]:
        """The numbers to print and to keep, by their lasting JSON names."""
        cumulative = [round(count / max(self.words, 1), 6) for count in np.cumsum(self.offered).tolist()[:6]]
        return {
            "saved": self.saved, "recall_at_1": self.recall_at_1, "recall_at_3": self.recall_at_3, "words": self.words,
            "keystrokes": self.keys, "without": self.chars, "offered_after_letters": cumulative,
        }  # fmt: skip


class WordSpan(NamedTuple):
    """A word in a line, by characters."""

    start: int
    end: int
    asked: bool
    """Whether it can be offered before its first letter: at the start of a line, or after a
    separator."""
    text: str
    """The word as it is offered."""


def words_of(tokenizer: Tokenizer, line: str) -> list[WordSpan]:
    """The words of a line that could be offered.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["a b"], config=TokenizerConfig(min_count=1))
    >>> [word[:2] for word in words_of(tokenizer, "Well-known, I'd say: 3rd!")]
    [(0, 4), (5, 10), (12, 15), (16, 19), (21, 22), (22, 24)]
    """
    if tokenizer.config.pretokenized:
        found = [(*words.span(), words[0]) for words in re.finditer(r"\S+", line)]
        return [WordSpan(start, end, True, tokenizer.lowered(text)) for start, end, text in found if has_letters(text)]
    if tokenizer.words:
        parts = [part for part in tokenizer.words.parts(line) if not is_marker(part.type)]
        found = [(part.start + (line[part.start] == " "), part.end, part.type.removeprefix(" ")) for part in parts]
    else:
        found = [(start, end, tokenizer.lowered(line[start:end])) for start, end, _ in runs(line)]
    parting = (Kind.SPACE, Kind.SYMBOL, Kind.INNER, Kind.JOINER)
    return [
        WordSpan(start, end, not start or kind_of(line[start - 1]) in parting, text)
        for start, end, text in found
        if has_letters(text)
    ]


def count_keys(line: str, offers: Iterable[tuple[WordSpan, int | None, int]]) -> Keystrokes:
    """The sums of one line. Each word comes with the letters before it was offered (None: never),
    and its rank.
    """
    keys, words, first, offered = len(line) + 1, 0, 0, {}
    for word, letters, rank in offers:
        words += 1
        if letters is None:
            continue
        offered[letters] = offered.get(letters, 0) + 1
        first += letters == 0 and rank == 0
        spaced = line[word.end : word.end + 1] == " "
        # One keystroke for the letters not typed and, where there is one, the space.
        keys -= word.end - word.start - letters + spaced - 1
    counts = tuple(offered.get(number, 0) for number in range(max(offered, default=-1) + 1))
    return Keystrokes(keys, len(line) + 1, words, first, counts)


def type_line(model: LanguageModel, line: str, before: str = "") -> Keystrokes:
    """The measure by its definition, calling ``complete`` at every key: the reference, and the way
    below word level.

    ``before`` is the text in front of the line, with its line ends.
    """
    offers: list[tuple[WordSpan, int | None, int]] = []
    for word in words_of(model.tokenizer, line):
        offer: tuple[WordSpan, int | None, int] = word, None, 0
        for letters in range(0 if word.asked else 1, word.end - word.start):
            prompt = before + line[: word.start + letters]
            words = [text for text, _ in complete(model, prompt, n=OFFERED, partial=letters > 0).words]
            if word.text in words:
                offer = word, letters, words.index(word.text)
                break
        offers.append(offer)
    return count_keys(line, offers)


def type_lines(model: LanguageModel, lines: Iterable[tuple[str, bool]]) -> Iterator[Keystrokes]:
    """The sums of each line; a line comes with whether the state is reset before it.

    Raises:
        UsageError: the model's tokens are not words, or it reads lines from their end.
    """
    tokenizer = model.tokenizer
    check_forward(tokenizer)
    if not whole_words(tokenizer):
        raise UsageError(
            f"keystrokes are counted for models of words; this one has {tokenizer.config.level} tokens: "
            "train with --level word"
        )
    typist, state = _Typist(model), model.start()
    most = max(_NUMBERS // tokenizer.size, 1)
    for text, starts in lines:
        line = tokenizer.normal_form(text)
        state = model.start() if starts else state
        encoded = tokenizer.encode(line)
        ids = np.append(encoded.ids, EOS_ID).astype(np.int64)
        read = np.append(known_ids(tokenizer, line, encoded), EOS_ID)
        sentences = typist.sentences(line)
        begins = sorted({*range(0, len(ids), most), *sentences})
        rows = []
        for begin, end in pairwise([*begins, len(ids)]):
            part = read[begin:end]
            masses = sentence_masses(model, state) if begin in sentences else None
            prediction = trace(model, part[None], np.array([len(part)]), state, whole=True)
            assert prediction.log_probs is not None
            rows.append(prediction.log_probs[0])
            if masses is not None:
                rows[-1][0] = np.log(masses)
            state = prediction.state
        yield typist.line(line, ids, np.concatenate(rows), sentences)


class _Typist:
    """Finds when the words of a line are offered, from the probabilities before each token."""

    def __init__(self, model: LanguageModel) -> None:
        self.tokenizer = model.tokenizer
        self.index = piece_index(model.tokenizer)
        self._empty = model.start()
        self._openers = line_openers(model)
        self._order = self.index.sorted
        weigh = Offers().weigh("")
        accepted = [weigh(self.index.body(token).decode("utf-8", "ignore")) > 0 for token in self.index.sorted.tolist()]
        self._accepted = np.array(accepted, dtype=bool)
        self._place = np.full(model.tokenizer.size, -1, dtype=np.int64)
        self._place[self._order] = np.arange(len(self._order))
        self._ranges: dict[bytes, slice] = {}

    def sentences(self, line: str) -> set[int]:
        """The tokens of a line before which a sentence may begin."""
        at = {start: position for position, start in enumerate(self._starts(line))}
        return {
            at[word.start]
            for word in words_of(self.tokenizer, line)
            if word.start in at and ends_sentence(line[: word.start])
        }

    def line(
        self, line: str, ids: NDArray[np.int64], log_probs: NDArray[np.float32], sentences: set[int]
    ) -> Keystrokes:
        """``log_probs[T, V]`` before each of ``ids[T]``; where ``sentences`` may begin, those of
        ``sentence_masses``.
        """
        at = {start: position for position, start in enumerate(self._starts(line))}
        offers: list[tuple[WordSpan, int | None, int]] = []
        for word in words_of(self.tokenizer, line):
            position = at.get(word.start)
            inside = position in sentences
            offer = None if position is None else self._offer(line, word, int(position), ids, log_probs, inside)
            letters, rank = offer or (None, 0)
            offers.append((word, letters, rank))
        return count_keys(line, offers)

    def _starts(self, line: str) -> Iterator[int]:
        """Where the text of each token begins, its leading space left out."""
        for start, _ in self.tokenizer.encode(line).spans:
            yield start + (line[start : start + 1] == " ")

    def _offer(
        self, line: str, word: WordSpan, position: int, ids: NDArray[np.int64], table: NDArray[np.float32], inside: bool
    ) -> tuple[int, int] | None:
        token, log_probs = int(ids[position]), self._damped(table[position], line[: word.start])
        capitals = inside and expects_capitals(self.tokenizer, np.exp(table[position].astype(np.float64)))
        # Where what stands between words has tokens of its own, the type of a word has a space.
        spaced = self.tokenizer.leading_space and line[word.start - 1 : word.start] in ("", " ")
        spaced = spaced or self.tokenizer.words is not None
        spelled = word.text
        if word.asked:
            first = position
            while first and self.index.is_marker[ids[first - 1]]:
                first -= 1
            joined = table[first + 1] if ids[first] == self.tokenizer.join_id else None
            offers = self._new_words(line[: word.start], table[first], joined)
            if spelled in offers:
                return 0, offers.index(spelled)
        lead = b" " if spaced else b""
        if token == UNK_ID or begins_small(spelled[:1], line[: word.start]):
            return self._respelled(spelled, lead, log_probs, line[: word.start], capitals)
        sorted_ = np.where(self._accepted, log_probs[self._order], -np.inf)
        index = self._place[token]
        for letters in range(1, len(spelled)):
            rank = self._rank(sorted_, index, self._range(lead + spelled[:letters].encode()))
            if rank < OFFERED:
                return letters, rank
        return None

    def _damped(self, log_probs: NDArray[np.float32], before: str) -> NDArray[np.float32]:
        """What the words are ranked by: the word right before counts less."""
        folds, repeated = fold_index(self.tokenizer), last_word(before)
        # With its space and without.
        same = [*folds.all_same_as(repeated), *folds.all_same_as(f" {repeated}")] if repeated else []
        if same:
            log_probs = log_probs.copy()
            log_probs[same] += np.float32(np.log(REPEATED))
        return log_probs

    def _respelled(
        self, spelled: str, lead: bytes, log_probs: NDArray[np.float32], before: str, capitals: bool
    ) -> tuple[int, int] | None:
        """When a word is offered that is looked up in every case: the vocabulary has it in another
        case only, or it is typed in small letters where a sentence may begin.
        """
        folds = fold_index(self.tokenizer)
        for letters in range(1, len(spelled)):
            typed = spelled[:letters]
            small = self.tokenizer.words is not None and begins_small(typed, before)
            some = self.index.starting_with(lead + typed.encode()).tolist()
            others = folds.starting_with(lead.decode() + typed) if small or not some else some
            case = upper(typed[0], folds.locale) + typed[1:] if small and capitals else typed
            respelled = case != typed or not (some or (small and before.strip()))
            words: dict[str, float] = {}
            for other in (other for other in others if self._accepted[self._place[other]]):
                body = self.index.body(other).decode()
                word = recase(body, case, folds.locale, named=not self._openers[other]) if respelled else body
                words[word] = words.get(word, 0.0) + float(np.exp(log_probs[other]))
            best = sorted(sorted(words, key=lambda word: -words[word])[:OFFERED], key=lambda word: (-words[word], word))
            if spelled in best:
                return letters, best.index(spelled)
        return None

    def _rank(self, log_probs: NDArray[np.float32], index: int, some: slice) -> int:
        """How many of ``some`` types come before the one at ``index``: likelier, or as likely and
        before it.
        """
        here = log_probs[some]
        own = log_probs[index]
        return int((here > own).sum() + (log_probs[some.start : index] == own).sum())

    def _range(self, prefix: bytes) -> slice:
        if prefix not in self._ranges:
            self._ranges[prefix] = self.index.range_of(prefix)
        return self._ranges[prefix]

    def _new_words(self, before: str, log_probs: NDArray[np.float32], joined: NDArray[np.float32] | None) -> list[str]:
        """The words that ``complete`` would offer before the first letter of a word, likeliest
        first; ``joined`` is what comes after the marker of a word without a space.
        """
        blank = before != "" and is_between(before[-1])
        lead = blank if self.tokenizer.words else self.tokenizer.leading_space and before.endswith(" ")
        prompt_state = PromptState(self._empty, "", [], "", b" " if lead else b"", int(lead), None)
        damped = _Known(self.tokenizer, self._damped(log_probs, before))
        (candidate,), _ = first_candidates(damped, self.index, prompt_state)  # type: ignore[arg-type]
        masses = candidate.masses
        if joined is not None:
            joined = self._damped(joined, before)
            more = np.exp(joined[candidate.tokens].astype(np.float64)) * self.index.spaced[candidate.tokens]
            masses = masses + more * np.exp(float(log_probs[self.tokenizer.join_id]))
        masses = np.where(self._accepted[self._place[candidate.tokens]], masses, 0)
        best = [index for index in largest(masses, OFFERED).tolist() if masses[index] > 0]
        words = [(-masses[index], self.index.body(int(candidate.tokens[index])).decode()) for index in best]
        return [word for _, word in sorted(words)]


class _Known:
    """A model of one state with known predictions."""

    def __init__(self, tokenizer: Tokenizer, log_probs: NDArray[np.float32]) -> None:
        self.tokenizer = tokenizer
        self._log_probs = log_probs

    def log_probs(self, state: State) -> NDArray[np.float32]:
        return self._log_probs[None]
