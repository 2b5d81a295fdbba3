"""elman explain, as it is called."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman.cells.operators import linear, tanh
from elman.cells.registry import CELLS, register_cell

Call = Callable[..., Any]


def test_topics_and_a_page(cli: Call) -> None:
    listed = cli("explain")
    assert listed.code == 0
    topics = json.loads(cli("explain", "--json").out)["topics"]
    assert [line.split()[0] for line in listed.out.splitlines()] == [each["topic"] for each in topics]
    shown = cli("explain", "lstm")
    assert shown.code == 0 and shown.err == ""
    assert "  c = f * c + i * g  " in shown.out and "Hochreiter, Schmidhuber 1997" in shown.out
    found = json.loads(cli("explain", "lstm", "--json").out)
    assert found["equations"][4] == {"equation": "c = f * c + i * g", "meaning": "the cell"}
    assert "\n".join(f"  {line}".rstrip() for line in found["drawing"]) in shown.out


@pytest.mark.slow
def test_a_cell_from_outside_and_its_picture(cli: Call, tmp_path: Path) -> None:
    def leaky(x: Any, state: Any, w: Any) -> Any:
        (h,) = state
        h = 0.9 * h + tanh(linear(x, w.weight_ih))
        return h, (h,)

    register_cell(
        "leaky", leaky, weights=lambda s: {"weight_ih": (s.hidden, s.inputs)}, says="A state that leaks by a tenth."
    )
    try:
        shown = cli("explain", "leaky", "--out", tmp_path / "leaky.svg")
        assert shown.out.startswith("leaky\n\nA state that leaks by a tenth.\n\n  h = 0.9 * h + tanh(W_ih x)\n\n")
        assert "(0.9×h)" in shown.out and "tanh" in (tmp_path / "leaky.svg").read_text()
        assert "leaky         A state that leaks by a tenth." in cli("explain").out
    finally:
        del CELLS["leaky"]


@pytest.mark.slow
def test_a_drawing_too_wide_for_the_terminal(cli: Call) -> None:
    shown = cli("explain", "transformer").out
    assert "to see it: elman explain transformer --out\ntransformer.svg" in shown and "│" not in shown


def test_an_unknown_topic(cli: Call) -> None:
    shown = cli("explain", "lsmt")
    assert shown.code == 2 and shown.out == ""
    assert shown.err.startswith("elman: there is no topic 'lsmt'; did you mean lstm?") and shown.err.count("\n") == 1
