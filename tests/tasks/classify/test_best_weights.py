"""Which weights of a training are kept, from its log."""

import json
from pathlib import Path


def test_of_equal_accuracies_the_one_with_the_lower_loss_is_kept(reviews_folder: Path) -> None:
    lines = (reviews_folder / "training" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [entry for entry in map(json.loads, lines) if "valid_accuracy" in entry]
    kept = [entry for entry in entries if entry["best"]][-1]
    best = max(entry["valid_accuracy"] for entry in entries)
    equal = [entry for entry in entries if entry["valid_accuracy"] == best]
    assert len(equal) > 2  # the seven validation examples are easy
    assert kept == min(equal, key=lambda entry: entry["valid_nats"])
    assert sum(entry["best"] for entry in equal) > 1
