"""Windows: what lies before an origin, scaled by itself; the future changes nothing of it."""

import dataclasses

import numpy as np
import pytest

from elman.data.series import Series, SeriesColumns
from elman.data.series_encoding import Covariate, SeriesEncoding
from elman.data.series_windows import SeriesStore, filled
from elman.data.time_grid import Grid
from elman.errors import FolderError

ENCODING = SeriesEncoding(
    SeriesColumns("day", ("y",), (), ("price",)),
    Grid("second", 86400.0),
    season=2,
    horizon=3,
    levels=(0.1, 0.5, 0.9),
    calendar=("week",),
    covariates=(Covariate("price", 1.0, 2.0),),
)


def series(values: list[float]) -> Series:
    return Series("y", 19_000, np.array(values), np.arange(len(values) + 3, dtype=float)[:, None])


def windows(values: list[float], origin: int, *, stop: int | None = None, context: int = 4):
    store = SeriesStore([series([9.0, 9.0]), series(values)], ENCODING, context=context, patch=2)
    return store.windows(np.array([1]), np.array([origin]), np.array([len(values) if stop is None else stop]))


def test_a_window_by_hand() -> None:
    found = windows([1, 4, 2, 8, 6, 7, 5], 4)
    # The last season is 2, 8; values two steps apart differ by 1 and 4.
    assert (found.level.item(), found.scale.item()) == (5.0, 2.5)
    assert found.row[0, :4].tolist() == pytest.approx([-1.6, -0.4, -1.2, 1.2])
    assert found.row[0, 4:11].sum() == 1 and found.row[0, 4 + (19_004 + 3) % 7] == 1  # 1970 began on a Thursday
    assert found.row[0, 11:].tolist() == pytest.approx([(price - 1) / 2 for price in range(7)])
    assert found.targets[0].tolist() == pytest.approx([0.4, 0.8, 0.0]) and found.known.all()
    assert found.patches[0, 1].tolist() == pytest.approx([np.arcsinh(-1.2), 1, 0.5, np.arcsinh(1.2), 1, 1.0])
    assert found.restored(found.targets)[0].tolist() == pytest.approx([6, 7, 5])


def test_the_future_changes_nothing_of_what_is_read() -> None:
    one, other = windows([1, 4, 2, 8, 6, 7, 5], 4), windows([1, 4, 2, 8, 1e6, float("nan"), -9], 4)
    for name in ("patches", "row", "level", "scale"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert other.known[0].tolist() == [1, 0, 1]
    assert windows([1, 4, 2, 8, 6, 7, 5], 4, stop=5).known[0].tolist() == [1, 0, 0]


def test_short_and_missing_values() -> None:
    found = windows([3, float("nan"), 5], 3)
    assert found.row[0, :4].tolist() == pytest.approx([0, -0.5, -0.5, 0.5])  # 4 is the level, 3 fills, the scale is 2
    assert found.patches[0].reshape(2, 2, 3)[..., 1].ravel().tolist() == [0, 1, 0, 1]
    constant = windows([7, 7, 7, 7, 7], 4)
    assert np.isfinite(constant.row).all() and constant.targets[0, 0] == 0


def test_the_encoding_survives_its_file_and_no_other() -> None:
    data = ENCODING.to_bytes()
    assert SeriesEncoding.from_bytes(data) == ENCODING
    changes = [
        (b'"season": 2', b'"season": 0'),
        (b'"horizon": 3', b'"horizon": 1e9'),
        (b"week", b"weak"),
        (b"0.9", b"9.9"),
    ]
    for old, new in [*changes, (b'"scale": 2.0', b'"scale": 0.0'), (b"second", b"secund"), (b"{", b"[")]:
        assert old in data
        with pytest.raises(FolderError):
            SeriesEncoding.from_bytes(data.replace(old, new, 1))
    assert dataclasses.replace(ENCODING, horizon=4) != ENCODING


def test_missing_prices_are_the_last_price_and_missing_seasons_the_season_before() -> None:
    nan = float("nan")
    walk = np.array([1.0, 2, 3, 4, 5, 6, nan, nan])
    assert filled(walk, 3).tolist() == [1, 2, 3, 4, 5, 6, 6, 6]
    assert filled(np.array([1.0, 5, 9, 1, 5, 9, nan, nan]), 3).tolist() == [1, 5, 9, 1, 5, 9, 1, 5]
    # What comes later changes nothing.
    assert filled(np.r_[walk[:7], 1, 2, 3, 1, 2, 3, 1, 2, 3, nan], 3)[6] == 6
