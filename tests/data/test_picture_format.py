"""Pictures become patches, in the order of reading."""

import numpy as np
import pytest

from elman.data.picture_format import PictureFormat, parse_size
from elman.errors import TextError, UsageError


def test_patches_are_what_a_loop_cuts_out():
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (3, 4, 9, 2)).astype(np.uint8)
    shape = PictureFormat.of((4, 9, 2), (2, 3), features=False).fit(pictures)
    found = shape.patches(pictures)
    flat = pictures.reshape(-1, 2).astype(float)
    scaled = (pictures - flat.mean(0)) / flat.std(0)
    assert (shape.rows, shape.columns, shape.patch) == (2, 3, 14) and found.dtype == np.float32
    for number in range(3):
        for row in range(2):
            for column in range(3):
                part = scaled[number, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3].ravel()
                wanted = [*part, [-1, 1][row], [-1, 0, 1][column]]
                np.testing.assert_allclose(found[number, row, column], wanted, atol=1e-5)


def test_a_channel_that_never_changes_is_zero():
    shape = PictureFormat.of((1, 2, 3), (1, 1), features=True).fit(np.full((4, 1, 2, 3), 7.0))
    assert not shape.patches(np.full((1, 1, 2, 3), 7.0))[..., :3].any()


def test_arrays_are_pictures_too():
    shape = PictureFormat.of((2, 2, 3), (1, 1), features=False)
    assert shape.read(np.full((5, 7, 3), 9, np.uint8)).tolist() == [[[9] * 3] * 2] * 2
    for array in (np.zeros((2, 2, 3)), np.zeros((2, 2), np.uint8), np.zeros((0, 2, 3), np.uint8)):
        with pytest.raises(TextError, match="is no picture"):
            shape.read(array)


def test_features_and_pictures_do_not_mix(tmp_path):
    shape = PictureFormat.of((1, 2, 3), (1, 1), features=True)
    with pytest.raises(TextError, match=r"trained on files of features \(.npy\)"):
        shape.read("a.png")
    with pytest.raises(TextError, match=r"features \[1, 4, 3\], not \[1, 2, 3\]"):
        shape.read(np.zeros((4, 3)))
    with pytest.raises(TextError, match="trained on pictures"):
        PictureFormat.of((2, 2, 3), (1, 1), features=False).read(tmp_path / "a.npy")


@pytest.mark.parametrize("text", ["", "0", "8x", "x8", "8x0", "-8", "8.5", "99999"])
def test_a_size_is_one_number_or_two(text):
    with pytest.raises(UsageError, match="patch_size is"):
        parse_size(text, name="patch_size")


def test_impossible_formats_are_refused():
    for shape, patch in (((8, 8, 3), (3, 8)), ((8, 8, 3), (8, 9)), ((4096, 4096, 3), (1, 1)), ((0, 8, 3), (1, 1))):
        with pytest.raises(UsageError):
            PictureFormat.of(shape, patch, features=False)
    good = PictureFormat.of((8, 8, 3), (4, 4), features=False)
    for changes in ({"mean": [0.0]}, {"scale": [0.0] * 3}, {"mean": ["a"] * 3}, {"channels": 4}):
        with pytest.raises(UsageError):
            good.replace(**changes)
