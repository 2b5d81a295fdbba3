"""A network unrolled: its shapes are those of the arrays it computes with."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import elman
from elman.cells.registry import CELLS
from elman.explain.picture import picture
from elman.explain.unrolled import PICTURE_WIDTH, Unrolled, layouts, state_shapes, unroll, unrolled_title
from elman.models.network_config import NeuralConfig

Call = Callable[..., Any]
SVG = "{http://www.w3.org/2000/svg}"
SENTENCE = "Anna sees the old house at night."


@pytest.mark.parametrize("cell", CELLS)
def test_states_have_the_shapes_that_are_shown(cell: Any) -> None:
    from elman.models.neural import Network

    config = NeuralConfig(cell=cell, layers=3, embedding_size=4, hidden_size=6)
    state = Network(config, 11).initial_state(1)
    assert [list(part.shape) for part in state] == state_shapes(config)


def test_what_is_said_of_a_model_is_so(cli: Call, lstm_folder: Path) -> None:
    shown = cli("explain", "lstm", "--model", lstm_folder, "--sentence", SENTENCE, "--json")
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    model = elman.load(lstm_folder)
    ids = model.lm.tokenizer.encode(SENTENCE).ids
    assert [step["id"] for step in found["steps"]] == ids.tolist()
    # The same probabilities by the other way: scoring all tokens at once.
    state = model.lm.start()
    for step, token in zip(found["steps"], ids, strict=True):
        _, state = model.lm.score(np.array([[token]]), np.array([1]), state)
        assert step["next"]["probability"] == pytest.approx(float(np.exp(model.lm.log_probs(state).max())), rel=1e-4)
    parts = [list(part.shape) for name, part in state.parts.items() if name.startswith("stack")]
    assert found["shapes"]["state"] == parts
    assert found["shapes"]["log_probs"] == list(model.lm.log_probs(state).shape)
    assert found["weights"]["stack.layers.0.weight_ih"] == [4 * 32, found["shapes"]["embedded"][1]]


def test_the_drawing_has_every_token_and_shape(cli: Call, lstm_folder: Path) -> None:
    shown = cli("explain", "--model", lstm_folder, "--sentence", SENTENCE)
    assert shown.code == 0, shown.err
    assert max(map(len, shown.out.splitlines())) <= 79
    rows = [line.split()[1:] for line in shown.out.splitlines() if line.startswith(" token")]
    assert [token for row in rows for token in row] == ["Anna", "sees", "the", "old", "house", "at", "night", "."]
    types = elman.load(lstm_folder).lm.tokenizer.size
    # Two layers of 32 over embeddings of 24, eight tokens: each layer's state comes in and goes on
    # beside each cell.
    assert shown.out.count("h c 1×32") == 16
    assert shown.out.count("│ 1×24") == 8 and shown.out.count("│ 1×32") == 16
    assert shown.out.count(f"│ 1×{types}") == 8


@pytest.mark.slow
def test_a_picture_of_it(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    words = ("explain", "--model", lstm_folder, "--sentence", SENTENCE)
    assert cli(*words, "--out", tmp_path / "net.svg").code == 0
    texts = ["".join(each.itertext()).strip() for each in ElementTree.parse(tmp_path / "net.svg").iter(f"{SVG}text")]
    assert texts.count("h c 1×32") == 16 and texts.count("lstm") == 16
    assert {"Anna", "house", "softmax", "layer 2"} <= set(texts)


def test_mistakes(cli: Call, lstm_folder: Path, ngram_folder: Path) -> None:
    for words, said in (
        (("--sentence", "a"), "add --model"),
        (("--model", lstm_folder), "add --sentence"),
        (("gru", "--model", lstm_folder, "--sentence", "Anna"), "not gru; say: elman explain lstm"),
        (("--model", ngram_folder, "--sentence", "Anna"), "no cell to unroll"),
        (("--model", lstm_folder, "--sentence", " "), "has 0 tokens; a drawing shows 1 to 24: give some words"),
        (("--model", lstm_folder, "--sentence", "Anna " * 30), "has 30 tokens"),
        (("lstm", "--out", "a.pdf"), "try --out a.svg"),
        (("softmax", "--out", "a.svg"), "choose one of: lstm"),
        (("--out", "a.svg"), "needs a topic"),
    ):
        shown = cli("explain", *words)
        assert shown.code == 2 and said in shown.err and shown.err.count("\n") == 1, shown.err


def test_what_a_transformer_carries_is_written_short(lstm_folder: Path) -> None:
    config = NeuralConfig(cell="transformer", layers=2, embedding_size=24, hidden_size=32, window=5)
    found = unroll(elman.load(lstm_folder).lm, config, SENTENCE)
    assert "k v 1×96" in [text for _, _, text in layouts(found)[0].labels]


def test_unknown_words_and_line_ends_are_named(lstm_folder: Path) -> None:
    config = NeuralConfig(layers=2, embedding_size=24, hidden_size=32)
    model = elman.load(lstm_folder).lm
    assert unroll(model, config, "Zoroaster\x1b[2J sees").tokens[0] == "<unk>"
    found = unroll(model, config, SENTENCE)
    assert found.next[-1][0] == "</s>"
    (whole,) = layouts(found)
    assert [each.text.split()[0] for each in whole.outputs] == [text for text, _ in found.next]


@pytest.mark.slow
def test_a_picture_can_be_read_on_a_screen_and_has_a_title() -> None:
    config = NeuralConfig(cell="rnn", layers=1, embedding_size=24, hidden_size=32, projection=True)
    found = Unrolled(["word"] * 20, [2] * 20, [("next", 0.5)] * 20, config, 1000)
    pieces = layouts(found, width=PICTURE_WIDTH)
    assert len(pieces) > 1 and sum(len(piece.outputs) for piece in pieces) == 20
    for piece in pieces:
        assert max([piece.width, *(column + len(text) for column, _, text in piece.labels)]) <= PICTURE_WIDTH
        labels = [text for _, _, text in piece.labels]
        assert "projection" in labels and labels.count("1×24") == 2 * len(piece.outputs) and "h 1×32" in labels
    title = unrolled_title(found)
    assert title.startswith("an rnn network (1 x 32 projected to 24) reads “word word") and len(title) <= PICTURE_WIDTH
    png = picture(pieces, title=title, kind="png")
    width = int.from_bytes(png[16:20], "big")
    # Labels have 8 points at 200 dots an inch: on a screen of 1,280 pixels at least 12 are left.
    assert width <= 8 / 72 * 200 * 1280 / 12
