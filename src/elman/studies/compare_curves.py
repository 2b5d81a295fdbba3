"""How a training went: its learning curve, its speed, and whether it was cut off before it had
converged.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.report.curve import read_log

_LAST = 0.2
"""The share of training that is looked at for convergence."""
_STILL_FALLING = 0.01
"""A model whose validation figure fell by more than this share of itself over the last fifth was
cut off."""


def curve_of(folder: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """``curve`` (points of ``seconds``, ``tokens``, ``valid_bits_per_byte``),
    ``tokens_per_second``, ``epochs``, ``cut_off`` and ``counted`` of the model in a folder; what is
    counted has one point, and is never cut off."""
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

    With a single validation nothing shows that it was not.

    >>> was_cut_off([{"tokens": place, "valid_bits_per_byte": bits} for place, bits in [(80, 2.0), (100, 1.9)]])
    True
    >>> was_cut_off([{"tokens": place, "valid_bits_per_byte": bits} for place, bits in [(80, 2.0), (100, 1.99)]])
    False
    """
    if len(curve) < 2:
        return True
    places = [point["tokens"] for point in curve]
    bits = [point["valid_bits_per_byte"] for point in curve]
    before = float(np.interp((1 - _LAST) * places[-1], places, bits))
    return bits[-1] < (1 - _STILL_FALLING) * before
