"""Verification: counted models and mixtures, data that is not there, forged cards, canaries."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.errors import UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import read_sealed_json
from elman.tasks.verification import COUNTED_TOLERANCE, compare_cards
from elman.training.plan_file import read_plan, write_plan


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert "copies lack it too" in str(elman.verify(tmp_path / "copy").reason)


class _Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"request": 5}, "not as training writes it"),
        ({"request": {"sources": 5}}, "not as training writes it"),
        ({"request": {"sources": [["a"]]}}, "not as training writes it"),
        ({"request": {"sources": "/"}}, "is a"),
        ({"request": {"sources": ["/no/such"]}}, "/no/such"),
        ({"request": {"sources": ["/dev/zero"]}}, "a device"),
        ({"request": {"sources": ["-"]}}, "standard input"),
        ({"request": {"valid": ["-"]}}, "standard input"),
        ({"request": {"test": ["memory://bucket/test.txt"]}}, "no address is opened"),
        ({"request": {"kind": "lstm"}}, "not as training writes it"),
        ({"request": {"kind": ["ngram"]}}, "not as training writes it"),
        ({"request": {"max_ram": 5}}, "not as training writes it"),
        ({"request": {"max_ram": "9" * 400 + "G"}}, "not as training writes it"),
        ({"request": {"vectors": {"a": 1}}}, "not as training writes it"),
        ({"request": {"minutes": 1e999}}, "not as training writes it"),
        ({"request": {"threads": 10**30}}, "not as training writes it"),
        ({"request": {"more": 1}}, "not as training writes it"),
        ({"request": {"data": {"min_count": 10**30}}}, "not as training writes it"),
        ({"request": {"data": {"encoding": "zlib"}}}, "encoding is 'zlib'"),
        ({"data": ["a"]}, "other data"),
        ({"plan": {"updates": 1}}, None),
    ],
)
def test_a_forged_plan_is_one_line(
    ngram_folder: Path, tmp_path: Path, changed: dict[str, Any], says: str | None
) -> None:
    def within(old: Any, new: Any) -> Any:
        if not (isinstance(old, dict) and isinstance(new, dict)):
            return new
        return {**old, **{key: within(old.get(key), value) for key, value in new.items()}}

    folder = tmp_path / "model"
    shutil.copytree(ngram_folder, folder)
    write_plan(folder / "training", within(read_plan(folder / "training"), changed))
    found = elman.verify(folder)
    assert not found.demanded and (found.reason is None) == (says is None)
    if says is not None:
        assert says in str(found.reason) and "\n" not in str(found.reason) and len(str(found.reason)) < 600
        assert "elman-verify" not in str(found.reason)


def test_what_lies_outside_the_folder_is_told(ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "model", tmp_path / "scratch"
    shutil.copytree(ngram_folder, folder)
    plan = read_plan(folder / "training")
    write_plan(folder / "training", {**plan, "request": {**plan["request"], "scratch": str(scratch)}})
    said = _Said()
    assert elman.verify(folder, progress=said).figures
    assert f"reading what training/plan.json names: {plan['request']['sources'][0]}" in said.lines
    assert not scratch.exists()
    said = _Said()
    elman.verify(folder, data=[text_file], progress=said)
    assert not any("plan.json" in line for line in said.lines)


def test_an_address_is_read_if_the_user_gives_it(ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    files = pytest.importorskip("fsspec").filesystem("memory")
    folder, address = tmp_path / "model", "memory://verified/text.txt"
    files.pipe("/verified/text.txt", text_file.read_bytes())
    shutil.copytree(ngram_folder, folder)
    plan = read_plan(folder / "training")
    write_plan(folder / "training", {**plan, "request": {**plan["request"], "sources": [address]}})
    unread = elman.verify(folder)
    assert not unread.figures and address in str(unread.reason) and "--data" in str(unread.reason)
    found = elman.verify(folder, data=[address])
    assert found.holds and found.figures


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


def test_rivals_are_compared_by_name() -> None:
    naive, theta, ets = ({"name": name, "mase": mase} for name, mase in (("naive", 1.0), ("Theta", 1.0004), ("ETS", 2)))
    stated, derived = ({"figures": {"test": {"rivals": each}}} for each in ([naive, theta], [theta, ets, naive]))
    found = compare_cards(stated, derived, tolerance=0)
    assert [(each.name, each.holds) for each in found] == [
        ("figures.test.rivals.naive.mase", True), ("figures.test.rivals.Theta.mase", True)
    ]  # fmt: skip
    lost = [each.name for each in compare_cards(derived, stated, tolerance=0) if not each.holds]
    assert lost == ["figures.test.rivals.ETS.mase"]


@pytest.mark.slow
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
