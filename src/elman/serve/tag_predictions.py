"""/v1/predict of taggers: the tags of words, spans, and the likeliest sequences of tags."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from elman.data.tagged_sentence import TaggedSentence
from elman.metrics.span_schemes import type_of
from elman.progress import counted
from elman.serve.abilities import TagModel, TagsWords
from elman.serve.batching import Patience
from elman.serve.errors import Problem
from elman.serve.input_texts import input_texts
from elman.serve.limits import Limits
from elman.serve.schemas import PredictBody
from elman.serve.work import Work
from elman.tasks.tag.prediction import TaggedText

_N_BEST = 1 << 21
"""Most words of a text times sequences times tags."""


async def predicted_tags(body: PredictBody, able: TagsWords, work: Work, request: Request) -> dict[str, Any]:
    """The answer of a tagger (``tags_answer``)."""
    return await work.in_thread(request, functools.partial(tags_answer, body, able, work.limits), reading=True)


def tags_answer(body: PredictBody, able: TagsWords, limits: Limits, patience: Patience) -> dict[str, Any]:
    """The answer: tagged texts in the order of the request.

    Raises:
        Problem: the request is too large, asks for what taggers lack, or has a string that is not
            valid text.
    """
    if body.explain:
        raise Problem(
            422, f"explain is for models that label whole texts; {able.name} {able.verb}: leave it out, or ask for top",
            param="explain",
        )  # fmt: skip
    texts = input_texts(body.input, limits, size=1, parts="text", numbers="texts")
    sentences = sentences_of(texts, able.model, limits)
    words = sum(map(len, sentences))
    size = words * (1 + body.top + body.n_best)
    if size > limits.max_answer:
        raise Problem(
            422, f"input has {counted(words, 'word')}, with {1 + body.top + body.n_best} tags each {size:,}; this "
            f"server gives up to {limits.max_answer:,} in one answer", param="input",
        )  # fmt: skip
    most = max((len(sentence) for sentence in sentences), default=0) * body.n_best * len(able.model.labels)
    if most > _N_BEST:
        raise Problem(
            422, f"n_best is {body.n_best}, for a text of {max(map(len, sentences)):,} words and "
            f"{len(able.model.labels):,} tags; send shorter texts, or ask for fewer", param="n_best",
        )  # fmt: skip
    # Only the answer is kept of each text, not the probabilities of all tags.
    use = functools.partial(tagged_facts, model=able.model, top=body.top, n_best=body.n_best)
    found = patience.wait(able.batcher.map_predictions(sentences, use, patience))
    about: dict[str, Any] = {"model": able.name, "labels": list(able.model.labels), "scheme": able.model.scheme}
    if able.model.scheme is not None:
        about["types"] = types_of(able.model.labels)
    return {**about, "predictions": found}


def sentences_of(texts: Sequence[str], model: TagModel, limits: Limits) -> list[TaggedSentence]:
    """The words of texts.

    Raises:
        Problem: a text has too many.
    """
    found = []
    for number, text in enumerate(texts):
        found.append(model.split(text))
        if len(found[-1]) > limits.max_prompt_tokens:
            which = "the text" if len(texts) == 1 else f"text {number}"
            raise Problem(
                413, f"{which} has {len(found[-1]):,} words; this server tags up to {limits.max_prompt_tokens:,} in "
                "one text: send its sentences as a list", param="input",
            )  # fmt: skip
    return found


def tagged_facts(tagged: TaggedText, *, model: TagModel, top: int, n_best: int) -> dict[str, Any]:
    """A tagged text as it is answered.

    Args:
        top: how many tags are listed for each word, the likeliest first.
        n_best: how many sequences of tags are listed.
    """
    facts = tagged.to_json()
    if top:
        best = np.argsort(-tagged.probabilities, axis=1, kind="stable")[:, :top]
        for word, own, chances in zip(facts["words"], best.tolist(), tagged.probabilities, strict=True):
            word["top"] = [{"tag": tagged.names[tag], "probability": float(chances[tag])} for tag in own]
    if n_best:
        found = model.n_best(tagged.sentence, n_best)
        facts["sequences"] = [{"tags": list(tags), "probability": chance} for tags, chance in found]
    return facts


def types_of(tags: Sequence[str]) -> list[str]:
    """The types of spans that tags mark, in the order of the tags.

    >>> types_of(("B-place", "I-place", "B-person", "O"))
    ['place', 'person']
    """
    return list(dict.fromkeys(filter(None, map(type_of, tags))))
