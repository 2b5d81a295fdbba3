"""Documents counted once: a folder with the numbers of scikit-learn, asked as the documents
themselves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import FolderError
from elman.models.documents import TfidfDocuments
from elman.storage import folder as model_folder
from elman.tasks.vectors.trained_documents import TrainedDocuments

Call = Callable[..., Any]
LINES = ["The cat eats.", "A dog barks at the cat!", "", "Über allen Gipfeln ist Ruh", "the DOG sleeps, the dog dreams"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("documents") / "lines.txt"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(file: Path) -> Path:
    elman.train(file, task="vectors", model="tfidf", out=file.parent / "d")
    return file.parent / "d"


def test_vectors_are_those_of_scikit_learn(folder: Path) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    learnt = text.TfidfVectorizer(token_pattern=r"\w+")
    wanted = learnt.fit_transform([line for line in LINES if line]).toarray()
    loaded = elman.load(folder)
    assert isinstance(loaded, TrainedDocuments) and len(loaded) == 4
    assert list(loaded.tfidf.terms) == learnt.get_feature_names_out().tolist()
    for number, row in enumerate(wanted):
        columns, values = loaded.tfidf[number]
        dense = np.zeros(len(loaded.tfidf.terms))
        dense[columns] = values
        np.testing.assert_allclose(dense, row, atol=1e-9)
    asked = "dogs and THE dog"
    np.testing.assert_allclose(loaded.vector(asked), learnt.transform([asked]).toarray()[0], atol=1e-9)
    found = dict(loaded.most_similar(asked, topn=4))
    np.testing.assert_allclose([found[number] for number in range(4)], wanted @ loaded.vector(asked), atol=1e-9)


def test_the_rarest_words_are_left_out() -> None:
    documents = [["a", "b", "b"], ["a", "c"], ["a", "c", "d"], []]
    assert TfidfDocuments(documents, min_count=2).terms == ("a", "b", "c")
    assert TfidfDocuments(documents, most_terms=2).terms == ("a", "b")
    few = TfidfDocuments(documents, min_count=3)
    assert few.frequencies.tolist() == [3] and few.similarities(["a", "b"]).tolist() == [1, 1, 1, 0]
    # ln((1 + 4) / (1 + 1)) + 1 for a word of one document of four
    assert TfidfDocuments(documents).idf[1] == pytest.approx(1.9162907)


def test_by_the_command(cli: Call, file: Path, folder: Path, tmp_path: Path) -> None:
    assert cli("similar", "--documents", folder, "a dog").out == cli("similar", "--documents", file, "a dog").out
    one, other = (json.loads(cli("similar", "--documents", each, "a dog", "--json").out) for each in (folder, file))
    assert one == other
    about = json.loads(cli("info", folder, "--json").out)
    assert about["model"]["documents"] == 4 and about["data"]["documents"] == 4 and about["task"] == "vectors"
    assert "tfidf: size 4 x " in cli("info", folder).out
    (tmp_path / "notes").mkdir()
    for number, line in enumerate(LINES):
        (tmp_path / "notes" / f"{number}.txt").write_text(line)
    result = cli(
        "train", tmp_path / "notes", "--task", "vectors", "--model", "tfidf", "--out", tmp_path / "n", "--json"
    )
    assert json.loads(result.out)["model"]["documents"] == 4, result.err
    shown = cli("similar", "--documents", tmp_path / "n", "Ruh", "-n", "1").out
    assert shown.split()[-1] == str(tmp_path / "notes" / "3.txt")
    train = ("train", file, "--task", "vectors", "--model", "tfidf", "--out", tmp_path / "x")
    for given, said in (
        ((*train, "--document", "file"), "--document does not apply to tfidf"),
        ((*train, "--epochs", "2"), "--epochs does not apply to tfidf"),
        ((*train, "--window", "2"), "--window is not a setting"),
        ((*train, "--min-count", "9"), "no word occurs 9 times or more"),
        (("similar", folder, "dog"), "holds no word vectors but a tfidf"),
        (("similar", "--documents", folder, "lion"), "no word of the text"),
        (("similar", folder, "--documents", folder, "dog"), "give the text alone"),
        (("evaluate", folder, "--similarity", file), "holds no word vectors but a tfidf"),
        (("train", "--out", folder, "--resume"), "counted in one go"),
    ):
        done = cli(*given)
        assert done.code == 2 and said in done.err, (given, done.err)
        assert sum(line.startswith("elman: ") for line in done.err.splitlines()) == 1
        assert not (tmp_path / "x").exists()


def test_damaged_folders_are_one_line(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "d"
    elman.load(folder).save(copy)
    assert elman.load(copy).model_hash == elman.load(folder).model_hash
    (copy / "model_card.json").unlink()
    whole = model_folder.read_arrays(folder / "model.safetensors")
    for name, array in (
        ("starts", whole["starts"][:-1]),
        ("starts", whole["starts"][::-1].copy()),
        ("columns", whole["columns"] - 1),
        ("columns", whole["columns"].astype(np.int64)),
        ("counts", whole["counts"] * 0),
        ("more", whole["counts"]),
    ):
        model_folder.write_weights(copy, {**whole, name: array})
        with pytest.raises(FolderError, match="do not fit together") as error:
            elman.load(copy)
        assert "\n" not in str(error.value)
    (copy / "documents.json").write_text('{"documents": [1]}')
    model_folder.write_weights(copy, whole)
    with pytest.raises(FolderError):
        elman.load(copy)
