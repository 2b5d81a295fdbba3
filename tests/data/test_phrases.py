"""Pairs of words that are one thing: scores by hand, and what is joined."""

from pathlib import Path

import numpy as np
import pytest

from elman.data import phrases as module
from elman.data.phrases import Phrases, find_phrases, joined
from elman.data.word_text import WordsConfig, WordText, read_words
from elman.errors import UsageError
from elman.models.word_vectors import WordVectors
from elman.progress import Progress

# hot 3, dog 4, stand 1, tea 1; hot dog 3, dog stand 1, tea hot 1: seven words and pairs.
TEXT = "Hot dog stand.\n\nTea: hot dog.\n\nHot dog!\n\nDog.\n"


def read(folder: Path, text: str, **settings: object) -> WordText:
    (folder / "t.txt").write_text(text)
    config = WordsConfig.from_json({"min_count": 1, "phrases": True, **settings})
    return read_words([str(folder / "t.txt")], config=config, folder=folder, progress=Progress())


def shown(text: WordText) -> str:
    return " ".join("|" if row < 0 else text.vocabulary.words[row] for row in text.ids.tolist())


@pytest.mark.parametrize(
    ("threshold", "wanted"),
    [
        # hot dog: (3 - 1) / (3 * 4) * 7 = 1.1667; the others: 0
        (1.16, "hot_dog stand | tea hot_dog | hot_dog | dog |"),
        (1.17, "hot dog stand | tea hot dog | hot dog | dog |"),
        (0, "hot_dog stand | tea hot_dog | hot_dog | dog |"),
        (None, "hot dog stand | tea hot dog | hot dog | dog |"),
    ],
)
def test_scores_by_hand(threshold: float | None, wanted: str, tmp_path: Path) -> None:
    text = read(tmp_path, TEXT, phrase_threshold=threshold)
    assert shown(text) == wanted
    assert text.words == text.read == len(wanted.replace("|", "").split())
    assert [each.name for each in tmp_path.iterdir() if each.suffix not in (".txt", ".bin")] == []


def test_a_phrase_that_is_a_word_already_shares_its_row(tmp_path: Path) -> None:
    words = TEXT.replace(".", " .").replace("!", " !").replace(":", " :")
    text = read(tmp_path, words + "\nhot_dog\n", phrase_threshold=1.16, pretokenized=True)
    assert text.vocabulary.counts[text.vocabulary.words.index("hot_dog")] == 4


def by_hand(text: list[int], pairs: dict[tuple[int, int], int]) -> list[int]:
    """From the left to the right, one word at a time."""
    found, place = [], 0
    while place < len(text):
        pair = (text[place], text[place + 1]) if place + 1 < len(text) else None
        found.append(pairs[pair] if pair in pairs else text[place])
        place += 2 if pair in pairs else 1
    return found


@pytest.mark.parametrize("at_once", [1, 2, 7, 1000])
def test_parts_make_no_difference(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    rng = np.random.default_rng(at_once)
    for _ in range(30):
        ids = rng.integers(0, 4, rng.integers(1, 60)).astype(np.int32)
        keys = np.sort(rng.choice([5, 6, 7, 9, 10, 11, 13, 14, 15], rng.integers(1, 7), replace=False))
        chosen = Phrases(keys, 4)
        new = np.arange(4, 4 + len(keys), dtype=np.int32)
        found = np.concatenate([*joined(ids, chosen, new)]).tolist()
        assert found == by_hand(ids.tolist(), dict(zip(chosen.pairs(), new.tolist(), strict=True)))
        counts = np.bincount(ids, minlength=4)
        scores = {}
        beside = [pair for pair in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True) if 0 not in pair]
        different = len({*ids.tolist()} - {0}) + len({*beside})
        for first, second in beside:
            both = beside.count((first, second))
            scores[first, second] = (both - 1) / counts[first] / counts[second] * different
        wanted = sorted(pair for pair, score in scores.items() if score > 0.4)
        assert find_phrases(ids, counts, end=0, min_count=1, threshold=0.4).pairs() == wanted


def test_texts_are_cut_into_the_same_phrases(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, TEXT, phrase_threshold=1.16).vocabulary
    rows = np.eye(len(vocabulary), dtype=np.float32)
    vectors = WordVectors(vocabulary, rows, lowercase=True, phrases=True)
    assert vectors.split("A HOT dog, a hot stand") == ["a", "hot_dog", "a", "hot", "stand"]
    assert vectors.split("Hot\ndog") == ["hot_dog"] and vectors.split("hot_dog") == ["hot_dog"]
    assert WordVectors(vocabulary, rows, lowercase=True).split("hot dog") == ["hot", "dog"]


def test_a_threshold_is_for_phrases() -> None:
    with pytest.raises(UsageError, match="add --phrases"):
        WordsConfig(phrase_threshold=3.0)
    with pytest.raises(UsageError, match="phrase_threshold is -1"):
        WordsConfig(phrases=True, phrase_threshold=-1.0)
