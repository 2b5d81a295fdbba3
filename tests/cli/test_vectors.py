"""Word vectors on the command line: trained, asked, judged, exported, and mistakes in one line."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.forked import Forked

import elman
from elman.errors import FolderError, UsageError
from elman.models.word_vectors import WordVectors
from elman.storage import folder as model_folder

Call = Callable[..., Any]


def good(result: Any) -> str:
    assert result.code == 0, result.err
    return result.out


@pytest.fixture(scope="module")
def text(shared: Callable[..., Path]) -> Path:
    """Two kinds of sentences, so that beasts are used like beasts and colours like colours."""

    def write(path: Path) -> None:
        random = np.random.default_rng(1)
        beasts, colours = ("cat", "dog", "horse", "goat"), ("red", "blue", "green", "black")
        lines = (
            f"The {random.choice(beasts)} eats and sleeps .\nMy coat is {one} or {other} !\n"
            for one, other in random.choice(colours, (400, 2))
        )
        path.write_text("".join(lines))

    return shared("beasts.txt", write)


@pytest.fixture(scope="module")
def folder(text: Path, shared: Callable[..., Path]) -> Path:
    """Counted vectors of it."""
    return shared("beasts", lambda out: elman.train(text, task="vectors", document="line", dimensions=5, out=out))


def test_similar_and_analogy(cli: Call, folder: Path) -> None:
    found = json.loads(good(cli("similar", folder, "Cat", "-n", "1", "--json")))
    assert found["word"] == "Cat" and {word["text"] for word in found["words"]} < {"dog", "horse", "goat"}
    lines = good(cli("similar", folder, "cat", "-n", "2")).splitlines()
    assert len(lines) == 2 and lines[0].split()[0] in ("dog", "horse", "goat") and float(lines[0].split()[1]) > 0.5
    number = float(good(cli("similar", folder, "cat", "dog")))
    assert number > 0.5 > float(good(cli("similar", folder, "cat", "red")))
    assert json.loads(good(cli("similar", folder, "cat", "dog", "--json")))["similarity"] == pytest.approx(
        number, abs=1e-3
    )
    asked = json.loads(good(cli("analogy", folder, "cat", "dog", "red", "--json", "-n", "1")))
    assert asked["question"] == ["cat", "dog", "red"] and asked["words"][0]["text"] in ("blue", "green", "black")
    assert len(good(cli("analogy", folder, "cat", "dog", "red", "--multiply")).splitlines()) == 5


@pytest.mark.slow
def test_judged_and_described(cli: Call, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("cat\tdog\t9\nred\tblue\t8\ncat\tred\t1\ndog\tblue\t0\n")
    (tmp_path / "more.tsv").write_text("cat\thorse\t9\ngoat\tdog\t8\ncat\tblue\t1\nx\ty\t0\n")
    (tmp_path / "questions.txt").write_text(": s\ncat dog red blue\nx y z cat\n")
    lists = "--similarity", tmp_path / "pairs.tsv", tmp_path / "more.tsv", "--analogies", tmp_path / "questions.txt"
    found = json.loads(good(cli("evaluate", folder, *lists, "--json")))
    assert [each["known"] for each in found["similarity"]] == [4, 3]
    assert found["analogies"][0]["total"]["coverage"] == 0.5
    assert "Spearman" in good(cli("evaluate", folder, *lists))
    about = json.loads(good(cli("info", folder, "--json")))
    assert about["model"]["name"] == "ppmi" and about["recipe"]["config"]["window"] == 5
    assert about["data"]["words"] == about["data"]["known_words"] == 400 * 11
    assert "ppmi" in good(cli("info", folder))


@pytest.mark.parametrize("to", ["word2vec", "word2vec-binary", "glove"])
def test_exported_and_used_as_a_file(cli: Call, folder: Path, tmp_path: Path, to: str) -> None:
    assert "16 words" in good(cli("export", folder, "--to", to, "--out", tmp_path / "file"))
    assert good(cli("similar", tmp_path / "file", "cat")) == good(cli("similar", folder, "cat"))
    (tmp_path / "pairs.tsv").write_text("cat\tdog\t9\nred\tblue\t8\ncat\tred\t1\n")
    lists = "--similarity", tmp_path / "pairs.tsv", "--json"
    one, other = (json.loads(good(cli("evaluate", model, *lists))) for model in (folder, tmp_path / "file"))
    assert one == other


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("similar", "V", "catt"), "'catt' has no vector; words spelled nearly so: cat"),
        (("similar", "V", "a", "b", "c"), "3 words were given"),
        (("similar", "V", "cat", "-n", "0"), "-n is 0"),
        (("similar", "none", "cat"), "none does not exist"),
        (("analogy", "V", "cat", "dog"), "2 words given"),
        (("evaluate", "V"), "no data was given"),
        (("evaluate", "V", "none.tsv"), "none.tsv: cannot be read"),
        (("evaluate", "V", "TEXT"), "line 2: 'My coat"),
        (("evaluate", "V", "--similarity", "none", "--text", "x"), "--text is not a setting of word vectors"),
        (("export", "V", "--to", "arpa", "--out", "x"), "vectors"),
        (("complete", "V", "the"), "vectors"),
        (("predict", "V", "the"), "elman similar"),
        (("train", "TEXT", "--task", "vectors", "--model", "lstm", "--out", "x"), "it must be one of: skipgram"),
        (("train", "TEXT", "--task", "vectors", "--minutes", "1", "--out", "x"), "--minutes does not apply"),
        (("train", "TEXT", "--task", "vectors", "--epochs", "1.5", "--out", "x"), "whole number"),
        (
            ("train", "TEXT", "--task", "vectors", "--model", "ppmi", "--negatives", "5", "--out", "x"),
            "only to skipgram",
        ),
        (("train", "TEXT", "--task", "vectors", "--shift", "5", "--buckets", "9", "--out", "x"), "no model knows"),
        (("train", "TEXT", "--task", "vectors", "--model", "cbow", "--window", "0", "--out", "x"), "window is 0"),
        (("train", "TEXT", "--task", "vectors", "--from", "V", "--out", "x"), "cannot go on"),
        (("train", "TEXT", "--task", "vectors", "--hidden-size", "9", "--out", "x"), "--hidden-size is not a setting"),
        (("train", "TEXT", "--task", "vectors", "--min-count", "9999", "--out", "x"), "smaller --min-count"),
    ],
)
def test_mistakes_are_said_in_one_line(
    cli: Call, folder: Path, text: Path, tmp_path: Path, words: tuple[str, ...], said: str, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli(*({"V": folder, "TEXT": text}.get(word, word) for word in words))
    assert result.code == 2 and said in result.err and result.out == "", result.err
    assert sum(line.startswith("elman: ") for line in result.err.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_a_text_without_pairs(cli: Call, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("one\ntwo\n" * 9)
    result = cli("train", tmp_path / "t.txt", "--task", "vectors", "--document", "line", "--out", tmp_path / "v")
    assert result.code == 2 and "no two words stand near each other" in result.err and not (tmp_path / "v").exists()


def test_settings_choose_a_model_that_knows_them(text: Path) -> None:
    model = elman.train(text, task="vectors", document="line", negatives=3, dimensions=4, epochs=1, threads=1)
    assert isinstance(model, WordVectors) and model.config.model == "skipgram" and model.config.negatives == 3


@pytest.mark.slow
def test_a_kill_is_resumed(text: Path, tmp_path: Path) -> None:
    words = (text, "--task", "vectors", "--model", "skipgram", "--document", "line", "--dimensions", "4")
    process = Forked("train", *words, "--epochs", "100000", "--threads", "1", "--out", tmp_path / "v")
    while process.runs() and "training:" not in process.said():
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    code, said = process.end()
    assert code == 130 and "--resume" in said
    assert isinstance(elman.load(tmp_path / "v"), WordVectors) and not elman.load(tmp_path / "v").card


def test_what_a_kill_left_before_the_first_checkpoint_is_replaced(folder: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "v" / "training").mkdir(parents=True)
    (tmp_path / "v" / "training" / "words.part").write_bytes(b"1234")
    elman.train(text, task="vectors", document="line", dimensions=5, out=tmp_path / "v")
    assert (tmp_path / "v" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    shutil.copytree(folder, tmp_path / "w", ignore=shutil.ignore_patterns("model*"))
    (tmp_path / "w" / "training" / "words.bin").write_bytes(b"12345678")
    elman.train(text, task="vectors", document="line", dimensions=5, out=tmp_path / "w")
    assert not (tmp_path / "w" / "training" / "words.bin").exists() and elman.load(tmp_path / "w").card


def test_damaged_folders(folder: Path, tmp_path: Path) -> None:
    for number, arrays in enumerate(
        (
            {"vectors": np.ones((3, 5), np.float32)},
            {"vectors": np.ones((16, 5), np.int32)},
            {"other": np.ones((16, 5), np.float32)},
        )
    ):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        (copy / "model_card.json").unlink()
        model_folder.write_weights(copy, arrays)
        with pytest.raises(FolderError, match="vocabulary"):
            elman.load(copy)
    with pytest.raises((FolderError, UsageError)):
        elman.load(folder / "vocabulary.tsv")


def test_phrases_are_words_of_the_folder(cli: Call, tmp_path: Path) -> None:
    lines = [f"We saw New York and the {one} {other}.\n" for one in ("old", "new", "red") for other in ("bus", "bar")]
    (tmp_path / "t.txt").write_text("".join(lines * 5))
    asked = ("--task", "vectors", "--document", "line", "--dimensions", "4", "--threads", "1", "--phrases")
    result = cli("train", tmp_path / "t.txt", *asked, "--phrase-threshold", "0.45", "--out", tmp_path / "v")
    assert "phrases: " in result.err and good(cli("similar", tmp_path / "v", "new_york"))
    vectors = elman.load(tmp_path / "v")
    assert vectors.split("to New York, New buses") == ["to", "new_york", "new", "buses"]
    np.testing.assert_array_equal(vectors.mean_vector(vectors.split("New York")), vectors["new_york"])
    result = cli("train", tmp_path / "t.txt", *asked[:-1], "--phrase-threshold", "3", "--out", tmp_path / "w")
    assert result.code == 2 and "add --phrases" in result.err
