"""A trained network unrolled over a sentence: one column per token, with the shape of the values on
each wire.
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
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer

_NAMES = 11
"""Width of the names of the rows."""
_LONGEST = 12
"""Most characters shown of a token."""
MOST_TOKENS = 24
PICTURE_WIDTH = 84
"""Columns of a picture, so that it can be read on a screen of 1,280 pixels."""


class Unrolled(NamedTuple):
    """The reading of a sentence, token by token."""

    tokens: list[str]
    ids: list[int]
    next: list[tuple[str, float]]
    """The likeliest next token after each token, and its probability."""
    config: NeuralConfig
    types: int
    """V."""


def unroll(model: LanguageModel, config: NeuralConfig, sentence: str) -> Unrolled:
    """Read a sentence from a document start.

    Raises:
        UsageError: it is empty, or has more tokens than a drawing can show.
    """
    tokenizer = model.tokenizer
    ids = [int(token) for token in tokenizer.encode(tokenizer.normal_form(sentence)).ids]
    if not 1 <= len(ids) <= MOST_TOKENS:
        what = "a shorter one" if ids else "some words"
        raise UsageError(f"--sentence has {len(ids)} tokens; a drawing shows 1 to {MOST_TOKENS}: give {what}")
    state, following = model.start(), []
    for token in ids:
        state = model.advance(np.array([token], np.int64), state)
        log_probs = model.log_probs(state)[0]
        best = int(np.argmax(log_probs))
        following.append((_shown(tokenizer, best), float(np.exp(log_probs[best]))))
    return Unrolled([_shown(tokenizer, token) for token in ids], ids, following, config, tokenizer.size)


def unrolled_title(reading: Unrolled) -> str:
    """What a drawing shows, in at most as many characters as the picture is wide.

    >>> config = NeuralConfig(cell="lstm", layers=2, embedding_size=4, hidden_size=6)
    >>> unrolled_title(Unrolled(["a", "cat"], [5, 6], [], config, 9))
    'an lstm network (6 -> 4) reads “a cat”'
    """
    cell = reading.config.cell
    # Spelled letter by letter, or read as a word.
    article = "an" if cell[0] in "aeio" or (cell[:2] in ("ls", "rn", "rg")) else "a"
    title = f"{article} {cell} network ({reading.config.layers_in_words}) reads “{' '.join(reading.tokens)}”"
    return title if len(title) <= PICTURE_WIDTH else f"{title[: PICTURE_WIDTH - 2]}…”"


def state_shapes(config: NeuralConfig) -> list[list[int]]:
    """The shapes of all parts of the state, layer by layer, for one row.

    >>> state_shapes(NeuralConfig(cell="lstm", layers=2, embedding_size=4, hidden_size=6))
    [[1, 6], [1, 6], [1, 4], [1, 4]]
    """
    return [[1, size] for parts in config.states for size in parts.values()]


def unrolled_page(reading: Unrolled, *, name: str, weights: Mapping[str, Any], width: int) -> str:
    """The drawing and the shapes of all weights, as text; ``weights`` are the model's arrays by
    name.
    """
    config = reading.config
    head = textwrap.fill(f"{unrolled_title(reading)} (model {name}, V = {reading.types} types)", width)
    legend = (
        "Time runs to the right, values flow upwards; 1×N: one row of N numbers. Along the top: the likeliest next "
        "token. The state begins at zero."
    )
    parts = [head, *("\n".join(draw(piece)) for piece in layouts(reading, width=width)), textwrap.fill(legend, width)]
    if config.cell == "transformer":
        parts.append(f"k v: the keys and the values of the last {(config.seen or 0) - 1} tokens, each so large.")
    if config.shortcuts and config.layers > 1:
        parts.append("Not drawn: lower layers also reach the output directly, through stack.skips.")
    longest = max(map(len, weights))
    rows = [f"  {weight.ljust(longest)}  {' × '.join(map(str, weights[weight].shape))}" for weight in sorted(weights)]
    return "\n\n".join([*parts, "\n".join(["Weights", *rows])])


def unrolled_values(reading: Unrolled, *, name: str, weights: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON values; shapes are for one row."""
    config = reading.config
    below = reading.types + 1 if config.input == "one-hot" else config.embedding_size
    steps = zip(reading.tokens, reading.ids, reading.next, strict=True)
    return {
        "model": name,
        "cell": config.cell,
        "steps": [
            {"token": token, "id": token_id, "next": {"text": text, "probability": prob}}
            for token, token_id, (text, prob) in steps
        ],
        "shapes": {
            "embedded": [1, below],
            "layers": [[1, size] for size in config.outputs],
            "state": state_shapes(config),
            "log_probs": [1, reading.types],
        },
        "weights": {weight: list(weights[weight].shape) for weight in sorted(weights)},
    }


def layouts(reading: Unrolled, *, width: int | None = None) -> list[Layout]:
    """The drawing, cut into pieces of at most ``width`` columns; in one piece by default."""
    config = reading.config
    carried = [_state_text(config, layer) for layer in range(config.layers)]
    texts = [f"{text} {prob:.0%}" for text, prob in reading.next]
    pitch = max(
        *(len(text) + len(f"[{config.cell}]") + 4 for text in carried),
        *(len(text) + 2 for text in (*texts, *reading.tokens)),
        len(_shape(reading.types)) + 8,
    )
    # Wires that enter from the left are labelled with their shape too.
    margin = _NAMES + max(map(len, carried)) + 4 - (pitch - len(f"[{config.cell}]")) // 2
    count = len(reading.tokens) if width is None else max(1, (width - margin - 4) // pitch)
    spans = [slice(start, start + count) for start in range(0, len(reading.tokens), count)]
    return [_piece(reading, span, texts, carried, margin, pitch) for span in spans]


def _piece(reading: Unrolled, span: slice, texts: list[str], carried: list[str], margin: int, pitch: int) -> Layout:
    config = reading.config
    nodes, wires, outputs = [], [], []
    labels: list[tuple[int, int, str]] = []
    cell_rows = [4 + 2 * layer for layer in range(config.layers)]
    projected = [cell_rows[-1] + 2] if config.projection else []
    end = [*cell_rows, *projected][-1] + 2
    below = reading.types + 1 if config.input == "one-hot" else config.embedding_size
    embed = "[onehot]" if config.input == "one-hot" else "[C]"
    rising = [_shape(), _shape(below), *map(_shape, config.outputs)]
    rising += [*(_shape(config.top_size) for _ in projected), _shape(reading.types)]
    tokens, following = reading.tokens[span], texts[span]
    for index, (token, text) in enumerate(zip(tokens, following, strict=True)):
        column = margin + pitch * index + pitch // 2
        nodes.append(Placed(column, 0, token, "", False))
        nodes.append(Placed(column, 2, embed, "", True))
        nodes += [Placed(column, row, f"[{config.cell}]", "", True) for row in cell_rows]
        nodes += [Placed(column, row, "[W]", "", True) for row in projected]
        nodes.append(Placed(column, end, "[softmax]", "", True))
        outputs.append(Placed(column, end + 2, text, "", False))
        rows = [0, 2, *cell_rows, *projected, end, end + 2]
        for low, high in zip(rows, rows[1:], strict=False):
            wires.append(Wire(f"{index} {low}", ((column, low), (column, high))))
        labels += [(column + 2, low + 1, shape) for low, shape in zip(rows[:-1], rising, strict=True)]
        half_width = (len(config.cell) + 2) // 2
        for row, text_of_state in zip(cell_rows, carried, strict=True):
            start = column - pitch if index else _NAMES - 2
            wires.append(Wire(f"s{index} {row}", ((start, row), (column, row))))
            labels.append((column - pitch + half_width + 2 if index else _NAMES, row, text_of_state))
    names = ["token", "embedding", *(f"layer {layer + 1}" for layer in range(config.layers))]
    names += [*("projection" for _ in projected), "output", "next"]
    rows = [0, 2, *cell_rows, *projected, end, end + 3]
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
    # Unknown words and line ends have no readable text, so their type is shown.
    text = tokenizer.tokens[token] if token in (UNK_ID, EOS_ID) else tokenizer.decode([token])
    text = "".join(char if char.isprintable() else "\ufffd" for char in text.strip() or repr(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
