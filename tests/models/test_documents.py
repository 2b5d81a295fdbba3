"""Documents as vectors, against scikit-learn and against the formulas of the paper."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.vocabulary import Vocabulary
from elman.errors import UsageError
from elman.export.word2vec import write_word_vectors
from elman.models.documents import SifDocuments, TfidfDocuments, most_similar_documents
from elman.models.word_vectors import Subwords, UnknownWord, WordVectors
from elman.tasks.vectors.documents import read_documents

TEXTS = [
    "Die Katze schläft, die Katze frisst",
    "der Hund bellt und der Hund frisst",
    "",
    "Hund und Katze und Maus",
    "!!!",
]
WORDS = ["sun", "moon", "star", "soup", "bread", "the"]
COUNTS = [10, 8, 5, 9, 7, 100]


def vectors(**options: Any) -> WordVectors:
    random = np.random.default_rng(8)
    matrix = np.concatenate([np.repeat([[2, 0, 3, 0], [0, 2, 3, 0]], [3, 2], axis=0), [[0, 0, 3, 5]]])
    noise = 0.3 * random.standard_normal(matrix.shape)
    return WordVectors(Vocabulary(WORDS, options.pop("counts", COUNTS)), (matrix + noise).astype(np.float32), **options)


def test_tfidf_is_that_of_scikit_learn() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    split = [each.lower().replace(",", "").split() for each in TEXTS]
    random = np.random.default_rng(3)
    for documents in (split, [random.choice(WORDS, size).tolist() for size in random.integers(0, 30, 40)]):
        learnt = text.TfidfVectorizer(analyzer=lambda words: words)
        wanted = learnt.fit_transform(documents).toarray()
        found = TfidfDocuments(documents)
        assert list(found.terms) == learnt.get_feature_names_out().tolist() and len(found) == len(documents)
        assert np.allclose(found.idf, learnt.idf_, rtol=0, atol=1e-12)
        for words, row in zip(documents, wanted, strict=True):
            columns, values = found.vector(words)
            dense = np.zeros(len(found.terms))
            dense[columns] = values
            assert np.allclose(dense, row, rtol=0, atol=1e-9)
        asked = [documents[0][0], documents[1][-1], documents[1][-1], "nothing"]
        cosines = (wanted @ learnt.transform([asked]).toarray().T)[:, 0]
        assert np.allclose(found.similarities(asked), cosines, rtol=0, atol=1e-9)


def test_sif_is_that_of_the_paper() -> None:
    documents = [["sun", "the", "moon"], ["soup", "bread"], ["the", "star", "star", "zzz"], ["bread", "the"], ["zzz"]]
    words, a = vectors(), 0.05

    def mean(document: list[str]) -> Any:
        known = [word for word in document if word in WORDS]
        weighted = [a / (a + COUNTS[WORDS.index(word)] / sum(COUNTS)) * words[word].astype(float) for word in known]
        return sum(weighted) / len(known) if known else np.zeros(4)

    means = np.stack([mean(document) for document in documents])
    component = np.linalg.svd(means, full_matrices=False)[2][0]
    wanted = means - np.outer(means @ component, component)
    found = SifDocuments(words, documents, a=a)
    assert np.allclose(found.means, wanted, atol=1e-9)
    asked = mean(["moon", "the"]) - mean(["moon", "the"]) @ component * component
    cosines = [each @ asked / np.linalg.norm(each) / np.linalg.norm(asked) if each.any() else 0 for each in wanted]
    assert np.allclose(found.similarities(["moon", "the"]), cosines, atol=1e-9) and len(found) == 5
    with pytest.raises(UnknownWord):
        found.similarities(["zzz"])


def test_probabilities_of_files_are_those_of_the_documents() -> None:
    documents = [["sun", "the", "the"], ["soup", "the"], ["the", "star", "bread", "soup"]]
    counted = {word: sum(document.count(word) for document in documents) for word in WORDS}
    told = SifDocuments(vectors(counts=[counted[word] for word in WORDS]), documents)
    assert np.array_equal(SifDocuments(vectors(counts=[0] * 6), documents).means, told.means)


def test_words_of_known_subwords_count() -> None:
    subwords = Subwords(np.full((5, 4), 3, np.float32), np.arange(5), sizes=(2, 3), count=5)
    documents = [["sun", "moon"], ["bread", "soup"], ["unseen"]]
    assert SifDocuments(vectors(subwords=subwords), documents).means[2].any()
    assert not SifDocuments(vectors(), documents).means[2].any()


def test_from_python() -> None:
    found = elman.similar_documents("KATZE schläft", TEXTS, topn=2)
    assert [number for number, _ in found] == [0, 3] and found[0][1] > found[1][1] > 0
    sky = elman.similar_documents("star", ["The sun.", "the soup", "the bread", "the Moon"], vectors=vectors())
    assert {number for number, _ in sky[:2]} == {0, 3} and sky[1][1] > sky[2][1]
    for text, documents, more in (
        ("Löwe", TEXTS, {}),
        ("Hund", [], {}),
        ("Hund", "Hund", {}),
        ("Hund", TEXTS, {"topn": 0}),
        ("sun", ["sun", "moon"], {"vectors": vectors()}),
        ("sun", ["x", "y", "z"], {"vectors": vectors()}),
        ("x", ["sun", "moon", "soup"], {"vectors": vectors()}),
    ):
        with pytest.raises(UsageError) as error:
            elman.similar_documents(text, documents, **more)
        assert "\n" not in str(error.value)
    with pytest.raises(UsageError):
        SifDocuments(vectors(), [["sun"]] * 3, a=math.nan)
    assert most_similar_documents(TfidfDocuments([["a"], ["b"], ["a"]]), ["a"], 9) == [(0, 1.0), (2, 1.0), (1, 0.0)]


def test_by_the_command(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("The sun is hot.\n\nSo is the soup?\n")
    (folder / "deep" / "b.md").write_text("the moon\n")
    (folder / "c.txt").write_text("the bread\n")
    (folder / "empty.txt").write_text("")
    (folder / "blank.txt").write_text("\n \n")
    assert [each.name for each in read_documents(str(folder))] == [
        str(folder / name) for name in ("a.txt", "c.txt", "deep/b.md")
    ]
    lines = cli("similar", "--documents", folder, "hot soup", "-n", "2").out.splitlines()
    assert lines[0].split()[1] == str(folder / "a.txt") and float(lines[0].split()[0]) > 0 and len(lines) == 2
    file = tmp_path / "lines.txt"
    file.write_text("sun and moon\n\n<b>soup</b> is " + 60 * "long " + "\nbread\n")
    found = json.loads(cli("similar", "--documents", file, "soup", "--json").out)
    assert found["method"] == "tfidf" and [each["document"] for each in found["documents"]] == [2, 1, 3]
    assert found["documents"][0]["text"].startswith("<b>soup</b> is long long")
    assert cli("similar", "--documents", file, "soup").out.splitlines()[0].endswith("…")
    write_word_vectors(tmp_path / "v.txt", vectors(), to="glove")
    found = json.loads(cli("similar", tmp_path / "v.txt", "star", "--documents", file, "--json").out)
    assert found["method"] == "sif" and found["documents"][0]["text"] == "sun and moon"
    (tmp_path / "rows.csv").write_text('id,said\n1,"the sun\nand more"\n2,soup\n')
    rows = json.loads(cli("similar", "--documents", tmp_path / "rows.csv", "--field", "said", "more", "--json").out)
    assert rows["documents"][0]["text"] == "the sun\nand more" and len(rows["documents"]) == 2
    for given, said in (
        (("similar", "--documents", file, "a", "b", "c"), "quotation marks"),
        (("similar", "--documents", tmp_path / "none", "a"), "no such file"),
        (("similar", "--documents", file, "lion"), "no word of the text"),
        (("similar", tmp_path / "v.txt", "sun", "--field", "x"), "--documents"),
        (("similar", tmp_path / "v.txt"), "no word was given"),
    ):
        done = cli(*given)
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
