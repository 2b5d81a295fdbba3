"""A network as one page: its weights in 8 bits, its words and the instructions of its step, and what runs them.

The page holds the same program as ``model.onnx`` and the same tape (``elman.models.tape``), whose instructions
``web/tape.js`` carries out. It forbids itself every connection; nothing in it comes from elsewhere.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.completion import complete
from elman.errors import ModelError
from elman.files import write_atomic
from elman.models import tape_kernels as kernels
from elman.models.registry import kind_of
from elman.models.runtime import RuntimeModel
from elman.models.runtime_file import contents, outputs_of, part, unseal
from elman.models.tape_room import place
from elman.models.tape_things import Untranslatable
from elman.models.tape_translation import Translation
from elman.progress import Progress
from elman.text.tokenizer import Tokenizer
from elman.web.assets import read

_ENDS = ("log_probs", "chosen")
_SCRIPTS = ("tape.js", "typing.js", "words.js", "onefile.js")
CONTEXTS = 60
"""Contexts that Python completes, for the page to compare itself with."""
_WORDS = 5


def write_page(
    file: Path, model: Any, *, passport: Mapping[str, Any], name: str, version: str, progress: Progress
) -> dict[str, Any]:
    """Write the page of a network; what is in it.

    Args:
        model: the network as ``elman.load`` gives it, by its program.
        passport: what the page says of its making.

    Raises:
        ModelError: it is no network, or its tokens are no words, or it has operators that the page does not know.
    """
    lm = _checked(model)
    with progress.stage("making the page", total=3, unit="parts") as advance:
        about = program_of(lm)
        advance(1)
        about |= {"tokens": lm.tokenizer.tokens, "tokenizer": _settings(lm.tokenizer)}
        about["contexts"] = [_completed(lm, prompt) for prompt in contexts_of(lm, CONTEXTS)]
        advance(1)
        write_atomic(file, assemble(about, passport=passport, name=name, version=version, lm=lm).encode())
        advance(1)
    return {"bytes": file.stat().st_size, "contexts": CONTEXTS, "precision": lm.precision}


def _checked(model: Any) -> RuntimeModel:
    if not isinstance(model, RuntimeModel):
        what = "it has no program; train it again" if kind_of(model) not in ("ngram", "mixture") else "it is no network"
        raise ModelError(f"a page is made of a network's program (model.onnx), not of this {kind_of(model)}: {what}")
    level = model.tokenizer.config.level
    if level != "word":
        raise ModelError(f"a page is made of a network of words, and this one has {level} tokens: --level word")
    return model


def _settings(tokenizer: Tokenizer) -> dict[str, bool]:
    return {"pretokenized": tokenizer.config.pretokenized, "lowercase": tokenizer.config.lowercase}


def _completed(lm: RuntimeModel, prompt: str) -> dict[str, Any]:
    found = complete(lm, prompt, n=_WORDS)
    return {"prompt": prompt, "words": [[word, round(probability, 6)] for word, probability in found.words]}


def contexts_of(lm: RuntimeModel, count: int, *, seed: int = 1) -> list[str]:
    """Beginnings of texts that the model makes up, every third one ending inside a word."""
    draw, found = np.random.default_rng(seed), []
    while len(found) < count:
        state, ids = lm.start(), []  # type: ignore[var-annotated]
        for _ in range(int(draw.integers(1, 12))):
            shares = np.exp(lm.log_probs(state)[0].astype(np.float64))
            shares[0] = 0
            ids.append(int(draw.choice(len(shares), p=shares / shares.sum())))
            state = lm.advance(np.array(ids[-1:]), state)
        text = lm.tokenizer.decode(ids).lstrip("\n")
        if text.strip():
            cut = len(text) - int(draw.integers(0, 3)) if len(found) % 3 == 0 else len(text)
            found.append(text[: max(cut, 1)] + (" " if len(found) % 3 == 1 else ""))
    return found


def program_of(lm: RuntimeModel) -> dict[str, Any]:
    """Both tapes of a program with all constants, as the page reads them.

    Raises:
        ModelError: operators that a tape does not know.
    """
    graph, _ = unseal(lm.program)
    steps = [output for output in outputs_of(graph) if output not in _ENDS]
    bounds = {"ids": (0, lm.tokenizer.size), "targets": (0, lm.tokenizer.size - 1)}
    weights = _Weights()
    try:
        step, end = (_tape(graph, outputs, bounds, lm.weights, weights) for outputs in (steps, _ENDS))
    except Untranslatable as error:
        raise ModelError(f"this kind of network has an operator that a page does not know ({error})") from error
    return {"step": step, "end": end, "weights": _base64(weights.joined())}


class _Weights:
    """Matrices of 8 bits, row after row, each kept once."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.int8]] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._size = 0

    def put(self, matrix: NDArray[np.int8]) -> int:
        """Where its first row begins."""
        rows = np.ascontiguousarray(matrix)
        key = (rows.shape, hashlib.sha256(rows.tobytes()).digest())
        if key not in self._places:
            self._places[key] = self._size
            self._parts.append(rows.ravel())
            self._size += rows.size
        return self._places[key]

    def joined(self) -> NDArray[np.int8]:
        """All of them."""
        return np.concatenate([*self._parts, np.zeros(1, np.int8)])


def _tape(
    graph: memoryview, outputs: Sequence[str], bounds: dict[str, tuple[int, int]], outside: Any, weights: _Weights
) -> dict[str, Any]:
    model, _ = part(graph, outputs)
    held = contents(model)
    held = held._replace(values={**held.values, **outside})
    tape = Translation(held, bounds, dense=True)
    tape.translate()
    instructions, spans, width = place(tape)
    matrices = {first: (weights.put(matrix.T), len(matrix)) for first, _, matrix in tape.matrices()}
    tables, start = {}, 0
    for codes in tape.codes:
        tables[start] = weights.put(codes)
        start += codes.size
    code: list[int] = []
    for kind, out, a, b, size, p, q, s in instructions:
        if kind == kernels.MULTIPLY:
            p, b = matrices[p]
        elif kind == kernels.CODES:
            a = tables[a]
        code += [kind, out, a, b, size, p, q, s]
    fixed, whole = (
        np.concatenate([*pool, np.zeros(1, kind)]).astype(kind)
        for pool, kind in zip(tape.pools[:2], (np.float32, np.int32), strict=True)
    )
    named = tape.named()
    return {
        "code": code, "fixed": _base64(fixed), "tables": _base64(whole), "width": width, "bytes": max(tape.bytes, 1),
        "slots": max(tape.slots, 1), "whole": tape.given,
        "inputs": [[name, spans[named[name]].start, size] for name, size in tape.vectors.items()],
        "outputs": [[name, spans[named[name]].start, spans[named[name]].stop] for name in held.outputs],
    }  # fmt: skip


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def assemble(
    about: Mapping[str, Any], *, passport: Mapping[str, Any], name: str, version: str, lm: RuntimeModel
) -> str:
    """The page's text: one style, one script, one piece of data, and a policy that allows just these."""
    from jinja2 import Environment

    script = _joined(_SCRIPTS) + "\nbegin(JSON.parse(document.querySelector('#model').textContent), document);\n"
    style = read("typing.css") + read("onefile.css")
    allowed = [f"{kind} 'sha256-{_digest(text)}'" for kind, text in (("script-src", script), ("style-src", style))]
    policy = "; ".join(["default-src 'none'", *allowed, "img-src data:", "base-uri 'none'", "form-action 'none'"])
    # Of `<` in JSON nothing can become markup.
    data = json.dumps(about, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    raw = {"style": style, "script": script, "model": data}
    page = Environment(autoescape=True).from_string(_trusted(read("onefile.html")))
    return page.render(title=name, policy=policy, version=version, facts=facts_of(passport, lm), **raw)


def _trusted(template: str) -> str:
    """The template with what is our own script, style and data put in as it is."""
    return re.sub(r"\{\{ (style|script|model) \}\}", r"{{ \1 | safe }}", template)


def _joined(names: Sequence[str]) -> str:
    """Several modules as one: what they take from each other is there already."""
    text = "\n".join(read(name) for name in names)
    text = re.sub(r"^import .*?;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=function|class|const|async)", "", text, flags=re.MULTILINE)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def facts_of(passport: Mapping[str, Any], lm: RuntimeModel) -> list[tuple[str, str]]:
    """What the page says of its model."""
    about = lm.describe()
    facts = [("model", f"{about['name']}, {about['size']}, {about['parameters']:,} parameters, {lm.precision}")]
    facts.append(("hash", lm.weights_hash[:16]))
    data = passport.get("data") or {}
    if data.get("hash"):
        facts.append(("data", str(data["hash"])[:12]))
    for text, figures in (passport.get("figures") or {}).items():
        if isinstance(figures, dict) and "bits_per_byte" in figures:
            facts.append(
                (str(text), f"{figures['bits_per_byte']:.4f} bits per byte, perplexity {figures['perplexity']:.2f}")
            )
            if figures.get("signature"):
                facts.append(("signature", str(figures["signature"])))
    return facts
