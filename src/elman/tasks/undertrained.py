"""Whether a network was trained for long enough, in words, from the log of its training."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_CLEAR = 0.05
"""Least share of the validation loss by which it fell in the second half of a training that was too
short."""
_FEWEST = 3
"""Fewest validations that show a course."""


def training_in_words(log: Sequence[Mapping[str, Any]], what: str = "examples") -> Iterator[str]:
    """How much a network read, and whether a longer training would help.

    Args:
        log: the entries of ``log.jsonl``, in order.
        what: it read.

    >>> losses = [4.0, 3.0, 2.5, 2.0]
    >>> log = [{"update": n, "epoch": 0.1 * n, "valid_nats": x, "best": True} for n, x in enumerate(losses, start=1)]
    >>> for line in training_in_words(log, "pairs"):
    ...     print(line)
    read 40% of the pairs once
    validation was still improving at the end: its loss fell by 33% in the second half of the training and was never \
lower, so a longer one (--minutes or --epochs) should help
    """
    epochs = next((entry["epoch"] for entry in reversed(log) if "epoch" in entry), None)
    if epochs is not None:
        yield epochs_in_words(epochs, what)
    curve = [entry for entry in log if "valid_nats" in entry]
    if len(curve) < _FEWEST:
        return
    last = curve[-1]
    half = next(entry for entry in reversed(curve) if 2 * entry["update"] <= last["update"] or entry is curve[0])
    fell = 1 - last["valid_nats"] / half["valid_nats"] if half["valid_nats"] > 0 else 0.0
    if last["best"] and fell >= _CLEAR and last["valid_nats"] == min(entry["valid_nats"] for entry in curve):
        yield (
            f"validation was still improving at the end: its loss fell by {100 * fell:.0f}% in the second half of the "
            "training and was never lower, so a longer one (--minutes or --epochs) should help"
        )


def epochs_in_words(epochs: float, what: str) -> str:
    """How much of the data was read.

    >>> epochs_in_words(0.304, "text"), epochs_in_words(3.21, "pairs")
    ('read 30% of the text once', 'read the pairs 3.2 times')
    """
    if epochs < 0.995:
        return f"read {100 * epochs:.2g}% of the {what} once"
    return f"read the {what} once" if epochs < 1.05 else f"read the {what} {epochs:.1f} times"
