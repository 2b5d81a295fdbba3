"""/v1/translate: translations of texts, and where the model looked."""

from collections.abc import Sequence
from typing import Any

from elman.serve.abilities import Translates
from elman.serve.batching import too_slow
from elman.serve.errors import Problem
from elman.serve.hidden import Hidden
from elman.serve.input_texts import check_begun, input_texts
from elman.serve.limits import Limits
from elman.serve.request_context import RequestContext
from elman.serve.translate_schemas import TranslateBody

_AT_ONCE = 16
"""Texts translated together; between them the client may leave."""


def translate_answer(body: TranslateBody, able: Translates, context: RequestContext) -> dict[str, Any]:
    """The translations, as ``elman predict`` gives them; hidden words are left out.

    Raises:
        Problem: too much text, more translations than the beam has, or it takes too long.
        ElmanError: the model has no attention, or cannot begin like that.
    """
    texts = texts_of(body, context.limits)
    options = {"beam_size": body.beam_size, "n_best": body.n_best, "begin": body.begin}
    found: list[dict[str, Any]] = []
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        with able.turn:
            if context.patience.over:
                raise too_slow()
            made = list(able.model.predictions(some, **options))
            looked = list(able.model.attention(some, [each.text for each in made])) if body.attention else []
        for number, each in enumerate(made):
            facts = each.to_json()
            if body.attention:
                facts["attention"] = looked[number].to_json()
            found.append(facts)
    return {"model": able.name, "translations": [_shown(facts, context.hidden) for facts in found]}


def texts_of(body: TranslateBody, limits: Limits) -> Sequence[str]:
    """The texts of a request.

    Raises:
        Problem: the request is too large, or a string is not valid text.
    """
    if body.n_best > body.beam_size:
        message = f"n_best is {body.n_best}, but beam_size is {body.beam_size}; make it at least {body.n_best}"
        raise Problem(422, message, param="n_best")
    check_begun(body.begin)
    texts = input_texts(body.input, limits, size=body.n_best, parts="translations each", numbers="translations")
    longest = max(map(len, texts), default=0)
    if longest > limits.max_translate:
        raise Problem(
            413, f"a text has {longest:,} characters; this server translates up to {limits.max_translate:,} at once: "
            "send its sentences as a list", param="input", code="too_long_to_translate",
        )  # fmt: skip
    return texts


def _shown(facts: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """An answer without hidden words of the target side."""
    facts["translation"] = hidden.masked(facts["translation"])
    for each in facts.get("translations", ()):
        each["text"] = hidden.masked(each["text"])
    if "attention" in facts:
        facts["attention"]["target"] = [hidden.masked(word) for word in facts["attention"]["target"]]
    return facts
