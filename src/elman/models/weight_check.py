"""Checks the weights of a model folder against a network."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError

Arrays = Mapping[str, NDArray[Any]]


def check_weights(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]], *, fixed: Arrays | None = None) -> None:
    """Raise unless ``arrays`` are finite float32 weights of these ``shapes``, and nothing else.

    Args:
        fixed: arrays of other types that must be equal to these, such as the ranks of types.

    Raises:
        FolderError: a name, shape or type that is not this network's, or a number that is not
            finite.

    >>> check_weights({"bias": np.zeros(2, np.float32)}, {"bias": (3,)})
    Traceback (most recent call last):
    ...
    elman.errors.FolderError: 'bias' is float32[2]; this configuration needs float32[3]; the folder
    is damaged
    """
    fixed = fixed or {}
    for name, array in fixed.items():
        if not np.array_equal(array, arrays.get(name, ())):
            raise FolderError(f"{name!r} is not this network's; build the network from the same arrays")
    for name in arrays:
        if name not in shapes and name not in fixed:
            raise FolderError(
                f"the weights hold {name!r}, which this configuration does not have; the folder is damaged"
            )
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None:
            raise FolderError(f"the weights lack {name!r}, which this configuration needs; the folder is damaged")
        if array.shape != shape or array.dtype != np.float32:
            raise FolderError(
                f"{name!r} is {array.dtype}{list(array.shape)}; this configuration needs float32{list(shape)}; "
                "the folder is damaged"
            )
        if not np.isfinite(array).all():
            raise FolderError(f"{name!r} holds numbers that are not finite; the model is damaged, train it again")
