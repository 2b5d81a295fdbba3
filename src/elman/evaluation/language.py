"""A model's figures and their signature: evaluation, signature, model card."""

from collections.abc import Mapping
from typing import Any

from elman.decode.line_nats import LineNats
from elman.decode.scoring import Context, evaluate
from elman.metrics.signature import signature
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.system.machine import version
from elman.text.speller import Speller
from elman.text.store import Text

_ADAPTING = ("dynamic", "mixture", "cache", "tempered")
"""Kinds of models that are made of others and fitted to a text, in the order of their names."""


def evaluate_text(
    model: LanguageModel,
    speller: Speller,
    text: Text,
    *,
    context: Context,
    progress: Progress,
    tuned_on: str | None = None,
    by_line: LineNats | None = None,
) -> dict[str, Any]:
    """The figures of a model on a text, with their signature.

    Args:
        tuned_on: the hash of the text that it was fitted on.
        by_line: collects the losses of lines.
    """
    adapted = adaptation_of(model.describe()) + (f"-{tuned_on[:12]}" if tuned_on else "")
    tally = evaluate(model, speller, text, context=context, progress=progress, total_bytes=text.bytes, by_line=by_line)
    signed = signature_of(model, data=text.sha256, context=context, adapted=adapted)
    return {**tally.figures(), "context": context, "signature": signed}


def adaptation_of(about: Mapping[str, Any]) -> str:
    """How a model adapts, from what ``describe`` says of it and its parts.

    >>> adaptation_of({"name": "cache", "parts": [{"name": "mixture", "parts": [{"name": "lstm"}, {"name": "ngram"}]}]})
    'mixture+cache'
    >>> adaptation_of({"name": "lstm"})
    'none'
    """

    def names(one: Mapping[str, Any]) -> set[str]:
        return {one["name"]}.union(*(names(part) for part in one.get("parts", [])))

    found = names(about)
    return "+".join(name for name in _ADAPTING if name in found) or "none"


def precisions_of(about: Mapping[str, Any]) -> set[str]:
    """How a model computes, and its parts, from what ``describe`` says of them.

    >>> sorted(precisions_of({"name": "mixture", "parts": [{"name": "lstm", "precision": "int8"}, {"name": "ngram"}]}))
    ['fp32', 'int8']
    """
    parts = about.get("parts", [])
    own = set() if parts else set(str(about.get("precision", "fp32")).split("+"))
    return own.union(*(precisions_of(part) for part in parts))


def signature_of(model: LanguageModel, *, data: str, context: Context, adapted: str = "none") -> str:
    """The signature of a figure: model, precision, tokenizer, data, context, adaptation,
    version."""
    config = model.tokenizer.config
    level = "-".join(
        [config.level, *(name for name in ("pretokenized", "lowercase", "compatibility") if getattr(config, name))]
    )
    level += f"-{config.locale}" if config.locale else ""
    level += "-backward" if config.is_backward else ""
    return signature(
        model=f"{model.describe()['name']}-{model.model_hash[:8]}",
        precision="+".join(sorted(precisions_of(model.describe()))),
        tokenizer=f"{level}-{model.tokenizer.hash}",
        data=data[:12],
        context=context,
        adapted=adapted,
        elman=version("elman") or "unknown",
    )
