"""/v1/corrections: tags that a user corrected, as new lines of training data.

The lines are JSON with the text and its spans, or with its words and their tags, as ``elman train``
reads them. Nothing else is ever written.
"""

import threading
from pathlib import Path
from typing import Any

from elman.data.span_alignment import CharSpan, tag_spans
from elman.data.tag_formats.json_spans import JSON_SPANS, looks_like_json, write_json_spans
from elman.data.tagged_sentence import TaggedSentence
from elman.errors import StorageError, TextError, UsageError
from elman.metrics.span_schemes import convert, invalid_at
from elman.progress import counted
from elman.serve.abilities import TagsWords
from elman.serve.errors import Problem, check_unicode, shown
from elman.serve.limits import Limits
from elman.serve.schemas import CorrectionBody
from elman.serve.tag_predictions import sentences_of, types_of
from elman.system.files import append_line

_MEGABYTE = 1 << 20
_LOOK = 1 << 12


class Corrections:
    """The file that corrections are added to.

    Args:
        path: made with the first correction, if there is none.
        limits: how large it may grow.

    Raises:
        UsageError: it has another suffix, another content, or no folder to be in.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self._most = path, limits.max_corrections * _MEGABYTE
        self._lock = threading.Lock()
        self._limits = limits
        self.saved = 0
        """How many corrections were added since the start."""
        if path.suffix not in JSON_SPANS.suffixes:
            raise UsageError(f"--corrections is {path}; corrections are JSON lines: name a file that ends in .jsonl")
        if not path.parent.is_dir():
            raise UsageError(f"--corrections is {path}, and there is no folder {path.parent}; make it first")
        if path.exists() and not _is_empty_or_json(path):
            raise UsageError(f"{path} holds something else than JSON lines; name a new file for --corrections")

    def answer(self, body: CorrectionBody, able: TagsWords) -> dict[str, Any]:
        """Add a correction.

        Raises:
            Problem: it does not fit its text or the tagger, or the file is full or cannot be
                written.
        """
        sentence = corrected(body, able, self._limits)
        field = able.model.field
        if field is not None and not JSON_SPANS.has_field(field):
            field = None
        line = write_json_spans(sentence, sentence.tags, field=field, scheme=able.model.scheme).encode()
        with self._lock:
            size = self.path.stat().st_size if self.path.is_file() else 0
            if size + len(line) > self._most:
                raise Problem(
                    507, f"the file of corrections is full: {self._most // _MEGABYTE} megabytes; train on it and name "
                    "a new one, or raise --max-corrections", code="corrections_full",
                )  # fmt: skip
            try:
                append_line(self.path, line)
            except StorageError:
                # The path is nobody's business who may only correct.
                raise Problem(
                    507, "the correction could not be saved: the file cannot be written", code="not_saved"
                ) from None
            self.saved += 1
            return {"model": able.name, "saved": self.saved}


def corrected(body: CorrectionBody, able: TagsWords, limits: Limits) -> TaggedSentence:
    """The text with its right tags.

    Raises:
        Problem: tags or spans do not fit the text or the tagger.
    """
    check_unicode([body.text], param="text")
    (sentence,) = sentences_of([body.text], able.model, limits)
    if not len(sentence):
        raise Problem(422, "text has no words; send the text that was tagged", param="text")
    if (body.tags is None) == (body.spans is None):
        raise Problem(422, "a correction has either tags, one for each word, or spans; give one of them", param="tags")
    if body.spans is not None:
        return _with_spans(sentence, body, able)
    tags = tuple(body.tags or ())
    if len(tags) != len(sentence):
        raise Problem(
            422,
            f"{counted(len(tags), 'tag')} came for {counted(len(sentence), 'word')}; /v1/predict says what the words "
            "are",
            param="tags",
        )
    _check_names(tags, able.model.labels, what="tag", able=able, param="tags")
    if able.model.scheme is not None and (wrong := invalid_at(tags, able.model.scheme)):
        raise Problem(
            422, f"tag {wrong[0]} of the tags, {shown(tags[wrong[0]])}, may not stand there in {able.model.scheme}; "
            "mend it, or send spans", param="tags",
        )  # fmt: skip
    return TaggedSentence(words=sentence.words, tags=tags, text=sentence.text, offsets=sentence.offsets)


def _with_spans(sentence: TaggedSentence, body: CorrectionBody, able: TagsWords) -> TaggedSentence:
    if able.model.scheme is None:
        raise Problem(
            422, f"the tags of {able.name} mark words, not spans; send tags, one for each word", param="spans"
        )
    spans = body.spans or []
    _check_names([span.type for span in spans], types_of(able.model.labels), what="type", able=able, param="spans")
    named = TaggedSentence(words=sentence.words, text=sentence.text, offsets=sentence.offsets, position="text")
    try:
        tagged = tag_spans(named, [CharSpan(span.start, span.end, span.type) for span in spans])
    except TextError as error:
        why = str(error).removeprefix("text: ")
        raise Problem(
            422, why.partition("; ")[0] + "; spans cover whole words and do not overlap", param="spans"
        ) from None
    tags = convert(tagged.tags, "BIO", able.model.scheme)
    return TaggedSentence(words=tagged.words, tags=tags, text=tagged.text, offsets=tagged.offsets)


def _check_names(found: Any, allowed: Any, *, what: str, able: TagsWords, param: str) -> None:
    known = set(allowed)
    for name in found:
        if name not in known:
            some = ", ".join(list(allowed)[:20]) + (", ..." if len(allowed) > 20 else "")
            raise Problem(
                422, f"{what} {shown(name)} is not one of {able.name}; it knows: {some}", param=param
            )  # fmt: skip


def _is_empty_or_json(path: Path) -> bool:
    """Whether lines of JSON may follow what stands in a file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(_LOOK).decode("utf-8", errors="replace")
    first = begin.lstrip().partition("\n")[0]
    return not first or (looks_like_json([first]) and first.startswith("{"))
