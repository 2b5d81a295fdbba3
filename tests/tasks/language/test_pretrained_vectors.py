"""Language models whose embeddings begin as word vectors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.test_fasttext_binary import ROWS, binary, mean

import elman
from elman.errors import UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.vectors.type_vectors import type_vectors

STILL = {"updates": 1, "rate": 1e-9, "threads": 1, "rival": False, "hidden_size": 8}


class Talk(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Vectors of three of the text's words, one of them in lower case, and of one that it lacks."""
    (tmp_path / "v.vec").write_text("4 3\nbird 1 2 3\nemma -3 -2 -1\nhouse 2 -2 0\nstory 9 9 9\n")
    return tmp_path / "v.vec"


@pytest.mark.parametrize("more", [{}, {"begin": "random"}, {"softmax": "adaptive"}])
def test_known_words_have_their_rows_and_others_the_same_scale(
    more: dict[str, Any], file: Path, text_file: Path, tmp_path: Path
) -> None:
    talk = Talk()
    settings = {**STILL, **more, "vectors": str(file), "out": tmp_path / "m"}
    model = elman.train(text_file, progress=talk, lowercase=False, **settings)
    tokens = model.lm.tokenizer.tokens
    assert [line for line in talk.said if line.startswith("vectors: ")] == [
        f"vectors: 3 of {len(tokens)} types have one of {file}"
    ]
    if "softmax" in more:  # the tables of rare types are narrower
        return
    table = model_folder.read_arrays(tmp_path / "m" / "model.safetensors")["embedding.weight"]
    words = [token.strip() for token in tokens]
    known = {"bird": [1, 2, 3], "Emma": [-3, -2, -1], "house": [2, -2, 0]}
    for word, wanted in known.items():
        np.testing.assert_allclose(table[words.index(word)], wanted, atol=1e-6)
    rest = table[[row for row, word in enumerate(words) if word not in known]]
    assert len(rest) > 20 and 0.75 < rest.std() / np.std(list(known.values())) < 1.25 and abs(rest.mean()) < 0.5


@pytest.mark.slow
def test_a_folder_of_vectors(text_file: Path, tmp_path: Path) -> None:
    vectors = elman.train(text_file, task="vectors", model="ppmi", dimensions=6, threads=1, out=tmp_path / "v")
    model = elman.train(text_file, vectors=str(tmp_path / "v"), out=tmp_path / "m", **STILL)
    table = model_folder.read_arrays(tmp_path / "m" / "model.safetensors")["embedding.weight"]
    words = [token.strip() for token in model.lm.tokenizer.tokens]
    assert table.shape[1] == 6
    np.testing.assert_allclose(table[words.index("river")], vectors["river"], atol=1e-6)
    np.testing.assert_allclose(table[words.index("Anna")], vectors["anna"], atol=1e-6)


@pytest.mark.slow
def test_what_contradicts_is_told(
    file: Path, text_file: Path, reviews_file: Path, lstm_folder: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    flags = ("--vectors", file, "--out", tmp_path / "m", "--updates", "1", "--threads", "1")
    for more, words in (
        (("--embedding-size", "4"), f"--embedding-size is 4, and vectors of {file} have 3 numbers"),
        (("--input", "one-hot"), "one-hot input has none"),
        (("--from", lstm_folder), "--from and --vectors both say what embeddings begin as"),
        (("--level", "char"), "has no vector for any of the"),
    ):
        result = cli("train", text_file, *flags, *more)
        assert result.code == 2 and words in result.err, result.err
        assert not (tmp_path / "m").exists()
    result = cli("train", text_file, "--model", "ngram", "--vectors", file, "--out", tmp_path / "m")
    assert result.code == 2 and "--vectors does not apply to an n-gram" in result.err
    result = cli("train", reviews_file, "--task", "classify", *flags, "--embedding-size", "5")
    assert result.code == 2 and "--embedding-size is 5" in result.err


def test_the_folder_keeps_where_vectors_lay(
    file: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    elman.train(text_file, vectors="v.vec", out=tmp_path / "m", **STILL)
    asked = json.loads((tmp_path / "m" / "training" / "plan.json").read_text())
    assert asked["request"]["vectors"] == str(file)


def test_lower_case_is_only_a_second_choice(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("Turkey 1 0\nturkey 0 1\n")
    found = type_vectors(str(tmp_path / "v"), ["TURKEY", "Turkey", " turkey", ""], spread=1.0, progress=Progress())
    assert found[:3].tolist() == [[0, 1], [1, 0], [0, 1]]
    with pytest.raises(UsageError, match="for any of the 1 types"):
        type_vectors(str(tmp_path / "v"), ["goose"], spread=1.0, progress=Progress())


def test_words_that_a_file_of_fasttext_lacks_have_vectors_of_subwords(tmp_path: Path) -> None:
    path, types = tmp_path / "v.bin", ["king", " kings", "King", "z"]
    path.write_bytes(binary())
    found = type_vectors(str(path), types, spread=1.0, progress=Progress())
    # "z" alone has n-grams of two characters and three: <z, z> and <z>.
    for row, wanted in enumerate((mean("king", 1), mean("kings", None), mean("King", None), mean("z", None))):
        np.testing.assert_allclose(found[row], wanted, atol=1e-6)
    path.write_bytes(binary(ngrams=(0, 0), buckets=0, matrix=ROWS[:5]))
    found = type_vectors(str(path), types, spread=1.0, progress=Progress())
    np.testing.assert_array_equal(found[[0, 2]], ROWS[[1, 1]])
    assert not np.isclose(found[[1, 3]], ROWS[1]).any()
