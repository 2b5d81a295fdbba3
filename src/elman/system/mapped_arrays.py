"""Arrays that are mapped from files, as other processes get them: by the name of the file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def file_of(array: NDArray[Any]) -> Any:
    """What goes to another process in place of a whole mapped file; any other array itself.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     np.arange(3).tofile(file.name)
    ...     mapped = np.memmap(file.name, np.int64, "r")
    ...     [type(file_of(each)).__name__ for each in (mapped, mapped[1:], mapped.view(np.ndarray))]
    ...     array_of(file_of(mapped)).tolist()
    ['tuple', 'ndarray', 'tuple']
    [0, 1, 2]
    """
    mapped: Any = array if isinstance(array, np.memmap) else array.base
    whole = isinstance(mapped, np.memmap) and not isinstance(mapped.base, np.ndarray)
    if whole and mapped.shape == array.shape and mapped.dtype == array.dtype:
        return mapped.filename, mapped.dtype, "r", mapped.offset, mapped.shape
    return np.asarray(array)


def array_of(given: Any) -> NDArray[Any]:
    """The array of ``file_of``."""
    return np.memmap(*given) if isinstance(given, tuple) else given
