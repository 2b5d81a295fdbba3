import gzip
import json
from pathlib import Path

import pytest

from elman.data.pairs import Pairs, PairsConfig, hold_out_pairs, named_files, read_pairs
from elman.errors import TextError, UsageError
from elman.progress import Progress

WANTED = Pairs(["one house", "two"], ["ein Haus", "zwei"])


class Talk(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def written(folder: Path, **files: str) -> list[str]:
    paths = []
    for name, text in files.items():
        path = folder / name.replace("_", ".")
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("a.tsv", "one house\tein Haus\ntwo\tzwei\n", {}),
        ("a.tsv", "one house\tein Haus\tCC-BY 1\n\ntwo\tzwei\tCC-BY 2\n", {}),
        ("deu.txt", "one house\tein Haus\tCC-BY 1\ntwo\tzwei\tCC-BY 2\n", {}),
        ("a.tsv", "id\tTarget\tSource\n1\tein Haus\tone house\n2\tzwei\ttwo\n", {}),
        ("a.tsv", "ein Haus\tone house\nzwei\ttwo\n", {"source": "2", "target": "1"}),
        ("a.csv", "input,output\r\n one  house,ein  Haus\r\ntwo,zwei", {}),
        ("a.csv", "en,de\none house,ein Haus\ntwo,zwei", {"source": "en", "target": "de"}),
        ("a.jsonl", '{"id": 1, "src": "one house", "tgt": "ein Haus"}\n{"src": "two", "tgt": "zwei"}', {}),
        ("a.jsonl", '{"id": 1, "en": "one house", "de": "ein Haus"}\n{"en": "two", "de": "zwei"}', {}),
        ("a.data", '{"translation": {"en": "one house", "de": "ein Haus"}}\n{"translation":{"en":"two", "de":"zwei"}}',
         {"source": "translation.en", "target": "translation.de"}),
    ],
)  # fmt: skip
def test_a_table_of_any_format(tmp_path: Path, name: str, text: str, settings: dict[str, str]) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(text.encode()))
    found = read_pairs(path, config=PairsConfig(**settings))
    assert [" ".join(each.split()) for each in found.source] == WANTED.source
    assert [" ".join(each.split()) for each in found.target] == WANTED.target


def test_two_files_line_by_line(tmp_path: Path) -> None:
    files = written(tmp_path, train_en="one house\r\ntwo\r\n", train_de="ein Haus\n  zwei")
    talk = Talk()
    assert read_pairs(files, progress=talk) == WANTED
    assert [f"{tmp_path}/train.en are the sources" in note for note in talk.said] == [True]
    config = PairsConfig(source=files[0], target=files[1])
    sources, reading = named_files((), config)
    assert read_pairs(sources, config=reading) == WANTED
    assert named_files(["a.tsv"], config) == (("a.tsv",), config)


def test_an_empty_line_keeps_its_place(tmp_path: Path) -> None:
    assert read_pairs(written(tmp_path, a_en="one\n\nthree\n", a_de="eins\nzwei\n\n")) == Pairs(
        ["one", "", "three"], ["eins", "zwei", ""]
    )


def test_several_sources_follow_each_other(tmp_path: Path) -> None:
    files = written(tmp_path, a_tsv="one house\tein Haus\n", b_en="two\n", b_de="zwei\n")
    assert read_pairs(files) == WANTED


def test_texts_are_in_normal_form(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"source": " Cafe\u0301\n au lait ", "target": "\ufeffcoffee"}))
    assert read_pairs(tmp_path / "a.jsonl") == Pairs(["Café au lait"], ["coffee"])


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({"a_en": "one\ntwo\n", "a_de": "eins\n"}, {}, "a.en has 2 lines and {}/a.de 1; two plain files must"),
        ({"a_en": "one\n"}, {}, "a.en is plain text without a second file"),
        ({"a_tsv": "one\ntwo\n"}, {}, "a.tsv, line 1: one field, but a pair has two"),
        ({"a_tsv": ""}, {}, "a.tsv: no pair of texts in it"),
        ({"a_jsonl": '{"a": "x", "b": "y", "c": "z"}'}, {}, "no field is called source, src or input"),
        ({"a_tsv": "one\teins\n"}, {"source": "3", "target": "1"}, "no column 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, files, settings, message: str) -> None:
    with pytest.raises((TextError, UsageError)) as caught:
        read_pairs(written(tmp_path, **files), config=PairsConfig(**settings))
    assert message.format(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_records_without_a_text_are_left_out_and_counted(tmp_path: Path) -> None:
    talk = Talk()
    files = written(tmp_path, a_jsonl='{"source": "one", "target": null}\n{"source": "two", "target": "zwei"}')
    assert read_pairs(files, progress=talk) == Pairs(["two"], ["zwei"])
    assert "1 of 2 records left out" in talk.said[0] and "field 'target' is a JSON null" in talk.said[0]


@pytest.mark.parametrize(
    "settings", [{"source": "a"}, {"target": "a"}, {"source": "a", "target": "a"}, {"source": "", "target": ""}]
)
def test_settings_that_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        PairsConfig(**settings)


def test_equal_sources_are_held_out_together() -> None:
    pairs = Pairs([str(number // 2) for number in range(200)], [str(number) for number in range(200)])
    train, valid = hold_out_pairs(pairs)
    assert sorted([*train, *valid]) == sorted(pairs)
    assert 5 < len(valid) < 40 and not set(train.source) & set(valid.source)


def test_the_hash_tells_where_texts_end() -> None:
    assert Pairs(["a", "b"], ["c", "d"]).hash != Pairs(["a", "b"], ["cd", ""]).hash
    assert Pairs(["a"], ["b"]).hash != Pairs(["b"], ["a"]).hash
