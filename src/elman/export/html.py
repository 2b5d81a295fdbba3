"""A network as one web page: 8-bit weights, vocabulary, compiled program, and scripts that run it.

The page holds the instructions of ``elman.inference.compiler``; ``web/program.js`` runs them with
the same bits as elman. A policy forbids every connection; nothing is loaded from elsewhere.
"""

import base64
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol
from elman.decode.completion import complete
from elman.decode.offers import Offers, offers_from
from elman.decode.pieces import piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import PromptState
from elman.decode.secrets import is_secret
from elman.decode.spelling import locale_of
from elman.errors import ModelError
from elman.inference.compiler import OPERATORS, Code, compile_function
from elman.inference.model import InferenceModel
from elman.inference.passes import rows_of
from elman.inference.weights import ProgramWeights, name_of
from elman.models.protocol import LanguageModel
from elman.models.registry import kind_of
from elman.progress import Progress
from elman.system.files import write_atomic
from elman.text.kinds import PATTERNS
from elman.text.tokenizer import EOS_ID, Tokenizer
from elman.web.assets import read

_SCRIPTS = (
    "functions.js", "program.js", "typing.js", "splitter.js", "casing.js", "offers.js", "words.js", "onefile.js",
)  # fmt: skip
CONTEXTS = 60
"""Contexts completed in Python, with which the page checks itself."""
_WORDS = 5


def write_page(
    file: Path,
    model: Any,
    *,
    card: Mapping[str, Any],
    name: str,
    version: str,
    progress: Progress,
    block: Collection[str] = (),
    secrets: bool = False,
) -> dict[str, Any]:
    """Write the page of a network; returns facts about it.

    Args:
        model: the network as ``elman.load`` gives it, without torch.
        card: the source of the page's facts.
        block: words that the page never offers (``elman.decode.blocklist``).
        secrets: whether it offers what looks private. If not, those words do not stand in the page.

    Raises:
        ModelError: it is not a network, or its tokens are not words.
    """
    lm = _checked(model)
    with progress.stage("making the page", total=3, unit="parts") as advance:
        about = program_of(lm)
        advance(1)
        offers = offers_from(block, locale=locale_of(lm.tokenizer), secrets=secrets)
        private, blocked = hidden_types(lm.tokenizer, offers)
        about |= {"tokens": _without(lm.tokenizer.tokens, private), "tokenizer": _settings(lm.tokenizer)}
        about["offers"] = {"hidden": private + blocked, "phrases": offers.block.phrases, "secrets": secrets}
        about["contexts"] = [completed(lm, prompt, offers) for prompt in contexts_of(lm, CONTEXTS, without=private)]
        advance(1)
        write_atomic(file, assemble(about, card=card, name=name, version=version, lm=lm).encode())
        advance(1)
    hidden = {"private": len(private), "blocked": len(blocked), "vocabulary": lm.tokenizer.size}
    return {"bytes": file.stat().st_size, "contexts": CONTEXTS, "precision": lm.precision, "hidden": hidden}


def hidden_types(tokenizer: Tokenizer, offers: Offers) -> tuple[list[int], list[int]]:
    """The types that are never offered because they look private, and those that are blocked."""
    private, blocked = [], []
    for token in range(EOS_ID + 1, tokenizer.size):
        word = tokenizer.tokens[token].removeprefix(" ")
        if not offers.secrets and is_secret(word):
            private.append(token)
        elif offers.block and offers.block.hides(word):
            blocked.append(token)
    return private, blocked


def _without(tokens: Sequence[str], private: Collection[int]) -> list[str]:
    """The types, with a text that nobody types for those that nobody is to read in the page."""
    left_out = set(private)
    lead = {token: " " * tokens[token].startswith(" ") for token in left_out}
    return [f"{lead[token]}\0{token}" if token in left_out else text for token, text in enumerate(tokens)]


def _checked(model: Any) -> InferenceModel:
    if not isinstance(model, InferenceModel):
        raise ModelError(f"a page is made of a network, not of this {kind_of(model)}; give a network's folder")
    level = model.tokenizer.config.level
    if level != "word":
        raise ModelError(f"a page is made of a network of words, and this one has {level} tokens: --level word")
    return model


def _settings(tokenizer: Tokenizer) -> dict[str, Any]:
    config = tokenizer.config
    names = ("pretokenized", "lowercase", "locale", "compatibility", "apostrophe", "rules")
    return {name: getattr(config, name) for name in names} | {"patterns": PATTERNS if tokenizer.words else None}


def completed(lm: LanguageModel, prompt: str, offers: Offers | None = None) -> dict[str, Any]:
    """A prompt with its likeliest words, and the ``digest`` of all log-probabilities before the
    word. ``offers`` are those of the page, by default those of ``write_page``.
    """
    rules = offers or Offers(secrets=False)
    asked = open_prompt(lm, prompt)
    log_probs = lm.log_probs(asked.state)[0]
    found = complete(lm, prompt, n=_WORDS, block=rules.block, secrets=rules.secrets)
    share = _private_share(lm, asked, log_probs, rules) if found.partial else 0.0
    words = [(word, probability / (1 - share)) for word, probability in found.words]
    return {"prompt": prompt, "words": words, "digest": digest(log_probs)}


def _private_share(lm: LanguageModel, asked: PromptState, log_probs: NDArray[np.float32], rules: Offers) -> float:
    """How much of all that begins as typed is private: in the page it does not stand."""
    begun = list(asked.others) or piece_index(lm.tokenizer).starting_with(asked.typed).tolist()
    masses = np.exp(log_probs[begun].astype(np.float64))
    private = [not rules.secrets and is_secret(lm.tokenizer.tokens[token].removeprefix(" ")) for token in begun]
    return float(masses[private].sum() / masses.sum())


def digest(vector: NDArray[np.float32]) -> int:
    """A checksum of a float32 vector: its bits times 1, 3, 5, ..., summed mod 2^32.

    >>> digest(np.array([0, 1], np.float32)) == 3 * 0x3F800000 % 2**32
    True
    """
    odd = 2 * np.arange(len(vector), dtype=np.uint32) + np.uint32(1)
    return int((vector.view(np.uint32) * odd).sum(dtype=np.uint32))


def contexts_of(lm: InferenceModel, count: int, *, seed: int = 1, without: Sequence[int] = ()) -> list[str]:
    """Beginnings of generated texts, without some types; every third one ends inside a word."""
    draw, contexts = np.random.default_rng(seed), []
    while len(contexts) < count:
        state, ids = lm.start(), []
        for _ in range(int(draw.integers(1, 12))):
            probs = np.exp(lm.log_probs(state)[0].astype(np.float64))
            probs[[0, *without]] = 0
            ids.append(int(draw.choice(len(probs), p=probs / probs.sum())))
            state = lm.advance(np.array(ids[-1:]), state)
        text = lm.tokenizer.decode(ids).lstrip("\n")
        if text.strip():
            cut = len(text) - int(draw.integers(0, 3)) if len(contexts) % 3 == 0 else len(text)
            contexts.append(text[: max(cut, 1)] + (" " if len(contexts) % 3 == 1 else ""))
    return contexts


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
        return {kind: _base64(np.concatenate(parts)) for kind, parts in self._parts.items()}


def _function(code: Code, matrices: _Matrices) -> dict[str, Any]:
    return {
        "code": code.instructions.tolist(), "width": code.width, "bytes": code.bytes, "slots": code.slots,
        "fixed": _base64(code.fixed), "tables": _base64(code.tables.astype(np.int32)),
        "places": [matrices.add(matrix, small=uses <= {"product8", "rows8"}) for matrix, uses in code.matrices],
        "ids": [[name, slot] for name, (slot, _) in code.ids.items()],
        "inputs": [[name, span.start, span.stop - span.start] for name, span in code.inputs.items()],
        "outputs": [[name, span.start, span.stop] for name, span in code.outputs.items()],
    }  # fmt: skip


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def assemble(about: Mapping[str, Any], *, card: Mapping[str, Any], name: str, version: str, lm: InferenceModel) -> str:
    """The page: one style, one script, one piece of data, and a policy that allows only these."""
    from jinja2 import Environment

    script = joined(_SCRIPTS) + "\nbegin(JSON.parse(document.querySelector('#model').textContent), document);\n"
    style = read("typing.css") + read("onefile.css")
    allowed = [f"{kind} 'sha256-{_digest(text)}'" for kind, text in (("script-src", script), ("style-src", style))]
    policy = "; ".join(["default-src 'none'", *allowed, "img-src data:", "base-uri 'none'", "form-action 'none'"])
    # Without `<`, JSON cannot become markup.
    data = json.dumps(about, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    raw = {"style": style, "script": script, "model": data}
    page = Environment(autoescape=True).from_string(_trusted(read("onefile.html")))
    return page.render(title=name, policy=policy, version=version, facts=facts_of(card, lm), **raw)


def _trusted(template: str) -> str:
    """The template with our own script, style and data marked as safe."""
    return re.sub(r"\{\{ (style|script|model) \}\}", r"{{ \1 | safe }}", template)


def joined(names: Sequence[str]) -> str:
    """Several modules of ``elman.web`` as one script, without their imports."""
    text = "\n".join(read(name) for name in names)
    text = re.sub(r"^import .*?;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=function|class|const|async)", "", text, flags=re.MULTILINE)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def facts_of(card: Mapping[str, Any], lm: InferenceModel) -> list[tuple[str, str]]:
    """The facts about the model that the page shows."""
    about = lm.describe()
    facts = [("model", f"{about['name']}, {about['size']}, {about['parameters']:,} parameters, {lm.precision}")]
    facts.append(("hash", lm.weights_hash[:16]))
    data = card.get("data") or {}
    if data.get("hash"):
        facts.append(("data", str(data["hash"])[:12]))
    for text, figures in (card.get("figures") or {}).items():
        if isinstance(figures, dict) and "bits_per_byte" in figures:
            facts.append(
                (str(text), f"{figures['bits_per_byte']:.4f} bits per byte, perplexity {figures['perplexity']:.2f}")
            )
            if figures.get("signature"):
                facts.append(("signature", str(figures["signature"])))
    return facts
