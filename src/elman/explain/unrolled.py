"""A trained network unrolled over a sentence: one column for each token, the shape of what flows
along each wire.
"""

import textwrap
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from elman.errors import UsageError
from elman.explain.drawing import draw
from elman.explain.layout import Layout, Placed, Wire
from elman.models.network_config import NeuralConfig
from elman.models.protocol import LanguageModel
from elman.text.normalise import normalise_line
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

_NAMES = 11
"""Columns for the names of the rows."""
_LONGEST = 12
"""Characters of a token that are shown."""
MOST_TOKENS = 24


class Unrolled(NamedTuple):
    """What a model read, token by token."""

    tokens: list[str]
    ids: list[int]
    next: list[tuple[str, float]]
    """After each token the likeliest next one and its probability."""
    config: NeuralConfig
    types: int
    """V."""


def unroll(model: LanguageModel, config: NeuralConfig, sentence: str) -> Unrolled:
    """Read a sentence from a document's start.

    Raises:
        UsageError: nothing in it, or more tokens than a drawing can show.
    """
    tokenizer = model.tokenizer
    ids = [int(each) for each in tokenizer.encode(normalise_line(sentence)).ids]
    if not 1 <= len(ids) <= MOST_TOKENS:
        rest = "a shorter one" if ids else "some words"
        raise UsageError(f"--sentence has {len(ids)} tokens; a drawing shows 1 to {MOST_TOKENS}: give {rest}")
    state, following = model.start(), []
    for each in ids:
        state = model.advance(np.array([each], np.int64), state)
        log_probs = model.log_probs(state)[0]
        best = int(np.argmax(log_probs))
        following.append((_shown(tokenizer, best), float(np.exp(log_probs[best]))))
    return Unrolled([_shown(tokenizer, each) for each in ids], ids, following, config, tokenizer.size)


def sizes(config: NeuralConfig) -> list[int]:
    """The size of what each layer gives, the lowest first."""
    return [config.width] * (config.layers - 1) + [config.top_size]


def state_shapes(config: NeuralConfig) -> list[list[int]]:
    """The shapes of all parts of the state, layer by layer, for one row.

    >>> state_shapes(NeuralConfig(cell="lstm", layers=2, embedding_size=4, hidden_size=6))
    [[1, 6], [1, 6], [1, 4], [1, 4]]
    """
    return [[1, size] for parts in config.states for size in parts.values()]


def unrolled_page(found: Unrolled, *, name: str, weights: Mapping[str, Any], width: int) -> str:
    """The drawing and the shapes of all weights, as text; ``weights`` are the model's arrays by
    name.
    """
    config = found.config
    head = f"{name}: {config.cell}, {config.layers} layer{'s' * (config.layers > 1)}, V = {found.types} types"
    legend = (
        "Time runs to the right, values flow upwards; 1×N: one row of N numbers. Along the top: the likeliest next "
        "token. The state begins at zero."
    )
    parts = [head, *("\n".join(draw(each)) for each in layouts(found, width=width)), textwrap.fill(legend, width)]
    if config.cell == "transformer":
        parts.append(f"k v: the keys and the values of the last {(config.seen or 0) - 1} tokens, each so large.")
    if config.shortcuts and config.layers > 1:
        parts.append("Not drawn: lower layers also reach the output directly, through stack.skips.")
    longest = max(map(len, weights))
    rows = [f"  {each.ljust(longest)}  {' × '.join(map(str, weights[each].shape))}" for each in sorted(weights)]
    return "\n\n".join([*parts, "\n".join(["ProgramWeights", *rows])])


def unrolled_values(found: Unrolled, *, name: str, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The same for programs; shapes are of one row."""
    config = found.config
    below = found.types + 1 if config.input == "one-hot" else config.embedding_size
    steps = zip(found.tokens, found.ids, found.next, strict=True)
    return {
        "model": name,
        "cell": config.cell,
        "steps": [
            {"token": token, "id": each, "next": {"text": text, "probability": share}}
            for token, each, (text, share) in steps
        ],
        "shapes": {
            "embedded": [1, below],
            "layers": [[1, size] for size in sizes(config)],
            "state": state_shapes(config),
            "log_probs": [1, found.types],
        },
        "weights": {each: list(weights[each].shape) for each in sorted(weights)},
    }


def layouts(found: Unrolled, *, width: int | None = None) -> list[Layout]:
    """The drawing, in as many pieces as ``width`` columns ask for; in one without it."""
    config = found.config
    carried = [_state_text(config, layer) for layer in range(config.layers)]
    texts = [f"{text} {share:.0%}" for text, share in found.next]
    pitch = max(
        *(len(text) + len(f"[{config.cell}]") + 4 for text in carried),
        *(len(text) + 2 for text in (*texts, *found.tokens)),
        len(_shape(found.types)) + 8,
    )
    # What enters from the left has its shape written on it too.
    margin = _NAMES + max(map(len, carried)) + 4 - (pitch - len(f"[{config.cell}]")) // 2
    count = len(found.tokens) if width is None else max(1, (width - margin - 4) // pitch)
    spans = [slice(start, start + count) for start in range(0, len(found.tokens), count)]
    return [_piece(found, span, texts, carried, margin, pitch) for span in spans]


def _piece(found: Unrolled, span: slice, texts: list[str], carried: list[str], margin: int, pitch: int) -> Layout:
    config = found.config
    nodes, wires, outputs = [], [], []
    labels: list[tuple[int, int, str]] = []
    cell_rows = [4 + 2 * layer for layer in range(config.layers)]
    end = cell_rows[-1] + 2
    below = found.types + 1 if config.input == "one-hot" else config.embedding_size
    embed = "[onehot]" if config.input == "one-hot" else "[C]"
    rising = [_shape(), _shape(below), *(_shape(size) for size in sizes(config)), _shape(found.types)]
    tokens, following = found.tokens[span], texts[span]
    for place, (token, text) in enumerate(zip(tokens, following, strict=True)):
        column = margin + pitch * place + pitch // 2
        nodes.append(Placed(column, 0, token, "", False))
        nodes.append(Placed(column, 2, embed, "", True))
        nodes += [Placed(column, row, f"[{config.cell}]", "", True) for row in cell_rows]
        nodes.append(Placed(column, end, "[softmax]", "", True))
        outputs.append(Placed(column, end + 2, text, "", False))
        rows = [0, 2, *cell_rows, end, end + 2]
        for low, high in zip(rows, rows[1:], strict=False):
            wires.append(Wire(f"{place} {low}", ((column, low), (column, high))))
        labels += [(column + 2, low + 1, shape) for low, shape in zip(rows[:-1], rising, strict=True)]
        half = (len(config.cell) + 2) // 2
        for row, text_of_state in zip(cell_rows, carried, strict=True):
            start = column - pitch if place else _NAMES - 2
            wires.append(Wire(f"s{place} {row}", ((start, row), (column, row))))
            labels.append((column - pitch + half + 2 if place else _NAMES, row, text_of_state))
    names = ["token", "embedding", *(f"layer {layer + 1}" for layer in range(config.layers)), "output", "next"]
    rows = [0, 2, *cell_rows, end, end + 3]
    labels += [(-3, row, name) for row, name in zip(rows, names, strict=True)]
    return Layout(nodes, wires, [], outputs, labels)


def _state_text(config: NeuralConfig, layer: int) -> str:
    parts = config.states[layer]
    if config.cell == "transformer":
        return f"k v {_shape(parts['values'])}"
    if len(set(parts.values())) == 1:
        return f"{' '.join(parts)} {_shape(*set(parts.values()))}"
    return " ".join(f"{name} {_shape(size)}" for name, size in parts.items())


def _shape(*size: int) -> str:
    return "×".join(map(str, (1, *size)))


def _shown(tokenizer: Tokenizer, token: int) -> str:
    # Unknown words and line ends would be shown as signs that nobody reads.
    text = tokenizer.tokens[token] if token in (UNK_ID, EOS_ID) else tokenizer.decode([token])
    text = "".join(char if char.isprintable() else "\ufffd" for char in text.strip() or repr(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
