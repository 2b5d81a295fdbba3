"""Verification: counted models and mixtures, data that is not there, forged cards, canaries."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.errors import UsageError
from elman.storage import folder as model_folder
from elman.storage.archive import read_sealed_json
from elman.tasks.verification import COUNTED_TOLERANCE, compare_cards


def named(found: Any) -> dict[str, Any]:
    return {each.name: each for each in found.figures}


def test_an_ngram_is_counted_again(ngram_folder: Path) -> None:
    found = elman.verify(ngram_folder)
    assert found.holds and found.reason is None
    figures, card = named(found), read_sealed_json(ngram_folder / "model_card.json")
    assert figures["model.hash"].derived == card["model"]["hash"]
    test = figures["figures.test.perplexity"]
    assert test.stated == card["figures"]["test"]["perplexity"] and test.tolerance == COUNTED_TOLERANCE
    json.dumps(found.to_json())


def test_documents_are_counted_again(text_file: Path, tmp_path: Path) -> None:
    elman.train(text_file, task="vectors", model="tfidf", out=tmp_path / "tfidf")
    found = elman.verify(tmp_path / "tfidf")
    assert found.holds and {"model.hash", "data.documents"} <= set(named(found))


def test_a_mixture_is_measured_on_the_text_of_its_weights(
    ngram_folder: Path, lstm_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    mixed = elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)])
    mixed.save(tmp_path / "mixed")
    found = elman.verify(tmp_path / "mixed")
    assert found.holds and found.reason is None
    assert {"mixture.weights", "mixture.figures.perplexity", "mixture.parts.0.figures.perplexity"} <= set(named(found))
    other = elman.verify(tmp_path / "mixed", data=[text_file])
    assert not other.holds and "another text" in str(other.reason)
    given = elman.mix([elman.load(lstm_folder), elman.load(ngram_folder)], tune=text_file)
    given.save(tmp_path / "given")
    assert elman.verify(tmp_path / "given", data=[text_file]).holds


def test_without_the_text_files_are_checked_alone(text_file: Path, tmp_path: Path) -> None:
    text, folder = tmp_path / "text.txt", tmp_path / "model"
    shutil.copy(text_file, text)
    elman.train(text, model="ngram", order=2, out=folder)
    text.rename(tmp_path / "moved.txt")
    found = elman.verify(folder)
    assert found.holds and not found.figures and str(text) in str(found.reason)
    assert elman.verify(folder, data=[tmp_path / "moved.txt"]).figures
    text.write_text("Another text.\n" * 90)
    changed = elman.verify(folder)
    assert changed.holds and not changed.figures and "other data" in str(changed.reason)
    assert not elman.verify(folder, data=[text]).holds
    elman.load(folder).save(tmp_path / "copy")
    assert "holds no training" in str(elman.verify(tmp_path / "copy").reason)


def test_a_damaged_file_fails_and_nothing_is_derived_from_it(ngram_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(ngram_folder, tmp_path / "model")
    with (tmp_path / "model" / "speller.safetensors").open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"?")
    found = elman.verify(tmp_path / "model", canaries=["pin {digits:3}=123"])
    assert not found.holds and not found.figures and not found.canaries and found.reason == "a file is damaged"


def test_figures_that_nothing_derives_fail() -> None:
    stated = {"figures": {"f1": 0.5, "accuracy": 1.0}, "seconds": 3.0, "model": {"hash": "ab", "name": "lstm"}}
    found = compare_cards(stated, {"figures": {"f1": 0.5004}, "model": {"hash": "ac"}}, tolerance=0.001)
    assert [(each.name, each.holds) for each in found] == [
        ("figures.f1", True), ("figures.accuracy", False), ("model.hash", False)
    ]  # fmt: skip
    nan = {"figures": {"spread": float("nan"), "rows": [1, float("inf")]}}
    assert all(each.holds for each in compare_cards(nan, nan, tolerance=0))
    assert not any(each.holds for each in compare_cards(nan, {"figures": {"spread": 1.0, "rows": [1]}}, tolerance=1))


def test_canaries_and_their_verdict(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("my pin is 4831 today\n" * 9 + "my dog is at home today\n" * 60)
    elman.train(text, model="ngram", order=4, level="char", out=tmp_path / "model")
    told = elman.verify(tmp_path / "model", canaries=["my pin is {digits:4}=4831", "my pin is {digits:4}=0275"])
    assert [each.memorised for each in told.canaries] == [True, False] and not told.holds
    assert all(each.holds for each in told.figures)
    with pytest.raises(UsageError, match="--tolerance is 2"):
        elman.verify(tmp_path / "model", tolerance=2)


def test_canaries_need_a_language_model(reviews_folder: Path) -> None:
    with pytest.raises(elman.ElmanError, match="is not a language model"):
        elman.verify(reviews_folder, canaries=["my pin is {digits:4}=4831"])


def test_an_unfinished_training_has_no_figures(lstm_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(lstm_folder, tmp_path / "model")
    model_folder.card_file(tmp_path / "model").unlink()
    assert "its training has not ended" in str(elman.verify(tmp_path / "model").reason)
