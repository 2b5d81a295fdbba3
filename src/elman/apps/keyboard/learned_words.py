"""Words that a user types and a model does not know: counted, offered, and kept in a file of the
user's.

The file has a JSON object a line, which anybody can read, edit, copy or erase:

    {"word": "Zaphod", "count": 3, "after": {"Mr": 2}, "before": {"said": 1}}

``count`` says how often the word was typed, ``after`` what it came after, ``before`` what came
next. What looks private (``elman.decode.secrets``) or has a digit is never counted.

The probability of a word is what the user's counts say of unknown words, after the word v before it
(Witten and Bell 1991): P(w | v) = (c(v, w) + kinds(v) * P(w)) / (c(v) + kinds(v)), and P(w) is
c(w) / (all + kinds), which leaves something for words that come for the first time.
"""

import json
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from elman.decode.offers import has_letters
from elman.decode.secrets import is_secret
from elman.decode.words import Kind, finished, runs
from elman.errors import TextError, UsageError
from elman.system.files import write_atomic
from elman.text.casing import fold
from elman.text.kinds import APOSTROPHES, JOINERS
from elman.text.normalise import split_lines

LEAST = 2
"""Times that a word is typed before it is offered."""
MOST = 5_000
"""Words that are kept; of more, the rarest go, the oldest first."""
_LONGEST, _BESIDE, _LARGEST = 40, 20, 1_000_000_000
_MOST_BYTES = 64_000_000
"""More than the largest file of ``MOST`` words has."""
_FIELDS = ("word", "count", "after", "before")
_APOSTROPHE = re.compile(f"[{APOSTROPHES}]")
_CHUNK = re.compile(r"\S+")
_WITHOUT_EDGES = re.compile(r"\w(?:.*\w)?", re.DOTALL)
_TAGS = range(0xE0020, 0xE0080)


class LearnedWord(NamedTuple):
    """A word of the user's."""

    word: str
    count: int
    after: dict[str, int]
    """How often it came after a word."""
    before: dict[str, int]
    """How often a word came right after it."""

    def to_json(self) -> dict[str, Any]:
        """As a line of the file; empty fields are left out."""
        return {name: value for name, value in self._asdict().items() if value}


class _Offered(NamedTuple):
    """The words that were typed often enough."""

    words: list[tuple[str, LearnedWord]]
    """Each with its folded form."""
    folded: frozenset[str]
    total: int
    """Their counts together, and one for each."""


class LearnedWords:
    """The words of one user.

    >>> words = LearnedWords()
    >>> for _ in range(2):
    ...     _ = words.learn("Mr Zaphod said so", known=lambda word: word != "Zaphod")
    >>> [(each.word, each.count, each.after) for each in words]
    [('Zaphod', 2, {'Mr': 2})]
    >>> [word for word, probability in words.beginning("za", before="Mr")]
    ['Zaphod']
    """

    def __init__(self, *, least: int = LEAST, most: int = MOST) -> None:
        if least < 1 or most < 1:
            raise UsageError(f"least is {least} and most {most}; both must be 1 or more", field="least")
        self.least, self._most = least, most
        self._words: dict[str, LearnedWord] = {}
        self._of_count: dict[int, OrderedDict[str, None]] = {}
        """The words of each count, the last counted last."""
        self._cached: _Offered | None = None

    def __iter__(self) -> Iterator[LearnedWord]:
        return iter(self._words.values())

    def __len__(self) -> int:
        return len(self._words)

    def learn(self, text: str, *, known: Callable[[str], bool]) -> list[str]:
        """Count the unknown words of a finished text; returns them.

        Args:
            known: whether a model has a word.
        """
        found = []
        for line in split_lines(text):
            words = list(_words_of(line))
            for number, word in enumerate(words):
                if word is None or not may_be_learned(word) or known(word):
                    continue
                last = words[number - 1] if number else None
                following = words[number + 1] if number + 1 < len(words) else None
                beside = ({text: 1} if text and may_stand_beside(text) else {} for text in (last, following))
                self.add_one(LearnedWord(word, 1, *beside))
                found.append(word)
        return found

    def add(self, other: "LearnedWords") -> None:
        """Add the counts of other words."""
        for each in other:
            self.add_one(each)

    def add_one(self, more: LearnedWord) -> None:
        """Add the counts of a word."""
        # The last one counted stands last: the oldest of the rarest go first.
        old = self._take(more.word) or LearnedWord(more.word, 0, {}, {})
        if len(self._words) >= self._most:
            self._take(next(iter(self._of_count[min(self._of_count)])))
        after, before = _added(old.after, more.after), _added(old.before, more.before)
        self._put(LearnedWord(more.word, min(old.count + more.count, _LARGEST), after, before))

    def _put(self, each: LearnedWord) -> None:
        self._words[each.word] = each
        self._of_count.setdefault(each.count, OrderedDict())[each.word] = None
        self._cached = None

    def _take(self, word: str) -> LearnedWord | None:
        found = self._words.pop(word, None)
        if found is not None:
            same = self._of_count[found.count]
            del same[word]
            if not same:
                del self._of_count[found.count]
            self._cached = None
        return found

    def forget(self, word: str) -> bool:
        """Erase a word, also beside others; returns whether there was one."""
        found = self._take(word) is not None
        for each in self._words.values():
            after, before = ({text: n for text, n in beside.items() if text != word} for beside in each[2:])
            self._words[each.word] = each._replace(after=after, before=before)
        self._cached = None
        return found

    def clear(self) -> None:
        """Erase all."""
        self._words.clear()
        self._of_count.clear()
        self._cached = None

    def copy(self) -> "LearnedWords":
        """The same words, which later learning does not change."""
        other = type(self)(least=self.least, most=self._most)
        other._words = dict(self._words)
        other._of_count = {count: words.copy() for count, words in self._of_count.items()}
        other._cached = self._cached
        return other

    def has(self, word: str) -> bool:
        """Whether a word is offered, in whatever case, a sign of apostrophe after it or not."""
        return fold(word.rstrip(APOSTROPHES)) in self._offered().folded

    def beginning(self, typed: str, *, before: str = "") -> list[tuple[str, float]]:
        """The words that begin as typed, in whatever case, each with its probability among unknown
        words after the word ``before``."""
        offered, _, total = self._offered()
        here = {each.word: each.after[before] for _, each in offered if before in each.after}
        weight, kinds = sum(here.values()), len(here)
        key = fold(typed)
        begun = [each for folded, each in offered if folded.startswith(key)]
        if not kinds:
            return [(each.word, each.count / total) for each in begun]
        return [(each.word, (here.get(each.word, 0) + kinds * each.count / total) / (weight + kinds)) for each in begun]

    def following(self, word: str) -> list[tuple[str, float]]:
        """What came after a learned word, a sign of apostrophe after it or not, with probabilities;
        they sum to less than 1, the more often it was typed the more."""
        own = self._words.get(word.rstrip(APOSTROPHES))
        if own is None or own.count < self.least or not own.before:
            return []
        # A page counts what follows a word, but not the word, where it was taken from the offers.
        total = max(own.count, sum(own.before.values())) + len(own.before)
        return [(text, count / total) for text, count in own.before.items()]

    def _offered(self) -> _Offered:
        if self._cached is None:
            words = [(fold(each.word), each) for each in self._words.values() if each.count >= self.least]
            total = sum(each.count for _, each in words) + len(words)
            self._cached = _Offered(words, frozenset(folded for folded, _ in words), total)
        return self._cached

    def to_lines(self) -> str:
        """The file's text, the most frequent words first."""
        ordered = sorted(self._words.values(), key=lambda each: -each.count)
        return "".join(json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in ordered)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; a new one is for its owner only.

        Raises:
            StorageError: it cannot be written.
        """
        write_atomic(path, self.to_lines().encode(), mode=0o600)

    @classmethod
    def from_lines(cls, text: str, *, name: str, least: int = LEAST, most: int = MOST) -> "LearnedWords":
        """Read the file's text.

        Raises:
            TextError: a line is none of its lines; says which.
        """
        words = cls(least=least, most=most)
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                each = _parsed(line, f"{name}:{number}")
                if each.word in words._words:
                    raise TextError(f"{name}:{number}: {each.word!r} stands there twice; keep one of the lines")
                words._put(each)
        if len(words) > most:
            raise TextError(f"{name}: {len(words):,} words; keep {most:,} or fewer")
        return words

    @classmethod
    def read(cls, path: Path, *, least: int = LEAST) -> "LearnedWords":
        """The words of a file; none if there is no such file yet.

        Raises:
            TextError: it cannot be read, it is no plain file or too large, or a line is none of its
                lines.
        """
        try:
            if path.exists() and not path.is_file() and not path.is_dir():
                raise TextError(f"{path} is a pipe, a socket or a device; give a plain file of learned words")
            with open(path, "rb") as file:
                data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise TextError(f"{path}: more than {_MOST_BYTES // 10**6} MB; give a file of learned words")
            text = data.decode("utf-8-sig")
        except FileNotFoundError:
            return cls(least=least)
        except OSError as error:
            raise TextError(f"{path}: {error.strerror or error}; give a file of learned words") from error
        except UnicodeDecodeError as error:
            raise TextError(f"{path}: not UTF-8 at byte {error.start}; convert it to UTF-8") from error
        return cls.from_lines(text, name=str(path), least=least)


def may_be_learned(word: str) -> bool:
    """Whether a word may be kept: letters with signs of apostrophe and hyphens inside, or an emoji.

    >>> [may_be_learned(word) for word in ("Zaphod", "O'Hara", "x", "hunter2", "ada@example.org", "\U0001f600", "...")]
    [True, True, False, False, False, True, False]
    """
    if not may_stand_beside(word) or not has_letters(word):
        return False
    if not any(map(str.isalpha, word)):
        return not any(map(str.isalnum, word))
    inside = f"{APOSTROPHES}-"
    letters = all(char in inside or unicodedata.category(char)[0] in "LM" for char in word)
    return len(word) > 1 and letters and word[0].isalpha() and word[-1] not in inside


def may_stand_beside(text: str) -> bool:
    """Whether a word may be kept beside another one: not too long, printable, and nothing private.

    >>> [may_stand_beside(text) for text in ("said", "QaWsEdRfTg", "a b", "a" * 41)]
    [True, False, False, False]
    """
    return 0 < len(text) <= _LONGEST and all(map(_is_printable, text)) and " " not in text and not _is_private(text)


def _is_printable(char: str) -> bool:
    return char.isprintable() or char in JOINERS or ord(char) in _TAGS


def _is_private(word: str) -> bool:
    return is_secret(_APOSTROPHE.sub("", word))


def _words_of(line: str) -> Iterator[str | None]:
    """The words of a line; None for what separates them, and for what is part of something
    private."""
    chunk_end, private = 0, False
    for start, end, run in runs(line):
        if start >= chunk_end:
            # Parts of a link, an address or a password are no words of their own.
            found = _CHUNK.match(line, start)
            assert found is not None, "a run begins with white space"
            chunk_end, private = found.end(), _is_private_chunk(found[0])
        word = finished(line[start:end])
        is_one = (run.is_word and run.kind != Kind.UNSPACED) or has_letters(word)
        yield word if is_one and not private else None


def _is_private_chunk(chunk: str) -> bool:
    """Whether text without white space holds something private."""
    if any(char in "@/_\\." or char.isdigit() for char in chunk.strip(".,;:!?")):
        return True
    found = _WITHOUT_EDGES.search(chunk)
    inside = "" if found is None else found[0]
    return _is_private(inside) or any(_is_private(inside[start:end]) for start, end, _ in runs(inside))


def _added(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    found = dict(counts)
    for word, count in more.items():
        found[word] = min(found.get(word, 0) + count, _LARGEST)
    while len(found) > _BESIDE:
        del found[min((each for each in found if each not in more), key=found.__getitem__, default=next(iter(found)))]
    return found


def _parsed(line: str, place: str) -> LearnedWord:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TextError(f'{place}: no JSON; a line is like {{"word": "Zaphod", "count": 2}}') from error
    if not isinstance(value, dict) or not set(value) <= set(_FIELDS):
        raise TextError(f'{place}: a line is like {{"word": "Zaphod", "count": 2}}, with {", ".join(_FIELDS)}')
    word, count = value.get("word"), value.get("count")
    if not isinstance(word, str) or not may_be_learned(word):
        raise TextError(f"{place}: word is {str(word)[:40]!r}; it must be letters or an emoji, and nothing private")
    beside = value.get("after", {}), value.get("before", {})
    if not _is_count(count) or not all(isinstance(each, dict) and len(each) <= _BESIDE for each in beside):
        raise TextError(
            f"{place}: count must be a whole number from 1, after and before up to {_BESIDE} words with one"
        )
    for each in beside:
        for text, number in each.items():
            if not _is_count(number) or not may_stand_beside(text):
                raise TextError(f"{place}: {text[:40]!r} is no word with a count beside {word!r}")
    return LearnedWord(word, count, *beside)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST
