from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from elman.apps.ranking import build
from elman.apps.ranking.analysis import AnalysisConfig
from elman.apps.ranking.build import IndexedDocument, build_index, temporary_index
from elman.apps.ranking.index import Index
from elman.apps.ranking.strings import Strings
from elman.data.word_text import words_of
from elman.errors import FolderError, TextError
from elman.storage import archive


def _documents(size: int, *, words: int = 40, seed: int = 1) -> list[IndexedDocument]:
    rng = np.random.default_rng(seed)
    texts = [
        " ".join(
            f"w{chr(97 + word // 26)}{chr(97 + word % 26)}é" for word in rng.zipf(1.3, rng.integers(0, words)) % 97
        )
        for _ in range(size)
    ]
    return [IndexedDocument(f"doc {number}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize("batch", [1, 7, 100, 1 << 20])
def test_the_arrays_are_counts_of_words(batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_BATCH", batch)
    documents = _documents(60)
    index = build_index(iter(documents), tmp_path)
    counted = [Counter(words_of(each.text)) for each in documents]
    terms = sorted(set().union(*counted))
    assert (len(index), index.vocabulary, index.words) == (60, len(terms), sum(c.total() for c in counted))
    assert index.lengths.tolist() == [c.total() for c in counted]
    assert list(index.ids) == [each.id for each in documents]
    assert list(index.texts) == [each.text for each in documents]
    for term in terms:
        number = index.number(term)
        assert number is not None
        expected = [(place, c[term]) for place, c in enumerate(counted) if term in c]
        found = index.postings(number)
        assert list(zip(found.documents.tolist(), found.counts.tolist(), strict=True)) == expected
        assert index.frequency(number) == len(expected)
        assert index.totals[number] == sum(count for _, count in expected)
        for place, count in expected:
            own, counts = index.vector(place)
            assert counts[own.tolist().index(number)] == count
    assert index.number("w") is None and index.number("zzz") is None and index.number("") is None


def test_words_of_a_title_count_twice(tmp_path: Path) -> None:
    index = build_index(
        iter([IndexedDocument("1", "wing flow wing", "wing flow"), IndexedDocument("2", "wing")]), tmp_path
    )
    wing, flow = index.number("wing"), index.number("flow")
    assert wing is not None and flow is not None
    assert [index.postings(term).counts.tolist() for term in (wing, flow)] == [[3, 1], [2]]
    assert index.lengths.tolist() == [5, 1] and list(index.texts) == ["wing flow wing", "wing"]


def test_saved_and_opened_is_the_same(tmp_path: Path) -> None:
    with temporary_index(_documents(20)) as index:
        index.save(tmp_path / "index")
        again = Index.open(tmp_path / "index")
        assert again.config == index.config and set(again.arrays) == set(index.arrays)
        for name, array in index.arrays.items():
            assert np.array_equal(array, again.arrays[name]), name


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("posting_numbers", lambda a: a + 1000),
        ("posting_starts", lambda a: a[::-1].copy()),
        ("vector_counts", lambda a: -a),
        ("vector_numbers", lambda a: a[:-1]),
        ("lengths", lambda a: a.astype(np.float32)),
        ("lengths", lambda a: a * 0),
        ("posting_counts", lambda a: a * 0),
        ("term_order", lambda a: a[1:]),
        ("totals", lambda a: a * 0),
        ("texts_starts", lambda a: a[:-1]),
        ("ids", None),
    ],
)
def test_hostile_arrays_are_refused(name: str, change, tmp_path: Path) -> None:
    with temporary_index(_documents(20)) as index:
        index.save(tmp_path / "index")
        arrays = dict(index.arrays)
        if change is None:
            del arrays[name]
        else:
            arrays[name] = np.ascontiguousarray(change(arrays[name]))
        file = tmp_path / "index" / "model.safetensors"
        seal = archive.read_facts(file)["seal"]
        archive.write_arrays(file, arrays, {"format": 1, "seal": seal})
    with pytest.raises(FolderError, match="damaged"):
        Index.open(tmp_path / "index")


def test_documents_without_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="have no words"):
        build_index([IndexedDocument("1", "!")], tmp_path)


def test_strings_are_found_by_their_bytes() -> None:
    words = sorted(["", "a", "ab", "é", "ö", "zebra"], key=str.encode)
    strings = Strings.of(words)
    assert [strings.find(word) for word in words] == list(range(len(words)))
    assert [strings.find(word) for word in ("b", "zz", "aa")] == [None] * 3


def test_stems_are_terms(tmp_path: Path) -> None:
    pytest.importorskip("snowballstemmer")
    documents = [IndexedDocument("1", "The wings of a Wing"), IndexedDocument("2", "of the")]
    index = build_index(documents, tmp_path, AnalysisConfig(language="english"))
    assert (index.vocabulary, index.lengths.tolist()) == (1, [2, 0])
    assert index.analyzer.terms("winged wings") == ["wing", "wing"]
    spans = index.analyzer.spans("A wing's wings")
    assert [(each.term, each.start, each.end) for each in spans] == [("wing", 2, 8), ("wing", 9, 14)]
