"""Without sorting all, the same places in the same order as with it."""

import numpy as np
import pytest

from elman.decode.largest import by_groups, largest
from elman.decode.largest_kernel import largest_indices


@pytest.mark.parametrize("count", [1, 2, 5, 31, 200])
@pytest.mark.parametrize("size", [1, 7, 127, 128, 129, 1000, 10007])
def test_it_is_the_beginning_of_the_sorted_ones(size: int, count: int) -> None:
    draw = np.random.default_rng(size + count)
    for values in (draw.normal(size=size), draw.integers(0, 9, size).astype(np.float32), np.zeros(size)):
        wanted = np.argsort(-values, kind="stable")[:count]
        np.testing.assert_array_equal(largest(values, count), wanted)
        np.testing.assert_array_equal(by_groups(values, count), wanted)
        if size >= 256 and count <= size:
            np.testing.assert_array_equal(largest_indices(values, count), wanted)


def test_what_can_never_be_comes_last() -> None:
    values = np.full(1000, -np.inf)
    values[[700, 3]] = [-1, -2]
    assert largest(values, 4).tolist() == by_groups(values, 4).tolist() == [700, 3, 0, 1]
    assert largest(values, 0).tolist() == []
