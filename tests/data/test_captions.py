"""The field's caption files, each as it is."""

import gzip
import json

import numpy as np
import pytest
from PIL import Image

from elman.data.captioned_pictures import hold_out_pictures, read_captioned
from elman.data.captions import CaptionsConfig, read_captions
from elman.errors import TextError, UsageError
from elman.progress import Progress

COCO = {
    "info": {"year": 2014},
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 9, "caption": "Two cats."},
        {"id": 2, "image_id": 7, "caption": "A dog"},
        {"id": 3, "image_id": 7, "caption": " The dog \n runs"},
    ],
}
WANTED = {"a.jpg": ("A dog", "The dog runs"), "b.jpg": ("Two cats.",)}
FILES = {
    "a.jsonl": '{"image": "a.jpg", "captions": ["A dog", "The dog runs"]}\n'
    '{"image": "b.jpg", "caption": "Two cats."}\n',
    "a.json": json.dumps(COCO),
    "indented.json": json.dumps(COCO, indent=1),
    "token.txt": "a.jpg#0\tA dog\na.jpg#1\tThe dog runs\n\nb.jpg#0\tTwo cats.\n",
    "captions.txt": "image,caption\na.jpg,A dog\na.jpg,The dog runs\nb.jpg,Two cats.\n",
    "a.csv": 'Image,Caption\nb.jpg,"Two cats."\na.jpg,A dog\na.jpg,The dog runs\n',
    "a.tsv": "caption\timage\nA dog\ta.jpg\nThe dog runs\ta.jpg\nTwo cats.\tb.jpg\n",
}


def captions(folder, name, text, **settings):
    (folder / name).write_text(text)
    found = read_captions(folder / name, config=CaptionsConfig(**settings))
    return {path.name: said for path, said in found.items()}


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_same(name, tmp_path):
    assert captions(tmp_path, name, FILES[name]) == WANTED


def test_a_compressed_file_lies_beside_its_pictures(tmp_path):
    (tmp_path / "token.txt.gz").write_bytes(gzip.compress(FILES["token.txt"].encode()))
    found = read_captions(tmp_path / "token.txt.gz", config=CaptionsConfig())
    assert [path.parent for path in found] == [tmp_path] * 2


def test_equal_and_empty_captions_are_there_once_or_not_at_all(tmp_path):
    said = []

    class Told(Progress):
        def say(self, message):
            said.append(message)

    (tmp_path / "a.csv").write_text("image,caption\na.jpg,A dog\na.jpg,A dog\na.jpg,  \n")
    found = read_captions(tmp_path / "a.csv", config=CaptionsConfig(), progress=Told())
    assert list(found.values()) == [("A dog",)]
    assert said == ["note: 1 empty caption left out", "note: 1 caption left out that the same picture has already"]


BAD = {
    "one id, two pictures": (
        "a.json",
        json.dumps(COCO | {"images": [*COCO["images"], {"id": 7, "file_name": "c.jpg"}]}),
        "image 7 is both 'a.jpg' and 'c.jpg'; give each its own id",
    ),
    "no tab": ("a.txt", "a.jpg#0\tA dog\nb.jpg A cat\n", "a.txt, line 2: 'b.jpg A cat' has no tab"),
    "no field": ("a.jsonl", '{"photo": "a.jpg", "caption": "A"}', "no field is called image"),
    "no caption": ("a.csv", "image,words\na.jpg,A dog\n", "no field is called captions"),
    "a number": ("a.jsonl", '{"image": "a.jpg", "caption": 7}', "a caption is 7; it must be a string"),
    "a list of numbers": ("a.jsonl", '{"image": "a.jpg", "captions": [null]}', "a caption is a JSON null"),
    "no name": ("a.jsonl", '{"image": null, "caption": "A"}', "the picture's file is a JSON null"),
    "no image": ("a.json", '{"images": [], "annotations": [{"image_id": 1, "caption": "A"}]}', "of image 1, which"),
    "no images": ("a.json", '{"annotations": [{"image_id": 1, "caption": "A"}]}', "images.0. lacks id or file_name"),
    "half a letter": ("a.jsonl", '{"image": "a.jpg", "caption": "\\ud800"}', "half a character"),
    "nothing": ("a.csv", "image,caption\n", "no caption in it"),
    "empty": ("a.txt", "", "no caption in it"),
}


@pytest.mark.parametrize("kind", BAD)
def test_other_files_are_refused_in_one_line(kind, tmp_path):
    name, text, why = BAD[kind]
    with pytest.raises(TextError, match=why) as found:
        captions(tmp_path, name, text)
    assert "\n" not in str(found.value)


def test_a_name_that_no_file_can_have_is_refused_in_one_line(tmp_path):
    with pytest.raises(TextError, match=r"a picture is named 'b{60}'; give the name of its file"):
        captions(tmp_path, "a.jsonl", json.dumps({"image": "b" * 5000, "caption": "A dog"}) + "\n")
    assert list(captions(tmp_path, "a.jsonl", json.dumps({"image": "b" * 253 + ".j", "caption": "A dog"}) + "\n"))


def test_settings_are_checked(tmp_path):
    with pytest.raises(UsageError, match="which is no folder"):
        CaptionsConfig(images=str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="cannot be cut into patches of 7x7"):
        CaptionsConfig(patch_size="7")


def pictures(folder, count=12):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.new("RGB", (9, 6), (number // 2, 0, 0)).save(folder / f"{number}.png")
    lines = [f'{{"image": "{number}.png", "captions": ["one {number}", "two"]}}' for number in range(count)]
    (folder / "captions.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "captions.jsonl"


def test_pictures_come_with_all_their_captions_and_equal_ones_stay_together(tmp_path):
    file = pictures(tmp_path / "own", 60)
    found, shape = read_captioned(file, config=CaptionsConfig(picture_size="2x4", patch_size="2"))
    assert found.pictures.shape == (60, 2, 4, 3) and (shape.rows, shape.columns) == (1, 2)
    assert found.captions[5] == ("one 5", "two") and found.pictures[5, 0, 0].tolist() == [2, 0, 0]
    train, valid = hold_out_pictures(found)
    assert not {*train.digests} & {*valid.digests} and len(train) + len(valid) == 60 and len(valid) >= 2
    elsewhere, _ = read_captioned(
        file, config=CaptionsConfig(picture_size="2x4", patch_size="2", images=str(tmp_path / "own"))
    )
    assert elsewhere.hash == found.hash


def test_broken_pictures_are_left_out_only_if_that_is_said(tmp_path):
    file, said = pictures(tmp_path / "own"), []
    (tmp_path / "own" / "3.png").unlink()
    (tmp_path / "own" / "4.png").write_bytes(b"no picture")
    with pytest.raises(TextError, match="3.png: no such file.*--images says where.*--skip-broken"):
        read_captioned(file, config=CaptionsConfig())

    class Told(Progress):
        def say(self, message):
            said.append(message)

    found, _ = read_captioned(file, config=CaptionsConfig(skip_broken=True), progress=Told())
    assert len(found) == 10 and "2 of 12 pictures left out" in said[-1]


def test_features_stand_for_pictures(tmp_path):
    lines = "".join(f"{name}.jpg#0\tA dog\n" for name in "abc")
    (tmp_path / "a.txt").write_text(lines)
    for number, name in enumerate("abc"):
        np.save(tmp_path / f"{name}.npy", np.full((5, 4), number))
    found, shape = read_captioned(tmp_path / "a.txt", config=CaptionsConfig())
    assert found.pictures.shape == (3, 1, 5, 4) and shape.features and (shape.rows, shape.columns) == (1, 5)
    np.save(tmp_path / "b.npy", np.zeros((5, 3)))
    with pytest.raises(TextError, match=r"b\.npy: features \[1, 5, 3\], not \[1, 5, 4\]"):
        read_captioned(tmp_path / "a.txt", config=CaptionsConfig())
