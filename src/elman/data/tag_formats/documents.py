"""Documents cut into sentences."""

import bisect
import dataclasses
from collections.abc import Callable, Iterator, Sequence

from elman.data.tagged_sentence import TaggedSentence


def cut_document(
    document: TaggedSentence, starts: Sequence[int], position: Callable[[int], str]
) -> Iterator[TaggedSentence]:
    """The sentences of a document, each with its own part of the text; those without words are left
    out.

    A span is never cut: sentences that it joins stay together.

    Args:
        document: with a text, and no tags or tags in BIO.
        starts: where sentences start in its text, in order.
        position: file and line of a place in its text.

    >>> document = TaggedSentence(words=("Hi", "you", "Ann"), text="Hi\\nyou Ann", offsets=((0, 2), (3, 6), (7, 10)))
    >>> [part.offsets for part in cut_document(document, [0, 3], lambda at: "")]
    [((0, 2),), ((0, 3), (4, 7))]
    """
    words = [bisect.bisect_left(document.offsets, (start, 0)) for start in starts]
    inside = [bool(document.tags) and tag < len(document) and document.tags[tag].startswith("I") for tag in words]
    kept = [(start, word) for start, word, cut in zip(starts, words, inside, strict=True) if not cut]
    for (start, first), (end, last) in zip(kept, [*kept[1:], (len(document.text), len(document))], strict=True):
        if first == last:
            continue
        text = document.text[start : max(end, document.offsets[last - 1][1])]
        start += len(text) - len(text.lstrip())
        yield dataclasses.replace(
            document,
            words=document.words[first:last],
            tags=document.tags[first:last],
            text=text.strip(),
            offsets=tuple((left - start, right - start) for left, right in document.offsets[first:last]),
            position=position(start),
        )
