"""A text that training has read is recognised."""

from pathlib import Path
from typing import Any

import pytest

import elman
from elman.progress import Progress


class Said(Progress):
    def __init__(self) -> None:
        self.text = ""

    def say(self, message: str) -> None:
        self.text += message + "\n"


LINES = [f"the {animal} of number {number} sat on the mat" for number in range(90) for animal in ("cat", "dog")]


@pytest.mark.parametrize("settings", [{}, {"document": "line"}], ids=str)
@pytest.mark.parametrize("held_out", [True, False], ids=["valid named", "valid held out"])
def test_what_training_read_is_said(tmp_path: Path, settings: dict[str, Any], held_out: bool) -> None:
    train, other = tmp_path / "train.txt", tmp_path / "other.txt"
    train.write_text("\n".join(LINES) + "\n")
    # As many bytes and lines, in another order.
    other.write_text("\n".join(reversed(LINES)) + "\n")
    valid = tmp_path / "valid.txt"
    valid.write_text("\n".join(LINES[3:60:4]) + "\n")
    named = {"valid": valid} if held_out else {}
    model = elman.train(train, out=tmp_path / "m", model="ngram", order=2, **settings, **named)

    def said(file: Path) -> str:
        model.evaluate(file, progress=(talk := Said()))
        return talk.text

    assert f"the model was trained on {'this' if held_out else 'most of this'} text" in said(train)
    assert ("the model was validated on this text" in said(valid)) == held_out
    assert "the model was" not in said(other)
