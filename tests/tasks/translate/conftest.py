"""A small translator, shared by all tests: it reverses digits and names them."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Shared

import elman
from elman.tasks.translate.model import Translator

NAMES = {"1": "eins", "2": "zwei", "3": "drei", "4": "vier"}


def write_pairs(folder: Path, count: int = 300) -> tuple[Path, Path]:
    """Digits and their names in reverse order, in two files."""
    rng = np.random.default_rng(1)
    rows = [rng.choice(list(NAMES), rng.integers(1, 4)).tolist() for _ in range(count)]
    (folder / "one").write_text("".join(f"{' '.join(row)}\n" for row in rows))
    (folder / "other").write_text("".join(f"{' '.join(NAMES[each] for each in row[::-1])}\n" for row in rows))
    return folder / "one", folder / "other"


def train(folder: Path) -> None:
    folder.mkdir()
    source, target = write_pairs(folder)
    elman.train(
        source=str(source), target=str(target), task="translate", updates=130, threads=1, precision="fp32", batch=32,
        validations=2, out=folder / "model", dropout=0.0, input_dropout=0.0, output_dropout=0.0, average_from=1.0,
        level="word", embedding_size=16, hidden_size=24, layers=1, rate=0.02,
    )  # fmt: skip


@pytest.fixture(scope="session")
def translator(shared: Shared) -> Translator:
    """One layer, trained for two seconds."""
    return elman.load(shared("translator", train) / "model", task="translate")
