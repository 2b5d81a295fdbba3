import json
import math
import tracemalloc

import numpy as np
import pytest

from elman.data import store as store_module
from elman.data.store import TokenStore, build_store
from elman.errors import FolderError, StorageError
from elman.text.speller import Speller
from elman.text.store import TextWriter
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig

DOCUMENTS = [["the cat sat", "", "the mat"], ["a cat: a Zoë"], ["mat"]]


def text_of(folder, documents, name="train"):
    with TextWriter(folder, name) as writer:
        for document in documents:
            for place, line in enumerate(document):
                writer.write(line, starts=place == 0)
    return writer.text()


def fitted(*lines, **config):
    return Tokenizer.fit(lines, config=TokenizerConfig(**{"min_count": 1, **config}))


@pytest.fixture
def text(tmp_path):
    return text_of(tmp_path, DOCUMENTS)


@pytest.fixture
def words():
    return fitted("the cat sat", "the cat mat", "the cat")


def test_exact_contents(tmp_path, text, words):
    assert words.tokens == ["<unk>", "</s>", " cat", " the", " mat", " sat"]
    store = build_store(text, words, folder=tmp_path / "tokens", collect_oov=True)
    # the cat sat </s> </s> the mat </s> | a cat : a Zoë </s> | mat </s>
    expected = [3, 2, 5, 1, 1, 3, 4, 1, 0, 2, 0, 0, 0, 1, 4, 1]
    assert (store.folder / "ids.bin").read_bytes() == b"".join(bytes([token, 0]) for token in expected)
    assert store.ids.tolist() == expected and store.ids.dtype == np.uint16
    assert store.documents.tolist() == [0, 8, 14, 16] and store.documents.dtype == np.int64
    assert (store.bytes, store.chars, store.lines, store.oov) == (39, 38, 5, 4)
    assert store.oov_strings == {" a": 2, ":": 1, " Zoë": 1}
    assert list(store.oov_strings) == [" a", ":", " Zoë"]


@pytest.mark.parametrize("level", ["word", "subword", "char", "byte"])
def test_every_level_gives_the_text_back(tmp_path, level):
    documents = [["The cat's  naïve.", "", "猫 sat"], [" indented"]] * 20
    text = text_of(tmp_path, documents)
    lines = [line for document in documents for line in document]
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(level=level))
    store = build_store(text, tokenizer, folder=tmp_path / "tokens", collect_oov=True)
    assert tokenizer.decode(store.ids.tolist()) == "".join(f"{line}\n" for line in lines)
    cuts = store.documents.tolist()
    parts = [tokenizer.decode(store.ids[a:b].tolist()) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert parts == ["".join(f"{line}\n" for line in document) for document in documents]
    assert (store.oov, store.oov_strings) == (0, {})


def test_batches_do_not_show(tmp_path, text, words, monkeypatch):
    whole = build_store(text, words, folder=tmp_path / "one")
    for size in (1, 10, 13, 27):
        monkeypatch.setattr(store_module, "_BATCH_CHARS", size)
        parts = build_store(text, words, folder=tmp_path / str(size))
        assert parts.ids.tolist() == whole.ids.tolist()
        assert parts.documents.tolist() == whole.documents.tolist()
        assert parts.oov == whole.oov == 4


@pytest.mark.slow
def test_a_large_vocabulary_needs_four_bytes(tmp_path):
    lines = [" ".join(f"w{'abcdefghij'[n // 10_000]}{n:05}".replace("0", "o") for n in range(70_000))]
    text = text_of(tmp_path, [lines])
    config = {"pretokenized": True}
    small = fitted(*lines, vocab_size=1 << 16, **config)
    large = fitted(*lines, vocab_size=(1 << 16) + 1, **config)
    assert build_store(text, small, folder=tmp_path / "tokens").ids.dtype == np.uint16
    store = build_store(text, large, folder=tmp_path / "tokens")
    assert store.ids.dtype == np.uint32 and store.ids.max() == 1 << 16
    assert (np.asarray(store.ids[:-1], dtype=np.int64) == large.encode(lines[0]).ids).all()


def test_a_written_unk_is_not_out_of_vocabulary_in_pretokenized_text(tmp_path):
    text = text_of(tmp_path, [["the <unk> sat <unk> dog </s>"]])
    for collect in (True, False):
        tokenizer = fitted("the sat", pretokenized=True)
        store = build_store(text, tokenizer, folder=tmp_path / "tokens", collect_oov=collect)
        assert store.ids.tolist().count(UNK_ID) == 4
        assert store.oov == 2
    assert build_store(text, fitted("the sat"), folder=tmp_path / "tokens").oov == 11


def test_one_folder_for_many_stores_each_made_once(tmp_path, text, words, monkeypatch):
    folder = tmp_path / "tokens"
    other = text_of(tmp_path, [["the mat"]], "valid")
    stores = [
        build_store(text, words, folder=folder),
        build_store(other, words, folder=folder),
        build_store(text, fitted("the"), folder=folder),
        build_store(text, words, folder=folder, collect_oov=True),
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(store.hash for store in stores)
    assert len({store.hash for store in stores}) == 4

    def never(*_, **__):
        raise AssertionError("tokenized again")

    monkeypatch.setattr(store_module, "_write", never)
    again = build_store(text, words, folder=folder)
    assert again.hash == stores[0].hash and again.ids.tolist() == stores[0].ids.tolist()
    assert TokenStore.open(again.folder).documents.tolist() == [0, 8, 14, 16]
    assert again.oov_strings is None


def damage_bit(folder):
    data = bytearray((folder / "ids.bin").read_bytes())
    data[4] ^= 1
    (folder / "ids.bin").write_bytes(data)


DAMAGES = {
    "cut": lambda folder: (folder / "documents.bin").write_bytes(b"12345678"),
    "longer": lambda folder: (folder / "ids.bin").write_bytes((folder / "ids.bin").read_bytes() + b"\0\0"),
    "missing ids": lambda folder: (folder / "ids.bin").unlink(),
    "missing strings": lambda folder: (folder / "oov.json").unlink(),
    "cut manifest": lambda folder: (folder / "elman-tokens.json").write_text('{"format": 1, "ha'),
    "other manifest": lambda folder: (folder / "elman-tokens.json").write_text('{"format": 1, "hash": 3}'),
    "list for manifest": lambda folder: (folder / "elman-tokens.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_refused_and_made_again(tmp_path, text, words, damage):
    store = build_store(text, words, folder=tmp_path / "tokens", collect_oov=True)
    expected = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    DAMAGES[damage](store.folder)
    with pytest.raises(FolderError, match="prepare the text again"):
        TokenStore.open(store.folder)
    again = build_store(text, words, folder=tmp_path / "tokens", collect_oov=True)
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == expected


def test_a_changed_bit_is_found_before_it_is_trained_on(tmp_path, text, words):
    store = build_store(text, words, folder=tmp_path / "tokens")
    expected = store.ids.tolist()
    damage_bit(store.folder)
    with pytest.raises(FolderError):
        TokenStore.open(store.folder, verify=True)
    assert build_store(text, words, folder=tmp_path / "tokens").ids.tolist() == expected


def test_ids_cannot_be_written(tmp_path, text, words):
    store = build_store(text, words, folder=tmp_path / "tokens")
    with pytest.raises(ValueError, match="read-only"):
        store.ids[0] = 1


def test_a_full_disk_leaves_nothing(tmp_path, text, words, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module, "_write", full)
    with pytest.raises(StorageError, match="the disk is full"):
        build_store(text, words, folder=tmp_path / "tokens")
    assert list((tmp_path / "tokens").iterdir()) == []


def test_spelling_is_paid_for_each_occurrence(tmp_path, text, words):
    store = build_store(text, words, folder=tmp_path / "tokens", collect_oov=True)
    # A speller that has learned nothing: every byte, and the end, costs log 257.
    symbols = 2 * (2 + 1) + (1 + 1) + (5 + 1)
    assert math.isclose(store.spelling_nats(Speller.fit({})), symbols * math.log(257))
    known = build_store(text_of(tmp_path, [["the cat"]], "valid"), words, folder=tmp_path / "tokens", collect_oov=True)
    assert known.spelling_nats(Speller.fit({})) == 0.0


def test_strings_beyond_the_limit_count_as_the_others(tmp_path, text, words, monkeypatch):
    monkeypatch.setattr(store_module, "_MOST_STRINGS", 1)
    store = build_store(text, words, folder=tmp_path / "tokens", collect_oov=True)
    assert (store.oov, store.oov_strings) == (4, {" a": 2})
    assert math.isclose(store.spelling_nats(Speller.fit({})), 4 * 3 * math.log(257))


@pytest.mark.slow
def test_a_line_longer_than_what_is_read_at_once(tmp_path):
    line = "to be or not to be " * 150_000 + "end"
    text = text_of(tmp_path, [[line], ["to be"]])
    tokenizer = fitted("to be or not end")
    store = build_store(text, tokenizer, folder=tmp_path / "tokens")
    assert store.documents.tolist() == [0, 6 * 150_000 + 2, 6 * 150_000 + 5]
    assert store.ids[:7].tolist() == [*tokenizer.encode("to be or not to be to").ids.tolist()]
    assert store.ids[-5:].tolist() == [*tokenizer.encode("end").ids, EOS_ID, *tokenizer.encode("to be").ids, EOS_ID]


@pytest.mark.slow
def test_memory_does_not_follow_the_text(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_BATCH_CHARS", 1 << 14)
    text = text_of(tmp_path, [["to be or not to be" + " to be or not to be" * 19]] * 4000)
    tokenizer = fitted("to be or not")
    tracemalloc.start()
    store = build_store(text, tokenizer, folder=tmp_path / "tokens")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(store.ids) == 4000 * 121 and peak < 1_500_000


def test_the_manifest_says_what_it_is(tmp_path, text, words):
    store = build_store(text, words, folder=tmp_path / "tokens")
    manifest = json.loads((store.folder / "elman-tokens.json").read_text())
    assert manifest["format"] == 1 and manifest["tokens"] == 16 and manifest["documents"] == 3


@pytest.mark.parametrize(
    "config", [{"level": level} for level in ("word", "subword", "char", "byte")] + [{"pretokenized": True}]
)
def test_parts_of_a_long_line_give_its_tokens(tmp_path, monkeypatch, config):
    line = "the cat's  naïve, the dog  (sat) 'n' 猫猫 mat " * 20 + "Zoë x" * 30
    documents = [["the cat", line, "mat"], [line], [" ".join(line.split())]]
    text = text_of(tmp_path, documents)
    tokenizer = Tokenizer.fit(["the cat's dog mat", line[:200]], config=TokenizerConfig(**config))
    whole = build_store(text, tokenizer, folder=tmp_path / "whole", collect_oov=True)
    monkeypatch.setattr(store_module, "_BATCH_CHARS", 40)
    parts = build_store(text, tokenizer, folder=tmp_path / "parts", collect_oov=True)
    assert parts.ids.tolist() == whole.ids.tolist()
    assert parts.documents.tolist() == whole.documents.tolist()
    assert (parts.oov, parts.oov_strings) == (whole.oov, whole.oov_strings)
