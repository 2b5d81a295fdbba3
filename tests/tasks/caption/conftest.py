"""A small captioner, shared by all tests: it names the colour of two halves of a picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import Shared

import elman
from elman.tasks.caption.model import Captioner

COLOURS = {"red": (220, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 230)}


def halves(left: str, right: str, rng: np.random.Generator) -> np.ndarray:
    """A picture of two colours, with some noise."""
    sides = np.repeat([[COLOURS[left], COLOURS[right]]], 8, 0).repeat(8, 1)
    return np.clip(sides + rng.integers(-20, 21, (8, 16, 3)), 0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int = 120) -> Path:
    """Pictures, and a file of their captions."""
    folder.mkdir(exist_ok=True)
    rng, lines = np.random.default_rng(1), []
    for number in range(count):
        left, right = (str(each) for each in rng.choice(list(COLOURS), 2))
        Image.fromarray(halves(left, right, rng)).save(folder / f"{number}.png")
        captions = [f"{left} left of {right}", f"{left} and {right}"][: 1 + number % 2]
        lines.append(json.dumps({"image": f"{number}.png", "captions": captions}))
    (folder / "captions.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "captions.jsonl"


SETTINGS = dict(
    task="caption", updates=240, threads=1, precision="fp32", batch=16, validations=2, level="word", min_count=1,
    picture_size="8x16", patch_size="8", embedding_size=12, hidden_size=16, rate=0.02, dropout=0.0,
    output_dropout=0.0, average_from=1.0,
)  # fmt: skip


def train(folder: Path) -> None:
    file = write_pictures(folder)
    elman.train(file, out=folder / "model", **SETTINGS)


@pytest.fixture(scope="session")
def captioner(shared: Shared) -> Captioner:
    """One layer, trained for two seconds."""
    return elman.load(shared("captioner", train) / "model", task="caption")
