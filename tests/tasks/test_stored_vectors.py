"""Word vectors in fewer bits: a folder like any other, of the size that was asked for, and its
loss."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.data.test_fasttext_binary import binary

import elman
from elman.data.vocabulary import Vocabulary
from elman.errors import FolderError, ModelError, UsageError
from elman.evaluation.vectors_loss import loss
from elman.models.vectors.product import rebuilt
from elman.models.vectors.stored import StoredVectorsConfig
from elman.models.word_vectors import WordVectors
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.vectors.storing import store
from elman.tasks.vectors.type_vectors import type_vectors

Call = Callable[..., Any]
COUNT, SIZE = 3000, 12


@pytest.fixture(scope="module")
def vectors() -> WordVectors:
    random = np.random.default_rng(4)
    rows = random.standard_normal((COUNT, SIZE)) * 10.0 ** random.uniform(-3, 3, (COUNT, 1))
    words = [f"wörd{row}" if row % 3 else f"w{row}" for row in range(COUNT)]
    return WordVectors(Vocabulary(words, range(COUNT, 0, -1)), rows.astype(np.float32), lowercase=True)


def stored(vectors: WordVectors, out: Path, **how: Any) -> tuple[Any, dict[str, Any]]:
    facts = store(vectors, out, source=Path("v.vec"), progress=Progress(), **how)
    return elman.load(out), facts


def test_8_bits_lose_half_a_step_at_most(vectors: WordVectors, tmp_path: Path) -> None:
    found, facts = stored(vectors, tmp_path / "v")
    assert found.words == vectors.words and found.lowercase
    assert found.vocabulary.counts.tolist() == vectors.vocabulary.counts.tolist()
    steps = np.abs(vectors.vectors).max(axis=1, keepdims=True) / 127
    assert (np.abs(found.vectors - vectors.vectors) <= 0.501 * steps).all()
    assert 0.9 < facts["loss"]["neighbours"] < 1 and facts["loss"]["words"] == 1000
    size = sum(file.stat().st_size for file in (tmp_path / "v").iterdir() if file.is_file())
    assert facts["bytes"] == size and facts["precision"] == "int8"


def test_float32_loses_nothing(vectors: WordVectors, tmp_path: Path) -> None:
    found, facts = stored(vectors, tmp_path / "v", precision="fp32")
    assert np.array_equal(found.vectors, vectors.vectors)
    assert facts["loss"] == {"neighbours": 1.0, "cosine": 0.0, "words": 1000}


@pytest.mark.slow
def test_a_smaller_folder_has_fewer_bits_and_then_fewer_words(vectors: WordVectors, tmp_path: Path) -> None:
    kept = []
    for kilobytes, numbers, words in ((95, None, COUNT), (82, 2, COUNT), (70, 6, COUNT), (60, 6, 2449)):
        out = tmp_path / str(kilobytes)
        found, facts = stored(vectors, out, most=1000 * kilobytes)
        assert facts["bytes"] <= 1000 * kilobytes and facts["numbers_per_byte"] == numbers, facts
        assert abs(words - facts["words"]) < 100 and found.words == vectors.words[: facts["words"]]
        kept.append(facts["loss"]["neighbours"])
        arrays = model_folder.read_arrays(out / "model.safetensors")
        if numbers:
            whole = rebuilt(arrays["vectors.codes"], arrays["vectors.centroids"])
            whole *= arrays["vectors.lengths"].astype(np.float32)[:, None]
            assert np.array_equal(found.vectors, whole)
            lengths = np.linalg.norm(vectors.vectors[: len(found)], axis=1)
            assert np.corrcoef(lengths, np.linalg.norm(found.vectors, axis=1))[0, 1] > 0.95
    assert kept[0] > 0.95 > kept[1] > 0.7 > kept[2] > 0.2  # of fewer words, other ones are the nearest
    with pytest.raises(ModelError, match="two words need"):
        stored(vectors, tmp_path / "x", most=15_000)
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_subwords_are_stored_too(tmp_path: Path) -> None:
    (tmp_path / "v.bin").write_bytes(binary())
    whole = elman.load(tmp_path / "v.bin")
    for number, how in enumerate(({}, {"most": 30_000}, {"precision": "fp32"})):
        found, _ = stored(whole, tmp_path / str(number), **how)
        assert found.subwords.buckets.tolist() == whole.subwords.buckets.tolist()
        np.testing.assert_allclose(found["kings"], whole["kings"], atol=0.02)
        types = type_vectors(str(tmp_path / str(number)), ["kings"], spread=1.0, progress=Progress())
        np.testing.assert_array_equal(types[0], found["kings"])


@pytest.mark.slow
def test_by_the_command(cli: Call, vectors: WordVectors, tmp_path: Path) -> None:
    stored(vectors, tmp_path / "v", precision="fp32")
    pairs, questions = tmp_path / "pairs.tsv", tmp_path / "questions.txt"
    pairs.write_text("w0\tw3\t9\nw6\tw9\t3\nw12\tw15\t5\nx\ty\t1\n")
    questions.write_text("w0 w3 w6 w9\n")
    lists = ("--similarity", pairs, "--analogies", questions)
    done = cli("export", tmp_path / "v", "--to", "folder", "--target-size", "120K", "--out", tmp_path / "w", *lists)
    assert done.code == 0 and "8 bits a number" in done.out and "pairs.tsv: Spearman " in done.out, done.err
    assert "(3 of 4 pairs known)" in done.out and "% of all analogies before" in done.out
    assert cli("info", tmp_path / "w").out.splitlines()[-4:] == done.out.splitlines()[-4:]
    about = json.loads(cli("info", tmp_path / "w", "--json").out)["quantisation"]
    assert about["before"]["similarity"][0]["known"] == 3 and about["precision"] == "int8"
    asked = cli("similar", tmp_path / "w", "W0", "-n", "2")
    assert len(asked.out.splitlines()) == 2 and cli("similar", tmp_path / "v", "w0", "w3").out
    again = cli("export", tmp_path / "w", "--to", "word2vec", "--out", tmp_path / "w.txt")
    assert again.code == 0 and np.array_equal(
        elman.load(tmp_path / "w.txt").vectors, elman.load(tmp_path / "w").vectors
    )
    for flags, said in (
        (("--to", "folder", "--out", tmp_path / "w"), "exists and is not empty"),
        (("--to", "folder", "--out", tmp_path / "x", "--target-size", "9"), "a number with K, M or G"),
        (("--to", "folder", "--out", tmp_path / "x", "--target-size", "9M", "--precision", "int8"), "give one of"),
        (("--to", "word2vec", "--out", tmp_path / "x", "--similarity", pairs), "judge folders of word vectors only"),
        (("--to", "glove", "--out", tmp_path / "x", "--precision", "int8"), "--precision applies to"),
        (("--to", "folder", "--out", tmp_path / "x", "--similarity", tmp_path / "none"), "cannot be read"),
    ):
        done = cli("export", tmp_path / "v", *flags)
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
        assert not (tmp_path / "x").exists()


def test_damaged_folders_are_one_line(vectors: WordVectors, tmp_path: Path) -> None:
    stored(vectors, tmp_path / "v", most=95_000)
    whole = model_folder.read_arrays(tmp_path / "v" / "model.safetensors")
    (tmp_path / "v" / "model_card.json").unlink()
    for name, array in (
        ("vectors.codes", whole["vectors.codes"][:, :-1]),
        ("vectors.codes", whole["vectors.codes"][:-1]),
        ("vectors.codes", whole["vectors.codes"][0]),
        ("vectors.scales", whole["vectors.scales"].astype(np.float64)),
        ("more", whole["vectors.scales"]),
    ):
        model_folder.write_weights(tmp_path / "v", {**whole, name: array})
        with pytest.raises(FolderError, match="has not the arrays"):
            elman.load(tmp_path / "v")


def test_settings_that_contradict() -> None:
    good: dict[str, Any] = {"model": "file", "dimensions": 4}
    for bad in (
        {"dimensions": 0}, {"precision": "product"}, {"parts": 2}, {"precision": "product", "parts": 5},
        {"min_ngram": 3}, {"min_ngram": 3, "max_ngram": 2, "buckets": 9}, {"precision": "int4"},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            StoredVectorsConfig(**{**good, **bad})


def test_the_loss_is_that_of_comparing_all() -> None:
    random = np.random.default_rng(2)
    rows = random.standard_normal((40, 6)).astype(np.float32)
    other = rows + 0.3 * random.standard_normal(rows.shape).astype(np.float32)

    def cosines(some: Any) -> Any:
        units = some / np.linalg.norm(some, axis=1, keepdims=True)
        return units @ units.T

    exact, found = cosines(rows), cosines(other)
    kept = 0
    for row in range(40):
        near, far = (np.argsort(-np.delete(each[row], row))[:10] for each in (exact, found))
        kept += len(set(near) & set(far))
    measured = loss(rows, lambda some: found[some])
    assert measured.neighbours == pytest.approx(kept / 400) and measured.words == 40
    assert measured.cosine == pytest.approx(np.abs(exact - found).max(), abs=1e-6)
