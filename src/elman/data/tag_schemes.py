"""The tags of many sentences in one scheme: detected, checked, repaired, converted."""

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

from elman.data.tag_formats.tag_format import UNTAGGED
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import TextError
from elman.metrics.span_schemes import OUTSIDE, allowed, convert, detect_scheme, invalid_at, spans, standard_name

_SHOWN = 3
_SPAN_TAG = re.compile("[BIESLU]-.+")


@dataclasses.dataclass
class SchemeReport:
    """What was found when tags were read as spans."""

    scheme: str | None
    """The scheme of the tags in the files; None if they are not spans."""
    invalid: int = 0
    """How many tags break its rules."""
    sentences: int = 0
    """In how many sentences."""
    first: list[str] = dataclasses.field(default_factory=list)
    """Where the first three stand, and what stands there."""
    odd: str = ""
    """Which tag kept tags that look like spans from being read as such."""

    @property
    def notes(self) -> list[str]:
        """What a user should know."""
        repaired = [f"{self}; they are read as conlleval does, or refused with --strict"] if self.invalid else []
        return [*repaired, *([self.odd] if self.odd else [])]

    def __str__(self) -> str:
        tags = "1 tag breaks" if self.invalid == 1 else f"{self.invalid:,} tags break"
        more = ", ..." if self.invalid > len(self.first) else ""
        return f"{tags} the rules of {self.scheme} ({', '.join(self.first)}{more})"


def in_scheme(
    sentences: Sequence[TaggedSentence],
    target: str | None = None,
    *,
    scheme: str = "auto",
    strict: bool = False,
) -> tuple[list[TaggedSentence], SchemeReport]:
    """Sentences whose tags are valid in a scheme, as conlleval reads them; and what was found.

    Tags that are not spans, such as parts of speech, are given back as they are.

    Args:
        target: the scheme wanted; None for that of the files.
        scheme: that of the files, or ``auto``.
        strict: refuse tags that break the rules.

    >>> sentence = TaggedSentence(words=("Ann", "Lee", "slept"), tags=("I-per", "I-per", "O"), position="a, line 1")
    >>> sentences, report = in_scheme([sentence], "BIOES", scheme="BIO")
    >>> sentences[0].tags, str(report)
    (('B-per', 'E-per', 'O'), '1 tag breaks the rules of BIO (a, line 1: I-per at the start)')

    Raises:
        TextError: with ``strict``, a tag breaks a rule; or a tag is not one of the named scheme.
    """
    counts = Counter(tag for sentence in sentences for tag in sentence.tags)
    source = standard_name(scheme)
    tags_of = [with_outside(sentence.tags) for sentence in sentences]
    if source is None:
        source = detect_scheme(tags_of)
        if source is None:
            return list(sentences), SchemeReport(None, odd=_what_is_odd(sentences, counts))
    else:
        _check_known(sentences, counts, source)
    report = SchemeReport(source)
    done: list[TaggedSentence] = []
    for sentence, tags in zip(sentences, tags_of, strict=True):
        wrong = invalid_at(tags, source)
        report.invalid += len(wrong)
        report.sentences += bool(wrong)
        for place in wrong[: _SHOWN - len(report.first)]:
            report.first.append(f"{sentence.position_of(place)}: {_what(tags, place, source)}")
        if wrong and strict:
            raise TextError(f"{report.first[0]}, which breaks the rules of {source}; mend it, or leave out --strict")
        if wrong or source != (target or source):
            tags = convert(tags, source, target or source)
        done.append(sentence if tags == sentence.tags else dataclasses.replace(sentence, tags=tags))
    return done, report


def with_outside(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags with ``O`` where CoNLL-U has ``_`` for a word in no span.

    >>> with_outside(["B-PER", "_"])
    ('B-PER', 'O')
    """
    return tuple(OUTSIDE if tag == UNTAGGED else tag for tag in tags)


def _what(tags: Sequence[str], place: int, scheme: str) -> str:
    """A wrong tag, with what is wrong about its place."""
    before = tags[place - 1] if place else None
    if allowed(before, tags[place], scheme):
        return f"{tags[place]} at the end"
    return f"{tags[place]} after {before}" if before is not None else f"{tags[place]} at the start"


def _check_known(sentences: Sequence[TaggedSentence], counts: Counter[str], scheme: str) -> None:
    for tag in counts:
        if tag not in (OUTSIDE, UNTAGGED) and not spans([tag], scheme):
            raise TextError(
                f"{_first(sentences, tag)}: tag {tag!r} is not one of {scheme}; mend it, or name another --scheme"
            )


def _what_is_odd(sentences: Sequence[TaggedSentence], counts: Counter[str]) -> str:
    """Why tags are no spans, if all but a few look like spans and are probably meant as such."""
    typed = sum(count for tag, count in counts.items() if _SPAN_TAG.fullmatch(tag))
    odd = [tag for tag in counts if tag not in (OUTSIDE, UNTAGGED) and not _SPAN_TAG.fullmatch(tag)]
    if typed <= sum(counts[tag] for tag in odd):
        return ""
    example = f"tag {odd[0]!r} ({_first(sentences, odd[0])})" if odd else "their mix of prefixes"
    return (
        f"most tags look like spans, such as B-NAME, but {example} fits no scheme, so each tag is taken by itself; "
        "mend the file, or name the scheme with --scheme"
    )


def _first(sentences: Sequence[TaggedSentence], tag: str) -> str:
    """Where a tag stands first."""
    sentence = next(sentence for sentence in sentences if tag in sentence.tags)
    return sentence.position_of(sentence.tags.index(tag))
