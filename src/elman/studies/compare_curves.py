"""Training curves: validation figures over time, speed, and whether training ended before
convergence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.report.curve import read_log
from elman.report.measure import Measure

_LAST = 0.2
"""The last share of training that is checked for convergence."""
_STILL_BETTER = 0.01
"""A model was cut off if its validation figure got better by more than this share over the last
fifth."""


def curve_of(
    folder: Path,
    card: Mapping[str, Any],
    *,
    valid: float,
    measure: Measure,
    logged: str,
    unit: str = "tokens",
) -> dict[str, Any]:
    """``curve`` (points of ``seconds``, ``tokens``, ``valid_KEY``), ``tokens_per_second``,
    ``epochs``, ``cut_off`` and ``counted`` of the model in a folder; counted models have one point
    and are never cut off.

    Args:
        valid: the figure of the whole training.
        measure: of that figure.
        logged: its name in the training log.
        unit: what the log counts.
    """
    entries = read_log(folder / "training" / "log.jsonl")
    size = card["data"]["train"][unit]
    trained = [entry for entry in entries if "loss" in entry]
    if not trained:
        return counted_curve(size, max(card["seconds"], 0.1), valid, measure=measure)
    updates, epochs = ([entry[name] for entry in trained] for name in ("update", "epoch"))
    curve = [
        {
            "seconds": entry["seconds"],
            "tokens": round(float(np.interp(entry["update"], [0, *updates], [0, *epochs])) * size),
            f"valid_{measure.key}": entry[logged],
        }
        for entry in entries
        if "valid_nats" in entry
    ]
    rate = float(np.median([entry[f"{unit}_per_second"] for entry in trained]))
    return {
        "curve": curve,
        "tokens_per_second": rate,
        "epochs": epochs[-1],
        "cut_off": was_cut_off(curve, measure),
        "counted": False,
    }


def counted_curve(size: int, seconds: float, valid: float, *, measure: Measure) -> dict[str, Any]:
    """The same of a model that reads its ``size`` tokens once."""
    point = {"seconds": seconds, "tokens": size, f"valid_{measure.key}": valid}
    return {"curve": [point], "tokens_per_second": size / seconds, "epochs": 1.0, "cut_off": False, "counted": True}


def was_cut_off(curve: Sequence[Mapping[str, float]], measure: Measure) -> bool:
    """Whether validation still got better when training ended: by more than 1% over the last fifth
    of the time.

    With a single validation the answer is True.

    >>> bits = Measure("bits", "bits", "bits", "bits")
    >>> was_cut_off([{"tokens": 80, "valid_bits": 2.0}, {"tokens": 100, "valid_bits": 1.9}], bits)
    True
    >>> was_cut_off([{"tokens": 80, "valid_bits": 2.0}, {"tokens": 100, "valid_bits": 1.99}], bits)
    False
    """
    if len(curve) < 2:
        return True
    tokens = [point["tokens"] for point in curve]
    values = [point[f"valid_{measure.key}"] for point in curve]
    before = float(np.interp((1 - _LAST) * tokens[-1], tokens, values))
    return measure.loss(before) - measure.loss(values[-1]) > _STILL_BETTER * before
