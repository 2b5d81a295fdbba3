"""Which word of the source belongs to which word of the target: from attention, or counted by IBM
model 1.

Words are what stands between blanks, numbered from 0, as in the Pharaoh format: ``0-0 1-2`` says
that the first word of the source is aligned with the first of the target, and the second with the
third.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.pairs import Pairs
from elman.models.word_translations import WordTranslations

Links = Sequence[tuple[int, int]]
"""Numbers of aligned words, source before target."""
NO_WORD = -1
"""As the word of a piece: none, such as of the end of a sentence."""
_EDGES = re.compile(r"^\W+|\W+$")


def words_of_pieces(text: str, spans: NDArray[np.int64]) -> NDArray[np.int64]:
    """The word of each piece of a text; a piece without a letter of any word has none.

    Args:
        spans: where each piece begins and ends in the text ``[N, 2]``; blanks before a word may
            belong to it.

    >>> words_of_pieces("Ein Lastwagen", np.array([[0, 3], [3, 8], [8, 13], [13, 13]])).tolist()
    [0, 1, 1, -1]
    """
    words = np.full(len(text), NO_WORD, np.int64)
    for number, match in enumerate(re.finditer(r"\S+", text)):
        words[match.start() : match.end()] = number
    return np.array([words[start:end].max(initial=NO_WORD) for start, end in spans.tolist()], np.int64)


def word_attention(
    attention: NDArray[np.floating], source_words: NDArray[np.int64], target_words: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Attention between words ``[target words, source words]``, from attention between pieces.

    The pieces of a source word are summed, those of a target word averaged. A row sums to less than
    1 if some of the attention was on pieces of no word.

    Args:
        attention: how much each target piece looks at each source piece ``[T, S]``.
        source_words: the word of each source piece ``[S]``, ``NO_WORD`` for none.
        target_words: of each target piece ``[T]``.

    >>> attention = np.array([[0.5, 0.3, 0.2], [0.0, 0.2, 0.8], [0.0, 0.6, 0.4]])
    >>> word_attention(attention, np.array([0, 0, 1]), np.array([0, 1, 1])).round(2).tolist()
    [[0.8, 0.2], [0.4, 0.6]]
    """
    of_target, of_source = _members(target_words), _members(source_words)
    return (of_target / np.maximum(of_target.sum(axis=1, keepdims=True), 1)) @ attention @ of_source.T


def attention_links(attention: NDArray[np.floating]) -> list[tuple[int, int]]:
    """Each target word with the source word that it looks at most.

    Args:
        attention: between words ``[target words, source words]``.

    >>> attention_links(np.array([[0.8, 0.2], [0.4, 0.6]]))
    [(0, 0), (1, 1)]
    """
    if not attention.size:
        return []
    return [(int(source), target) for target, source in enumerate(attention.argmax(axis=1))]


def counted_links(pairs: Pairs) -> Iterator[list[tuple[int, int]]]:
    """The alignment of each pair by IBM model 1, counted on the pairs themselves.

    Case, and signs at the edges of words, are ignored.

    >>> list(counted_links(Pairs(["Das Haus.", "ein Buch", "ein Haus"], ["The house.", "a book", "a house"])))[0]
    [(0, 0), (1, 1)]
    """
    source, target = ([_keys(text) for text in side] for side in (pairs.source, pairs.target))
    words = WordTranslations().fit(source, target)
    return (words.align(one, two) for one, two in zip(source, target, strict=True))


def pharaoh(links: Links) -> str:
    """Links as a line of the Pharaoh format.

    >>> pharaoh([(0, 0), (2, 1)])
    '0-0 2-1'
    """
    return " ".join(f"{source}-{target}" for source, target in links)


def agreement(first: Sequence[Links], second: Sequence[Links]) -> float:
    """How far two alignments of the same sentences agree: F1 of their links, from 0 to 1.

    >>> agreement([[(0, 0), (1, 1)]], [[(0, 0), (2, 1), (1, 2)]])
    0.4
    """
    shared = sum(len({*one} & {*two}) for one, two in zip(first, second, strict=True))
    total = sum(len({*one}) + len({*two}) for one, two in zip(first, second, strict=True))
    return 2 * shared / total if total else 1.0


def _members(words: NDArray[np.int64]) -> NDArray[np.float64]:
    """Whether a piece is of a word ``[words, pieces]``."""
    return (np.arange(words.max(initial=NO_WORD) + 1)[:, None] == words).astype(np.float64)


def _keys(text: str) -> list[str]:
    return [_EDGES.sub("", word).casefold() or word for word in text.split()]
