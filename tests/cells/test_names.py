"""Where cells are named by hand (help, README, reports), the names are those of the registry."""

import re
from pathlib import Path

from elman import api
from elman.cells.cell import Sizes
from elman.cells.counting import hidden_weights
from elman.cells.registry import CELLS
from elman.models.registry import entry, known
from elman.studies import xray, xray_training

README = Path(__file__).parents[2] / "README.md"
TRAINABLE = [kind for kind in known() if entry(kind).trainable and entry(kind).task == "language"]
FEEDBACK = {
    name for name, cell in CELLS.items() if cell.window is None and hidden_weights(cell, Sizes(inputs=2, hidden=3))
}


def test_the_readme_lists_every_kind_that_can_be_trained() -> None:
    listed = re.search(r"`--model ([^`]+)`", README.read_text(encoding="utf-8"))
    assert listed is not None and listed[1].split("\\|") == TRAINABLE


def test_the_docstring_of_train_does() -> None:
    assert api.train.__doc__ is not None
    listed = re.search(r"^ *model: (.*?) or a cell", api.train.__doc__, re.DOTALL | re.MULTILINE)
    assert listed is not None and re.split(r",\s+", listed[1]) == TRAINABLE


def test_the_help_page_does(cli) -> None:
    shown = " ".join(re.sub(r"[│\n]", " ", cli("train", "--help").out).split())
    assert f"{', '.join(TRAINABLE[:-1])} or ngram (default: lstm)" in shown


def test_gradients_and_tasks_compare_the_cells_that_feed_their_state_back() -> None:
    assert set(xray.FRESH) == FEEDBACK
    assert set(xray_training.CELLS) == {*FEEDBACK, xray_training.CHRONO}
