"""Pictures of where a captioner looked."""

import io

import numpy as np
import pytest
from PIL import Image

from elman.report.picture_attention import picture_attention_files


def test_a_word_uncovers_what_it_looked_at():
    pixels = np.full((16, 16, 3), (0, 0, 255), np.uint8)
    weights = np.zeros((1, 2, 2))
    weights[0, 1, 0] = 1
    files = picture_attention_files(pixels, ["blue"], weights)
    drawn = np.asarray(Image.open(io.BytesIO(files["png"])).convert("RGB")).astype(int)
    blue = (drawn == (0, 0, 255)).all(2)
    # Of the second picture a quarter is as blue as the first.
    left, right = (blue[:, side].sum() for side in np.array_split(np.arange(blue.shape[1]), 2))
    assert 0.2 < right / left < 0.3
    rows = np.flatnonzero(blue[:, blue.shape[1] // 2 :].any(1))
    assert rows.min() > np.flatnonzero(blue.any(1)).mean() - 2
    assert files["svg"].startswith(b"<?xml") and b"blue" in files["svg"]


@pytest.mark.slow
def test_features_are_drawn_too():
    files = picture_attention_files(np.ones((1, 7, 4), np.float32), ["x"] * 7, np.ones((7, 1, 7)))
    assert files["png"].startswith(b"\x89PNG")
