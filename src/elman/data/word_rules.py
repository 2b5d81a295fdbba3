"""How the words of tagged sentences differ from elman's own: learned, and applied to raw text.

A treebank may have *do* and *n't* for "don't", and one word for "U.S." A tagger should read the
words that it was trained on. Rules are learned for words that were seen, and beyond them for what
follows or precedes an apostrophe and for shapes such as ``d/d/d``.
"""

import dataclasses
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from elman.data.span_alignment import words_at
from elman.data.tagged_sentence import TaggedSentence
from elman.data.tagged_text import split_text
from elman.errors import FolderError
from elman.text.kinds import APOSTROPHES

RULES_FILE = "word_rules.json"
"""The name of the file in a model folder."""

_MOST_PIECES = 9
_LONGEST = 64
_SEEN_SHAPES = 3
"""A shape is a rule if it was seen this often."""
_RUNS = re.compile("[^\\W\\d_]+|[0-9]+")

_Bounds = tuple[int, int]


@dataclasses.dataclass
class _Votes:
    """How often something is done, and how often not."""

    yes: Counter[str] = dataclasses.field(default_factory=Counter)
    no: Counter[str] = dataclasses.field(default_factory=Counter)

    def won(self, least: int = 1) -> list[str]:
        return sorted(key for key, count in self.yes.items() if count >= least and count > self.no[key])


class WordRules:
    """Rules that make the words of one treebank, or tagged corpus, from raw text.

    >>> sentence = TaggedSentence(words=("We", "do", "n't"), text="We don't", offsets=((0, 2), (3, 5), (5, 8)))
    >>> rules = WordRules.fit([sentence])
    >>> rules.split("They don't, we can't.").words
    ('They', 'do', "n't", ',', 'we', 'ca', "n't", '.')
    """

    def __init__(
        self,
        *,
        joined: Iterable[str] = (),
        apart: Iterable[str] = (),
        shapes: Iterable[str] = (),
        splits: dict[str, Sequence[int]] | None = None,
        suffixes: Iterable[str] = (),
        prefixes: Iterable[str] = (),
    ) -> None:
        self._joined = frozenset(joined)
        self._apart = frozenset(apart)
        self._shapes = frozenset(shapes)
        self._splits = {word: tuple(places) for word, places in (splits or {}).items()}
        self._suffixes = frozenset(suffixes)
        self._prefixes = frozenset(prefixes)

    @classmethod
    def fit(cls, sentences: Sequence[TaggedSentence]) -> "WordRules":
        """Learn from the training part; words without a text count as words between spaces, unless
        they are parts of a word with an apostrophe.
        """
        learned = _Counts({word for sentence in sentences for word in sentence.words})
        for sentence in sentences:
            learned.add(sentence)
        return learned.rules()

    def split(self, line: str, *, position: str = "") -> TaggedSentence:
        """The words of a line with their places in it."""
        sentence = split_text(line, position=position)
        own = sentence.offsets
        found: list[_Bounds] = []
        at = 0
        while at < len(own):
            last = self._joined_until(line, own, at)
            if last > at:
                found.append((own[at][0], own[last][1]))
            else:
                found += self._split(line, *own[at])
            at = last + 1
        return sentence if tuple(found) == own else words_at(sentence, found)

    def to_bytes(self) -> bytes:
        """The rules as JSON, for a model folder; the same rules always give the same bytes."""
        rules = {
            "joined": sorted(self._joined),
            "apart": sorted(self._apart),
            "shapes": sorted(self._shapes),
            "splits": {word: list(places) for word, places in sorted(self._splits.items())},
            "suffixes": sorted(self._suffixes),
            "prefixes": sorted(self._prefixes),
        }
        return json.dumps(rules, ensure_ascii=False, indent=0).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "WordRules":
        """The rules that ``to_bytes`` gave.

        Raises:
            FolderError: they are damaged.
        """
        try:
            rules = json.loads(content)
            lists = {name: rules.pop(name) for name in ("joined", "apart", "shapes", "suffixes", "prefixes")}
            splits = rules.pop("splits")
            whole = (
                not rules
                and all(isinstance(one, list) and all(isinstance(key, str) for key in one) for one in lists.values())
                and all(_are_places(word, places) for word, places in splits.items())
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole, lists, splits = False, {}, {}
        if not whole:
            raise FolderError("the rules of words are damaged; copy the model folder again, or train again")
        return cls(**lists, splits=splits)

    def _joined_until(self, line: str, own: Sequence[_Bounds], at: int) -> int:
        """The last of the words that are one from ``at`` on."""
        last = at
        while last + 1 < len(own) and own[last + 1][0] == own[last][1] and last - at + 1 < _MOST_PIECES:
            last += 1
        for end in range(last, at, -1):
            one = line[own[at][0] : own[end][1]]
            if one in self._joined or (one not in self._apart and _shape(one) in self._shapes):
                return end
        return at

    def _split(self, line: str, start: int, end: int) -> Iterator[_Bounds]:
        word = _key(line[start:end])
        places = self._splits.get(word)
        if places is None:
            places = [
                place
                for place in _affix_places(word)
                if word[place:] in self._suffixes or word[:place] in self._prefixes
            ]
        borders = [start, *(start + place for place in places), end]
        yield from itertools.pairwise(borders)


class _Counts:
    """What was seen of words that differ from elman's own."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._joins, self._shapes = _Votes(), _Votes()
        self._suffixes, self._prefixes = _Votes(), _Votes()
        self._places: defaultdict[str, Counter[tuple[int, ...]]] = defaultdict(Counter)

    def add(self, sentence: TaggedSentence) -> None:
        spaced = not sentence.offsets
        text, offsets = _with_spaces(sentence) if spaced else (sentence.text, sentence.offsets)
        words, borders = {*offsets}, {start for start, _ in offsets}
        own = split_text(text).offsets
        for start, end in _runs(own):
            one = text[start:end]
            if (start, end) in words:
                self._joins.yes[one] += 1
                self._shapes.yes[_shape(one)] += not spaced
            elif any(place in borders for place in range(start + 1, end)):
                self._joins.no[one] += one in self._known
                self._shapes.no[_shape(one)] += not spaced
        for start, end in own:
            word = _key(text[start:end])
            inside = tuple(place - start for place in range(start + 1, end) if place in borders)
            self._places[word][inside] += 1
            for place in _affix_places(word):
                for votes, affix in ((self._suffixes, word[place:]), (self._prefixes, word[:place])):
                    (votes.yes if place in inside else votes.no)[affix] += 1
        if spaced:
            self._add_neighbours(sentence.words)

    def _add_neighbours(self, words: Sequence[str]) -> None:
        """Words that follow each other, as they may have done without a space."""
        for first in range(len(words)):
            one = words[first]
            for word in words[first + 1 : first + _MOST_PIECES]:
                one += word
                if len(one) > _LONGEST:
                    break
                self._joins.no[one] += one in self._known

    def rules(self) -> WordRules:
        usual = {word: counts.most_common(1)[0][0] for word, counts in self._places.items()}
        return WordRules(
            joined=self._joins.won(),
            apart=[one for one, count in self._joins.no.items() if count and count >= self._joins.yes[one]],
            shapes=self._shapes.won(_SEEN_SHAPES),
            splits={word: inside for word, inside in usual.items() if inside or APOSTROPHES[0] in word},
            suffixes=self._suffixes.won(),
            prefixes=self._prefixes.won(),
        )


def _key(word: str) -> str:
    """A word in lower case with one apostrophe, of the same length."""
    lower = word.lower()
    key = lower if len(lower) == len(word) else word
    for sign in APOSTROPHES[1:]:
        key = key.replace(sign, APOSTROPHES[0])
    return key


def _affix_places(word: str) -> list[int]:
    """Where a word can be split at its apostrophes: before, after, and a letter before.

    >>> _affix_places("don't")
    [2, 3, 4]
    """
    signs = [place for place, char in enumerate(word) if char == APOSTROPHES[0]]
    return sorted({place for sign in signs for place in (sign - 1, sign, sign + 1) if 0 < place < len(word)})


def _shape(word: str) -> str:
    """Its runs of letters and digits without what they are, but for case and whether it is one
    letter.

    >>> _shape("U.S."), _shape("a@Enron.com"), _shape("2001/10")
    ('X.X.', 'x@Xx.xx', '9/9')
    """
    return _RUNS.sub(_run_shape, word)


def _run_shape(match: re.Match[str]) -> str:
    run = match[0]
    if run[0].isdecimal():
        return "9"
    first = "X" if run[0].isupper() else "x"
    return first if len(run) == 1 else first + ("X" if run.isupper() else "x")


def _runs(own: Sequence[_Bounds]) -> Iterator[_Bounds]:
    """Start and end of all runs of two words or more that touch each other."""
    for first in range(len(own)):
        for last in range(first + 1, min(first + _MOST_PIECES, len(own))):
            if own[last][0] != own[last - 1][1]:
                break
            if own[last][1] - own[first][0] <= _LONGEST:
                yield own[first][0], own[last][1]


def _are_places(word: str, places: object) -> bool:
    if not isinstance(places, list) or not all(type(place) is int for place in places):
        return False
    return all(left < right for left, right in zip([0, *places], [*places, len(word)], strict=True))


def _with_spaces(sentence: TaggedSentence) -> tuple[str, Sequence[_Bounds]]:
    """A likely text of words without one, and their places in it."""
    text, offsets = "", list[_Bounds]()
    for word in sentence.words:
        before = text[offsets[-1][0] :] if offsets else ""
        if before and not _belongs(before, word):
            text += " "
        offsets.append((len(text), len(text) + len(word)))
        text += word
    return text, offsets


def _belongs(before: str, word: str) -> bool:
    """Whether two words are one with an apostrophe in it, such as *do* and *n't*."""
    both = _key(before + word)
    if len(before) not in _affix_places(both) or both[-1] == APOSTROPHES[0]:
        return False
    return len(split_text(before + word).words) == 1
