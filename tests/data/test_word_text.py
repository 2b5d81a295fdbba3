"""Texts as word ids: which words, in which order, where sentences end, and how memory is
bounded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data import word_text
from elman.data.word_text import WordsConfig, WordText, read_words, split_words
from elman.errors import FolderError, TextError, UsageError
from elman.progress import Progress

TEXT = "One fish two fish,\nred FISH.\n\nBlue fish; one two.\n"


def read(folder: Path, text: str, **settings: Any) -> WordText:
    (folder / "t.txt").write_text(text, encoding="utf-8")
    most = settings.pop("most_words", 1000)
    config = WordsConfig(**{"min_count": 1, **settings})
    return read_words([str(folder / "t.txt")], config=config, folder=folder, progress=Progress(), most_words=most)


def shown(text: WordText) -> str:
    return " ".join("|" if row < 0 else text.vocabulary.words[row] for row in text.ids.tolist())


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, "one fish two fish red fish | blue fish one two |"),
        ({"document": "line"}, "one fish two fish | red fish | blue fish one two |"),
        ({"document": "file"}, "one fish two fish red fish blue fish one two |"),
        ({"min_count": 2}, "one fish two fish fish | fish one two |"),
        ({"vocab_size": 2}, "one fish fish fish | fish one |"),
        ({"lowercase": False, "min_count": 2}, "fish two fish | fish two |"),
        ({"pretokenized": True}, "one fish two fish, red fish. | blue fish; one two. |"),
    ],
)
def test_what_is_read(tmp_path: Path, settings: dict[str, Any], wanted: str) -> None:
    text = read(tmp_path, TEXT, **settings)
    assert shown(text) == wanted
    assert text.read == 10 and text.words == sum(word != "|" for word in wanted.split())
    counts = [wanted.split().count(word) for word in text.vocabulary.words]
    assert text.vocabulary.counts.tolist() == counts == sorted(counts, reverse=True)


def test_words_of_any_script_are_whole() -> None:
    assert split_words("Ça n’est pas l'été: हिन्दी भाषा, ½ ２") == [
        "ça",
        "n’est",
        "pas",
        "l'été",
        "हिन्दी",
        "भाषा",
        "½",
        "２",
    ]
    assert split_words("I’m — not…", lowercase=False) == ["I’m", "not"]
    # Lines with and without letters beyond ASCII are split alike.
    line = "it's 'quoted' a_b x2y 3.5 O'Neil's rock'n'roll' ''"
    assert split_words(line) == split_words(line + " é")[:-1]


def test_blocks_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"w{row % 7} w{row % 5}\n" + "\n" * (row % 3 == 0) for row in range(200))
    whole = read(tmp_path, lines)
    monkeypatch.setattr(word_text, "_BATCH", 7)
    again = read(tmp_path, lines)
    assert np.array_equal(whole.ids, again.ids) and whole.hash == again.hash


def test_memory_is_bounded_by_dropping_rare_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_text, "_BATCH", 50)
    lines = "".join(f"often rare{row}x again\n" for row in range(500)).replace("rare", "q")
    text = read(tmp_path, lines, min_count=100, most_words=40, pretokenized=True)
    assert text.vocabulary.words == ("again", "often") and text.vocabulary.counts.tolist() == [500, 500]
    assert text.read == 1500 and text.words == 1000


def test_it_is_found_again_and_damage_is_noticed(tmp_path: Path) -> None:
    text = read(tmp_path, TEXT)
    again = WordText.open(tmp_path, text.vocabulary, data_hash=text.hash)
    assert np.array_equal(again.ids, text.ids) and (again.read, again.words) == (10, 10)
    data = bytearray((tmp_path / "words.bin").read_bytes())
    data[9] ^= 1
    (tmp_path / "words.bin").write_bytes(data)
    with pytest.raises(FolderError):
        WordText.open(tmp_path, text.vocabulary, data_hash=text.hash)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.txt", "words.bin"]


def test_too_little_text(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="of 3 words, 1 occur 2 times or more"):
        read(tmp_path, "a a b\n", min_count=2)
    with pytest.raises(UsageError):
        WordsConfig(min_count=0)
    with pytest.raises(UsageError):
        WordsConfig(vocab_size=1)
