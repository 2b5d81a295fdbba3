"""What is said of a training that was too short."""

import json
from pathlib import Path
from typing import Any

import pytest

from elman.tasks.registry import task_named
from elman.tasks.undertrained import training_in_words


def log_of(*losses: float, best: bool = True) -> list[dict[str, Any]]:
    """A validation each ten updates, which are a tenth of an epoch each."""
    return [
        {"update": 10 * number, "epoch": 0.1 * number, "valid_nats": loss, "best": best}
        for number, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("log", "improving"),
    [
        (log_of(4, 3, 2.5, 2.25), "25%"),  # from the second of four on: 3 to 2.25
        (log_of(4, 3, 2.5, 2.45), "18%"),
        (log_of(4, 3, 2.1, 2.99), ""),  # rose again
        (log_of(4, 2, 1.98, 1.97), ""),  # flat
        (log_of(4, 3, 2.5, 2, best=False), ""),  # the figure that decides was better before
        (log_of(4, 2), ""),
        (log_of(0, 0, 0), ""),
        ([], ""),
    ],
)
def test_only_a_clear_fall_to_the_end_asks_for_more(log: list[dict[str, Any]], improving: str) -> None:
    said = list(training_in_words(log, "pairs"))
    assert [line for line in said if "still improving" in line] == said[1:] and len(said) == (len(log) > 0) + bool(
        improving
    )
    assert not improving or f"fell by {improving} in the second half" in said[1]


def test_each_task_reads_the_log_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log_of(3, 2, 1)))
    for name, what in (("translate", "pairs"), ("caption", "captions"), ("answer", "questions"), ("tag", "sentences")):
        said = list(task_named(name).advice({}, str(tmp_path)))
        assert len(said) == 2 and said[0] == f"read 30% of the {what} once"
    assert list(task_named("answer").advice({}, str(tmp_path / "elsewhere"))) == []
