"""Products of bytes against NumPy's of 64-bit integers: exact, by every way there is, at odd sizes."""

from typing import Any

import numpy as np
import pytest

from elman.models import byte_product
from elman.inference.byte_product import by_loops, by_vnni, has_vnni, pack, packed_bytes, padded, product

WAYS = {"loops": by_loops} | ({"vnni": by_vnni} if has_vnni() else {})


def laid_out(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    room = np.empty(packed_bytes(*matrix.shape) + 64, np.int8)
    aligned = room[-room.ctypes.data % 64 :][: packed_bytes(*matrix.shape)]
    sums = np.empty(matrix.shape[1], np.int32)
    pack(matrix, aligned, sums)
    return aligned, 128 * sums


NONE = np.zeros(0, np.float32)


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 9])
@pytest.mark.parametrize(("depth", "columns"), [(1, 1), (4, 64), (5, 65), (37, 130), (200, 63)])
def test_it_is_the_product_of_whole_numbers(depth: int, columns: int, rows: int) -> None:
    draw = np.random.default_rng(rows * depth + columns)
    matrix = draw.integers(-127, 128, (depth, columns)).astype(np.int8)
    x = draw.integers(0, 256, (rows, depth)).astype(np.uint8)
    wide = np.full((rows, 3 + padded(depth, 4)), 200, np.uint8)  # what stands behind the end meets zeros
    wide[:, 3 : 3 + depth] = x
    found = np.full((rows, columns + 3), np.nan, np.float32)
    product(wide, 3, padded(depth, 4) // 4, *laid_out(matrix), found, 1, -1, NONE, NONE)
    wanted = (x.astype(np.int64) - 128) @ matrix.astype(np.int64)
    np.testing.assert_array_equal(found[:, 1:-2], wanted.astype(np.float32))
    assert np.isnan(found[:, [0, -2, -1]]).all()
    # By a scale of each row, which stands beside, and one of each column, and plus a bias.
    found[:, 0] = draw.normal(size=rows)
    scales, bias = draw.normal(size=(2, columns)).astype(np.float32)
    for added in (NONE, bias):
        product(wide, 3, padded(depth, 4) // 4, *laid_out(matrix), found, 1, 0, scales, added)
        finished = wanted * found[:, :1].astype(np.float64) * scales + (added if len(added) else 0)
        np.testing.assert_allclose(found[:, 1:-2], finished, rtol=1e-5, atol=1e-4 * np.abs(wanted).max())
    assert np.isnan(found[:, [-2, -1]]).all()


def test_the_largest_sums_fit() -> None:
    matrix = np.full((8192, 1), -127, np.int8)
    x = np.full((1, 8192), 255, np.uint8)
    found = np.zeros((1, 1), np.float32)
    product(x, 0, 2048, *laid_out(matrix), found, 0, -1, NONE, NONE)
    assert found[0, 0] == np.float32(127 * -127 * 8192)


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("deep", [1, 2, 33])
@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_computes_blocks(way: str, blocks: int, deep: int, rows: int) -> None:
    draw = np.random.default_rng(deep)
    matrix = draw.integers(-128, 128, (4 * deep, 64 * blocks)).astype(np.int8)
    weights, _ = laid_out(matrix)
    x = draw.integers(0, 256, (6, 4 * deep + 5)).astype(np.uint8)
    found: Any = np.full((4, 64 * blocks), -1, np.int32)
    WAYS[way](x, 2, weights, deep, blocks, 2, 2 + rows, found)
    np.testing.assert_array_equal(found[:rows], x[2 : 2 + rows, 2:-3].astype(np.int64) @ matrix.astype(np.int64))
    assert (found[rows:] == -1).all()


def test_this_processor_uses_the_best_way_it_has() -> None:
    assert byte_product.dots is (by_vnni if has_vnni() else by_loops)
