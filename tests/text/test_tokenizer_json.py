"""The files of a tokenizer: exact bytes, other tools, damage."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers

from elman.errors import FolderError, StorageError
from elman.text.tokenizer import Tokenizer, TokenizerConfig

PROSE = ["The cat sat on the mat; the cat didn't sit, it sat.", "", "\tcafé,  x", "  12 naïve cats"] * 2
CONFIGS = {
    "word": TokenizerConfig(),
    "pretokenized": TokenizerConfig(pretokenized=True),
    "subword": TokenizerConfig(level="subword", vocab_size=300, lowercase=True),
    "char": TokenizerConfig(level="char"),
    "byte": TokenizerConfig(level="byte"),
}
FITTED = {name: Tokenizer.fit(PROSE, config=config) for name, config in CONFIGS.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_save_and_load(name: str, tmp_path: Path) -> None:
    fitted, folder = FITTED[name], tmp_path / "new" / "model"
    fitted.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["tokenizer.json", "tokenizer_config.json"]
    loaded = Tokenizer.load(folder)
    assert (loaded.tokens, loaded.config, loaded.hash) == (fitted.tokens, fitted.config, fitted.hash)
    assert loaded.to_files() == fitted.to_files()
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert library.get_vocab_size() == fitted.size
    for line in PROSE:
        assert loaded.encode(line).ids.tolist() == fitted.encode(line).ids.tolist() == library.encode(line).ids


def test_exact_bytes() -> None:
    files = Tokenizer.fit(["aéa"], config=TokenizerConfig(level="char", min_count=1)).to_files()
    expected = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "</s>": 1, "a": 2, "é": 3}, "unk_token": "<unk>"},
    }
    assert files["tokenizer.json"].decode() == json.dumps(expected, ensure_ascii=False, indent=1) + "\n"
    settings = json.loads(files["tokenizer_config.json"])
    assert (settings["tokenizer_class"], settings["unk_token"], settings["eos_token"]) == (
        "PreTrainedTokenizerFast",
        "<unk>",
        "</s>",
    )
    own = {"level": "char", "pretokenized": False, "lowercase": False, "locale": None, "compatibility": False}
    own |= {"apostrophe": "'", "rules": 1, "min_count": 1, "vocab_size": None, "size": 4}
    assert settings["elman"] == own


def test_hash_names_the_file() -> None:
    one, other = (Tokenizer.fit([text], config=TokenizerConfig(min_count=1)) for text in ("x y", "x z"))
    assert one.hash == hashlib.sha256(one.to_files()["tokenizer.json"]).hexdigest()[:16]
    assert one.hash != other.hash


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"cannot read .*tokenizer.json \(No such file or directory\)"):
        Tokenizer.load(tmp_path)
    FITTED["word"].save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(FolderError, match=r"cannot read .*tokenizer_config.json \(No such"):
        Tokenizer.load(tmp_path)
    with pytest.raises(FolderError, match="tokenizer.json is missing"):
        Tokenizer.from_files({})


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="part of that path is a file"):
        FITTED["word"].save(tmp_path / "file" / "model")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("word", '" sit": 17', '" sit": 400', "token ids are not 0, 1, 2"),
        ("word", '" sit": 17', '" sit": "17"', "no vocabulary with token ids"),
        ("word", '" sit": 17', '" sit": 17.0', "no vocabulary with token ids"),
        ("word", '" sit": 17', '" cat": 17', "occurs twice"),
        ("word", '"<unk>": 0', '"<unk>": 1', "token ids are not 0, 1, 2"),
        ("word", '"<unk>": 0', '" unk": 0', "ids 0 and 1 are not <unk> and </s>"),
        ("word", '" sit": 17', '"\\ud800": 17', "not Unicode text"),
        ("word", '" sit": 17', '"\\n": 17', "holds a line end"),
        ("word", '" sit": 17', '"": 17', "is empty"),
        ("word", '"added_tokens": []', '"added_tokens": [{"id": 1}]', "not what elman writes"),
        ("word", "Prepend", "Postpend", "not what elman writes"),
        ("word", "{", "[", "Expecting"),
        ("word", '"version"', '"\x00"', "Invalid control character"),
        ("char", '"a": ', '"aa": ', "not one character"),
        ("byte", '"a": ', '"aa": ', "not the 256 bytes"),
        ("subword", '"a": ', '"\u0400": ', "not made of the 256 bytes"),
        ("subword", '"merges": [', '"merges": [["a"], ', "a merge is not of known tokens"),
        ("subword", '"merges": [', '"merges": [["q", "q"], ', "a merge is not of known tokens"),
        ("subword", '"merges": [', '"merges": null, "more": [', "a merge is not of known tokens"),
    ],
)
def test_damaged_vocabulary(name: str, old: str, new: str, message: str) -> None:
    files = FITTED[name].to_files()
    text = files["tokenizer.json"].decode()
    assert old in text
    with pytest.raises(FolderError, match=message) as caught:
        Tokenizer.from_files({**files, "tokenizer.json": text.replace(old, new, 1).encode()})
    assert str(caught.value).startswith("tokenizer.json is damaged (") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff{}", b"[" * 100_000, b"9" * 5000, b"{}", b'{"model": {"vocab": []}}'], ids=range(7)
)
def test_no_tokenizer_at_all(data: bytes) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        with pytest.raises(FolderError, match=f"^{name} is damaged") as caught:
            Tokenizer.from_files({**FITTED["word"].to_files(), name: data})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 3}, "types, and tokenizer_config.json says 3"),
        ({"level": "char"}, "not one character"),
        ({"level": None}, "level is None"),
        ({"lowercase": True}, "not what elman writes for the settings"),
        ({"pretokenized": True}, "not what elman writes for the settings"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_settings_of_another_tokenizer(change: dict[str, Any], message: str) -> None:
    files = FITTED["word"].to_files()
    settings = json.loads(files["tokenizer_config.json"])
    settings["elman"].update(change)
    with pytest.raises(FolderError, match=message):
        Tokenizer.from_files({**files, "tokenizer_config.json": json.dumps(settings).encode()})


def test_a_lost_last_type() -> None:
    files = FITTED["word"].to_files()
    definition = json.loads(files["tokenizer.json"])
    definition["model"]["vocab"].popitem()
    with pytest.raises(FolderError, match="types, and tokenizer_config.json says"):
        Tokenizer.from_files({**files, "tokenizer.json": json.dumps(definition).encode()})
