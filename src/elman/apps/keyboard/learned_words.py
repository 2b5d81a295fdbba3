"""Words that a user types and a model does not know: counted, offered, and kept in a file of the user's.

The file has a JSON object a line, which anybody can read, edit, copy or erase:

    {"word": "Zaphod", "count": 3, "after": {"Mr": 2}, "before": {"said": 1}}

``count`` says how often the word was typed, ``after`` what it came after, ``before`` what came next.
What looks private (``elman.decode.secrets``) or has a digit is never counted.

The probability of a word is what the user's counts say of unknown words, after the word v before it
(Witten and Bell 1991): P(w | v) = (c(v, w) + kinds(v) * P(w)) / (c(v) + kinds(v)), and P(w) is
c(w) / (all + kinds), which leaves something for words that come for the first time.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from elman.decode.offers import has_letters
from elman.decode.secrets import in_address, is_secret
from elman.decode.words import Kind, runs
from elman.errors import TextError, UsageError
from elman.system.files import write_atomic
from elman.text.casing import fold
from elman.text.kinds import APOSTROPHES
from elman.text.normalise import split_lines

LEAST = 2
"""Times that a word is typed before it is offered."""
MOST = 5_000
"""Words that are kept; of more, the rarest go, the oldest first."""
_LONGEST, _BESIDE, _LARGEST = 40, 20, 1_000_000_000
_FIELDS = ("word", "count", "after", "before")


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
            raise UsageError(f"least is {least} and most {most}; both must be 1 or more")
        self.least, self._most = least, most
        self._words: dict[str, LearnedWord] = {}

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
                self._count(word, last, following)
                found.append(word)
        return found

    def _count(self, word: str, last: str | None, following: str | None) -> None:
        beside = ({} if text is None else {text: 1} for text in (last, following))
        self.add_one(LearnedWord(word, 1, *beside))

    def add(self, other: "LearnedWords") -> None:
        """Add the counts of other words."""
        for each in other:
            self.add_one(each)

    def add_one(self, more: LearnedWord) -> None:
        """Add the counts of a word."""
        # The last one counted stands last: the oldest of the rarest go first.
        old = self._words.pop(more.word, None) or LearnedWord(more.word, 0, {}, {})
        after, before = _added(old.after, more.after), _added(old.before, more.before)
        self._words[more.word] = LearnedWord(more.word, min(old.count + more.count, _LARGEST), after, before)
        if len(self._words) > self._most:
            others = (each for each in self._words if each != more.word)
            del self._words[min(others, key=lambda each: self._words[each].count)]

    def forget(self, word: str) -> bool:
        """Erase a word, also beside others; returns whether there was one."""
        found = self._words.pop(word, None) is not None
        for each in self._words.values():
            after, before = ({text: n for text, n in beside.items() if text != word} for beside in each[2:])
            self._words[each.word] = each._replace(after=after, before=before)
        return found

    def clear(self) -> None:
        """Erase all."""
        self._words.clear()

    def copy(self) -> "LearnedWords":
        """The same words, which later learning does not change."""
        other = type(self)(least=self.least, most=self._most)
        other._words = dict(self._words)
        return other

    def has(self, word: str) -> bool:
        """Whether a word is offered, in whatever case."""
        return any(fold(each.word) == fold(word) for each in self._offered())

    def beginning(self, typed: str, *, before: str = "") -> list[tuple[str, float]]:
        """The words that begin as typed, in whatever case, each with its probability among unknown
        words after the word ``before``."""
        offered = self._offered()
        total = sum(each.count for each in offered) + len(offered)
        here = {each.word: each.after[before] for each in offered if before in each.after}
        weight, kinds = sum(here.values()), len(here)
        begun = [each for each in offered if fold(each.word).startswith(fold(typed))]
        if not kinds:
            return [(each.word, each.count / total) for each in begun]
        return [(each.word, (here.get(each.word, 0) + kinds * each.count / total) / (weight + kinds)) for each in begun]

    def following(self, word: str) -> list[tuple[str, float]]:
        """What came after a learned word, with probabilities; they sum to less than 1, the more often
        it was typed the more."""
        own = self._words.get(word)
        if own is None or own.count < self.least or not own.before:
            return []
        # A page counts what follows a word, but not the word, where it was taken from the offers.
        total = max(own.count, sum(own.before.values())) + len(own.before)
        return [(text, count / total) for text, count in own.before.items()]

    def _offered(self) -> list[LearnedWord]:
        return [each for each in self._words.values() if each.count >= self.least]

    def to_lines(self) -> str:
        """The file's text, the most frequent words first."""
        ordered = sorted(self._words.values(), key=lambda each: -each.count)
        return "".join(json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in ordered)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        write_atomic(path, self.to_lines().encode())

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
                words._words[each.word] = each
        if len(words) > most:
            raise TextError(f"{name}: {len(words):,} words; keep {most:,} or fewer")
        return words

    @classmethod
    def read(cls, path: Path, *, least: int = LEAST) -> "LearnedWords":
        """The words of a file; none if there is no such file yet.

        Raises:
            TextError: it cannot be read, or a line is none of its lines.
        """
        try:
            text = path.read_bytes().decode("utf-8-sig")
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
    if len(word) > _LONGEST or not has_letters(word) or is_secret(word) or in_address(word):
        return False
    if not any(map(str.isalpha, word)):
        return not any(map(str.isalnum, word))
    inside = f"{APOSTROPHES}-"
    letters = all(char in inside or unicodedata.category(char)[0] in "LM" for char in word)
    return len(word) > 1 and letters and word[0].isalpha() and word[-1] not in inside


def _words_of(line: str) -> Iterator[str | None]:
    """The words of a line; None for what separates them, and for what is part of something private."""
    last = 0
    for start, end, run in runs(line):
        if line[last:start].strip():
            yield None
        last = end
        word = line[start:end]
        # Parts of a link, an address or a password are no words of their own.
        chunk = line[line.rfind(" ", 0, start) + 1 : (line + " ").index(" ", end)].strip(".,;:!?")
        private = is_secret(chunk) or any(sign in chunk for sign in "@/_\\.") or any(map(str.isdigit, chunk))
        is_one = (run.is_word and run.kind != Kind.UNSPACED) or has_letters(word)
        yield word if is_one and not private else None


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
            if not _is_count(number) or not 0 < len(text) <= _LONGEST or is_secret(text) or " " in text:
                raise TextError(f"{place}: {text[:40]!r} is no word with a count beside {word!r}")
    return LearnedWord(word, count, *beside)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST
