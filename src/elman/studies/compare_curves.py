"""Training curves: validation figures over time, speed, and whether training ended before
convergence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.report.curve import read_log

_LAST = 0.2
"""The last share of training that is checked for convergence."""
_STILL_FALLING = 0.01
"""A model was cut off if its validation figure fell by more than this share over the last fifth."""


def curve_of(folder: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """``curve`` (points of ``seconds``, ``tokens``, ``valid_bits_per_byte``),
    ``tokens_per_second``, ``epochs``, ``cut_off`` and ``counted`` of the model in a folder; counted
    models have one point and are never cut off."""
    entries = read_log(folder / "training" / "log.jsonl")
    size = card["data"]["train"]["tokens"]
    trained = [entry for entry in entries if "loss" in entry]
    if not trained:
        seconds = max(card["seconds"], 0.1)
        bits = card["figures"]["valid"]["bits_per_byte"]
        point = {"seconds": seconds, "tokens": size, "valid_bits_per_byte": bits}
        return {"curve": [point], "tokens_per_second": size / seconds, "epochs": 1.0, "cut_off": False, "counted": True}
    updates, epochs = ([entry[name] for entry in trained] for name in ("update", "epoch"))
    curve = [
        {
            "seconds": entry["seconds"],
            "tokens": round(float(np.interp(entry["update"], [0, *updates], [0, *epochs])) * size),
            "valid_bits_per_byte": entry["valid_bits_per_byte"],
        }
        for entry in entries
        if "valid_nats" in entry
    ]
    rate = float(np.median([entry["tokens_per_second"] for entry in trained]))
    return {
        "curve": curve,
        "tokens_per_second": rate,
        "epochs": epochs[-1],
        "cut_off": was_cut_off(curve),
        "counted": False,
    }


def was_cut_off(curve: Sequence[Mapping[str, float]]) -> bool:
    """Whether validation was still falling when training ended: by more than 1% over the last fifth
    of the time.

    With a single validation the answer is True.

    >>> curve = [{"tokens": 80, "valid_bits_per_byte": 2.0}]
    >>> was_cut_off([*curve, {"tokens": 100, "valid_bits_per_byte": 1.9}])
    True
    >>> was_cut_off([*curve, {"tokens": 100, "valid_bits_per_byte": 1.99}])
    False
    """
    if len(curve) < 2:
        return True
    tokens = [point["tokens"] for point in curve]
    bits = [point["valid_bits_per_byte"] for point in curve]
    before = float(np.interp((1 - _LAST) * tokens[-1], tokens, bits))
    return bits[-1] < (1 - _STILL_FALLING) * before
