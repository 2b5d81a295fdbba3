"""A model card that says something else."""

from typing import Any

import numpy as np


def forged_card(value: Any, name: str, here: str = "") -> Any:
    """A model card with another number, or hash, at a place."""
    if here == name:
        return f"{value}0" if isinstance(value, str) else np.multiply(value, 1.01).tolist()
    if isinstance(value, dict):
        return {key: forged_card(inner, name, f"{here}.{key}".lstrip(".")) for key, inner in value.items()}
    return (
        [forged_card(each, name, f"{here}.{n}") for n, each in enumerate(value)] if isinstance(value, list) else value
    )
