"""Pictures of all kinds are read as people see them, and broken ones are refused in one line."""

import io
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from elman.data.pictures import MOST_NUMBERS, read_features, read_picture, resized
from elman.errors import MissingExtra, TextError

RED, WHITE = [255, 0, 0], [255, 255, 255]


def read(path, height=2, width=2, **more):
    return read_picture(path, name=path.name, height=height, width=width, **more)


def saved(folder, image, name="a.png", **more):
    image.save(folder / name, **more)
    return folder / name


def two_halves(mode="RGB"):
    """Red on the left, white on the right, 2 x 2."""
    return Image.fromarray(np.array([[RED, WHITE]] * 2, np.uint8)).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_colours_are_right_whatever_the_mode(mode, tmp_path):
    image = two_halves().quantize(4) if mode == "P" else two_halves(mode)
    path = saved(tmp_path, image, "a.tif" if mode == "CMYK" else "a.png")
    assert read(path).tolist() == [[RED, WHITE]] * 2


def test_grey_and_black_and_white_have_three_equal_channels(tmp_path):
    grey = read(saved(tmp_path, Image.new("L", (2, 2), 77)))
    assert grey.shape == (2, 2, 3) and (grey == 77).all()
    assert (read(saved(tmp_path, Image.new("1", (2, 2), 1))) == 255).all()


def test_a_picture_that_a_camera_turned_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to view
    found = read(saved(tmp_path, two_halves(), exif=exif))
    assert found.tolist() == [[RED, RED], [WHITE, WHITE]]


def test_what_is_transparent_is_white(tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [9, 9, 9, 0]]], np.uint8)
    assert read(saved(tmp_path, Image.fromarray(pixels)), height=1).tolist() == [[RED, WHITE]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    palette.putpalette([*RED, 0, 0, 255])
    assert read(saved(tmp_path, palette, transparency=1), height=1).tolist() == [[RED, WHITE]]


def test_16_bits_are_scaled_and_not_cut_off(tmp_path):
    values = np.array([[0, 257 * 100], [257 * 200, 65535]], np.uint16)
    found = read(saved(tmp_path, Image.fromarray(values)))
    assert found[..., 0].tolist() == [[0, 100], [200, 255]]


def test_of_an_animation_the_first_picture_is_taken_and_it_is_said(tmp_path):
    said = []
    path = saved(tmp_path, two_halves(), "a.gif", save_all=True, append_images=[Image.new("RGB", (2, 2), "blue")])
    assert read(path, note=said.append).tolist() == [[RED, WHITE]] * 2
    assert said == ["a.gif has several pictures; the first one is taken"]


def test_size_is_changed_as_pillow_does(tmp_path):
    found = read(saved(tmp_path, two_halves()), height=1, width=4)
    assert found.shape == (1, 4, 3) and found[0, 0].tolist() == RED and found[0, 3].tolist() == WHITE


def bomb():
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(image, kind):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


BROKEN = {
    "truncated": (encoded(Image.effect_noise((64, 64), 50), "PNG")[:900], "broken"),
    "truncated.jpg": (encoded(Image.effect_noise((64, 64), 50).convert("RGB"), "JPEG")[:700], "broken"),
    "bomb": (bomb(), "more than 67,108,864 pixels"),
    "text": (b"a,b\n", "not a picture that can be read"),
    "empty": (b"", "not a picture that can be read"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture that can be read"),
    "float": (encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "more than 16 bits"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_picture_is_one_line_with_its_file(kind, tmp_path):
    data, why = BROKEN[kind]
    (tmp_path / "bad.png").write_bytes(data)
    with warnings.catch_warnings(), pytest.raises(TextError, match=rf"^bad\.png: .*{why}") as found:
        warnings.simplefilter("error")
        read(tmp_path / "bad.png")
    assert "\n" not in str(found.value)


def test_every_cut_of_a_picture_is_read_or_refused(tmp_path):
    """No byte of a file may lead to another error than ours."""
    whole = encoded(two_halves(), "PNG")
    for position in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        for data in (whole[:position], bytes(damaged)):
            try:
                found = read_picture(io.BytesIO(data), name="x", height=2, width=2)
            except TextError:
                continue
            assert found.shape == (2, 2, 3)


def test_what_is_no_file_says_what_to_do(tmp_path):
    with pytest.raises(TextError, match="no such file; check its name and folder"):
        read(tmp_path / "gone.png")
    with pytest.raises(TextError, match="a folder; name the files in it"):
        read(tmp_path)


def test_features_are_arrays_of_vectors(tmp_path):
    values = np.arange(12.0).reshape(2, 3, 2)
    np.save(tmp_path / "a.npy", values)
    assert np.array_equal(read_features(tmp_path / "a.npy", name="a"), values)
    np.save(tmp_path / "b.npy", values[0])
    assert read_features(tmp_path / "b.npy", name="b").shape == (1, 3, 2)


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}], dtype=object), np.zeros(4), np.zeros((0, 3)), np.full((1, 2), np.nan),
        np.zeros((1, MOST_NUMBERS + 1), np.int8), np.array([["a"]]),
    ],
    ids=["objects", "one axis", "empty", "not finite", "too large", "text"],
)  # fmt: skip
def test_other_arrays_are_refused(array, tmp_path):
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    with pytest.raises(TextError, match="^bad"):
        read_features(tmp_path / "bad.npy", name="bad.npy")


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(TextError, match="not an array"):
        read_features(tmp_path / "a.npy", name="a")


def test_without_pillow_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    for read in (
        lambda: read_picture(io.BytesIO(), name="a.png", height=1, width=1),
        lambda: resized(np.zeros((2, 2, 3), np.uint8), 1, 1),
    ):
        with pytest.raises(MissingExtra, match=r"pip install 'elman\[tasks\]'"):
            read()
