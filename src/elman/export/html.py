"""A model of words as one web page: its numbers, its vocabulary, and scripts that compute it.

Of a network the page holds the instructions of ``elman.inference.compiler``, which
``web/program.js`` runs; of an n-gram its tables (``ngram_page.py``); of a mixture both. The bits
are those of elman. A policy forbids every connection; nothing is loaded from elsewhere.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol
from elman.errors import ModelError
from elman.evaluation.language import precisions_of
from elman.export.ngram_page import BITS, encoded, ngram_data
from elman.export.one_file import one_file
from elman.export.page_check import CONTEXTS, contexts_for_check
from elman.export.page_words import PageWords, page_words
from elman.inference.compiler import OPERATORS, Code, compile_function
from elman.inference.model import InferenceModel
from elman.inference.passes import rows_of
from elman.inference.weights import ProgramWeights, name_of
from elman.models.combine import Mixture
from elman.models.ngram.query import NgramModel
from elman.models.protocol import LanguageModel
from elman.models.registry import kind_of
from elman.progress import Progress
from elman.system.files import write_atomic
from elman.text.kinds import PATTERNS
from elman.text.tokenizer import Tokenizer

_SCRIPTS = (
    "bytes.js", "functions.js", "program.js", "ngram.js", "predictors.js", "typing.js", "splitter.js", "casing.js",
    "offers.js", "typos.js", "learned.js", "learnedlist.js", "naming.js", "words.js", "onefile.js",
)  # fmt: skip


def write_page(
    file: Path,
    model: LanguageModel,
    *,
    card: Mapping[str, Any],
    name: str,
    version: str,
    most: int | None = None,
    block: Collection[str] = (),
    secrets: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Write the page of a model; returns facts about it.

    Args:
        model: as ``elman.load`` gives it, without torch; n-grams as ``page_ngram`` makes them.
        card: the source of the page's facts.
        most: bytes that it may have.
        block: words that the page never offers (``elman.decode.blocklist``).
        secrets: whether it offers what looks private. If not, those words do not stand in the page.

    Raises:
        ModelError: a page cannot hold it, or it would have more bytes.
    """
    check_page(model)
    with progress.stage("making the page", total=3, unit="parts") as advance:
        data = data_of(model)
        advance(1)
        words = page_words(model.tokenizer, block=block, secrets=secrets)
        about = about_page(model, data, words)
        advance(1)
        page = assemble(about, card=card, name=name, version=version, lm=model).encode()
        if most is not None and len(page) > most:
            raise ModelError(
                f"the page would have {len(page):,} bytes, more than {most:,}; give a larger --target-size"
            )
        write_atomic(file, page)
        advance(1)
    precision = getattr(model, "precision", None) or "+".join(sorted(precisions_of(model.describe())))
    return {"bytes": len(page), "contexts": CONTEXTS, "precision": precision, "hidden": words.counts}


def check_page(model: LanguageModel) -> None:
    """Raise unless a page can hold the model.

    Raises:
        ModelError: it is of another kind, its tokens are not words, or its parts have different
            tokenizers.
    """
    if isinstance(model, Mixture):
        if any(part.tokenizer.hash != model.tokenizer.hash for part in model.models):
            raise ModelError("the parts of this mixture number their words differently; a page needs one vocabulary")
        for part in model.models:
            check_page(part)
    elif not isinstance(model, InferenceModel | NgramModel):
        kind = kind_of(model)
        raise ModelError(f"a page needs a network, an n-gram or a mixture of them, not a {kind}")
    level = model.tokenizer.config.level
    if level != "word":
        raise ModelError(f"a page needs a model of words, and this one has {level} tokens: --level word")


def about_page(model: LanguageModel, data: Mapping[str, Any], words: PageWords) -> dict[str, Any]:
    """All that the page's scripts read: the model, its vocabulary, what is never offered, and
    contexts completed in Python.
    """
    return {
        "model": data,
        "tokens": words.tokens,
        "tokenizer": _settings(model.tokenizer),
        "offers": words.rules,
        "contexts": contexts_for_check(model, words),
    }


def data_of(model: LanguageModel, *, ngrams: bool = True) -> dict[str, Any]:
    """A model as ``web/predictors.js`` reads it; without ``ngrams``, nothing in place of these."""
    if isinstance(model, Mixture):
        parts, weights = _weighted(model)
        logs = np.log(weights).tolist()
        return {"kind": "mixture", "parts": [data_of(part, ngrams=ngrams) for part in parts], "logWeights": logs}
    if isinstance(model, NgramModel):
        return ngram_data(model) if ngrams else {}
    assert isinstance(model, InferenceModel)
    return {"kind": "network", **program_of(model)}


def _weighted(model: Mixture) -> tuple[list[LanguageModel], list[float]]:
    """The parts of a mixture whose weight is not 0, and their weights."""
    kept = [index for index, weight in enumerate(model.weights) if weight > 0]
    return [model.models[index] for index in kept], [model.weights[index] for index in kept]


def _settings(tokenizer: Tokenizer) -> dict[str, Any]:
    config = tokenizer.config
    names = ("pretokenized", "lowercase", "locale", "compatibility", "apostrophe", "rules")
    return {name: getattr(config, name) for name in names} | {"patterns": PATTERNS if tokenizer.words else None}


def program_of(lm: InferenceModel) -> dict[str, Any]:
    """Both functions of a program, compiled, with all weights, in the format of
    ``web/program.js``.
    """
    matrices = _Matrices(lm.weights)
    step, output = (_function(compile_function(lm.program[name], lm.weights), matrices) for name in ("step", "output"))
    return {"operators": OPERATORS, "step": step, "output": output, **matrices.joined()}


class _Matrices:
    """The matrices of functions, row after row, in 8 bits or float32, each row kept once."""

    def __init__(self, weights: ProgramWeights) -> None:
        self._weights = weights
        self._parts: dict[str, list[NDArray[Any]]] = {
            "codes": [np.zeros(1, np.int8)],
            "floats": [np.zeros(1, np.float32)],
        }
        self._kept: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        """By kind and name: ranges of rows and their offsets."""

    def add(self, matrix: Symbol, *, small: bool) -> int:
        """The offset of a matrix among those of its kind; it is added if missing."""
        (base, start, stop), kind = rows_of(matrix), "codes" if small else "floats"
        kept = self._kept.setdefault((kind, name_of(base)), [])
        for first, last, offset in kept:
            if first <= start and stop <= last:
                return offset + (start - first) * matrix.shape[1]
        offset = sum(part.size for part in self._parts[kind])
        values = self._weights.small(matrix).codes if small else self._weights.matrix(matrix)
        self._parts[kind].append(values.ravel())
        kept.append((start, stop, offset))
        return offset

    def joined(self) -> dict[str, str]:
        """The matrices of each kind, joined."""
        return {kind: encoded(np.concatenate(parts)) for kind, parts in self._parts.items()}


def _function(code: Code, matrices: _Matrices) -> dict[str, Any]:
    return {
        "code": code.instructions.tolist(), "width": code.width, "bytes": code.bytes, "slots": code.slots,
        "fixed": encoded(code.fixed), "tables": encoded(code.tables.astype(np.int32)),
        "places": [matrices.add(matrix, small=uses <= {"product8", "rows8"}) for matrix, uses in code.matrices],
        "ids": [[name, slot] for name, (slot, _) in code.ids.items()],
        "inputs": [[name, span.start, span.stop - span.start] for name, span in code.inputs.items()],
        "outputs": [[name, span.start, span.stop] for name, span in code.outputs.items()],
    }  # fmt: skip


def assemble(about: Mapping[str, Any], *, card: Mapping[str, Any], name: str, version: str, lm: LanguageModel) -> str:
    """The page: one style, one script, one piece of data, and a policy that allows only these."""
    return one_file(
        "typing.html", about, styles=("typing.css", "onefile.css", "learnedlist.css"), scripts=_SCRIPTS, title=name,
        version=version, facts=facts_of(card, lm),
    )  # fmt: skip


def facts_of(card: Mapping[str, Any], lm: LanguageModel) -> list[tuple[str, str]]:
    """The facts about the model that the page shows."""
    facts = [("model", _spelled(lm))]
    if isinstance(lm, Mixture):
        facts += [(f"part {weight:.3f}", _spelled(part)) for part, weight in zip(*_weighted(lm), strict=True)]
    facts.append(("hash", getattr(lm, "weights_hash", lm.model_hash)[:16]))
    data = card.get("data") or {}
    if data.get("hash"):
        facts.append(("data", str(data["hash"])[:12]))
    facts += [(name, str(value)) for name, value in (card.get("page") or {}).items()]
    for text, figures in (card.get("figures") or {}).items():
        if isinstance(figures, dict) and "bits_per_byte" in figures:
            facts.append(
                (str(text), f"{figures['bits_per_byte']:.4f} bits per byte, perplexity {figures['perplexity']:.2f}")
            )
            if figures.get("signature"):
                facts.append(("signature", str(figures["signature"])))
    return facts


def _spelled(lm: LanguageModel) -> str:
    about = lm.describe()
    if isinstance(lm, NgramModel):
        return f"{about['name']}, {about['size']}, {about['parameters']:,} n-grams, {BITS} bits"
    precision = f", {about['precision']}" if "precision" in about else ""
    return f"{about['name']}, {about['size']}, {about['parameters']:,} parameters{precision}"
