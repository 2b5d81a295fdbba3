"""A translator's figures, report and attention, of one that has learned to reverse digits."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from tests.tasks.translate.conftest import NAMES, write_pairs

import elman
from elman.errors import UsageError
from elman.progress import Progress, ScreenProgress
from elman.tasks.registry import task_named
from elman.tasks.translate import evaluation
from elman.tasks.translate.data import TranslateData, read_data
from elman.tasks.translate.model import Translator
from elman.tasks.translate.request import TranslateRequest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def test_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pairs") / "test.tsv"
    texts = ["1 2 3", "4", "3 1", "2 4 1", "1 1", "2 3 4"]
    rows = [f"{text}\t{' '.join(NAMES[each] for each in text.split()[::-1])}" for text in texts]
    file.write_text("\n".join([*rows, "4 4 2\tvier vier vier"]) + "\n")
    return file


def data_of(model: Translator) -> TranslateData:
    request = TranslateRequest.of_training(model.folder)
    assert request is not None
    return read_data(request, Progress())


def evaluated(model: Translator, *sources: object, report: Path | None = None, **settings: Any) -> Any:
    assert model.folder is not None
    named = [str(source) for source in sources]
    return task_named("translate").evaluate(model.folder, named, settings=settings, report=report, progress=Progress())


def test_figures_beside_those_of_both_rivals(translator: Translator, test_pairs: Path) -> None:
    values, words = evaluated(translator, test_pairs)
    rows = [line.split("\t") for line in test_pairs.read_text().splitlines()]
    predicted = translator.predict([source for source, _ in rows])
    wanted = BLEU().corpus_score(predicted, [[target for _, target in rows]]).score
    assert values["scores"]["bleu"]["value"] == pytest.approx(wanted)
    assert values["scores"]["exact_match"]["value"] == pytest.approx(100 * 6 / 7)
    assert {rival["name"] for rival in values["rivals"]} == {"a copy of the source", "a word-by-word dictionary"}
    dictionary = next(rival for rival in values["rivals"] if rival["name"] == "a word-by-word dictionary")
    # Word by word, in the order of the source: right where all digits are alike, or there is one.
    assert dictionary["exact_match"]["value"] == pytest.approx(100 * 2 / 7)
    assert f"model:lstm-{translator.model_hash[:8]}|beam:5|data:" in values["signature"]
    assert "better than" in words.lower() or "no difference" in words.lower()
    assert evaluated(translator, test_pairs, beam_size=1).values["signature"].split("|")[2] == "beam:1"


def test_a_new_translator_knows_its_figures_and_those_of_its_rivals(translator: Translator) -> None:
    found = translator.card["figures"]["valid"]
    valid = data_of(translator).valid
    assert found["sentences"] == found["pairs"] == len(valid) == translator.card["data"]["valid"]["pairs"]
    predicted = translator.predict(valid.source)
    assert found["scores"]["bleu"]["value"] == pytest.approx(BLEU().corpus_score(predicted, [valid.target]).score)
    assert {rival["name"] for rival in found["rivals"]} == {"a copy of the source", "a word-by-word dictionary"}
    first, second, *_ = task_named("translate").summary(translator.card)
    assert (first, second) == (f"valid ({len(valid)} of {len(valid)} pairs)", found["verdict"])


def test_a_large_part_is_sampled_and_without_sacrebleu_there_are_no_figures(
    translator: Translator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = data_of(translator)
    monkeypatch.setattr(evaluation, "SAMPLE", 10)
    found = evaluation.trained_figures(translator, data, progress=Progress())["valid"]
    assert (found["sentences"], found["pairs"]) == (10, len(data.valid))
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    assert evaluation.trained_figures(translator, data, progress=ScreenProgress()) == {}
    assert "there are no figures: BLEU and chrF need sacrebleu" in capsys.readouterr().err


def test_without_the_training_data_the_copy_is_left(translator: Translator, test_pairs: Path, tmp_path: Path) -> None:
    elman.load(translator.folder or "").save(tmp_path / "copy")
    values, words = evaluated(elman.load(tmp_path / "copy"), test_pairs)
    assert [rival["name"] for rival in values["rivals"]] == ["a copy of the source"]
    assert "the word-by-word dictionary was not compared" in words and "no longer says what it was" in words


def test_what_does_not_apply_is_said(translator: Translator, test_pairs: Path) -> None:
    with pytest.raises(UsageError, match="--multi-label does not apply to a translator"):
        evaluated(translator, test_pairs, multi_label=True)


def test_figures_on_the_training_data_say_so(translator: Translator, tmp_path: Path) -> None:
    source, target = write_pairs(tmp_path, count=20)
    values, _ = evaluated(translator, source, target)
    assert any("are also in the training part" in note for note in values["notes"])


def test_attention_finds_the_word_that_is_translated(translator: Translator) -> None:
    texts = ["1 2 3", "4 1", "2"]
    targets = [" ".join(NAMES[each] for each in text.split()[::-1]) for text in texts]
    found = list(translator.attention(texts, targets))
    assert [each.to_json()["alignment"] for each in found] == ["2-0 1-1 0-2", "1-0 0-1", "0-0"]
    alone = next(iter(translator.attention(texts[1:2], targets[1:2])))
    np.testing.assert_allclose(alone.weights, found[1].weights, atol=1e-5)
    assert all((each.weights.sum(axis=1) <= 1 + 1e-6).all() for each in found)
    with pytest.raises(UsageError, match="1 sources and 2 targets"):
        translator.attention(["1"], ["eins", "zwei"])


def test_an_explanation_is_the_attention_of_the_translation(translator: Translator) -> None:
    found = translator.explain("1 2 3")
    assert found.target == ("drei", "zwei", "eins")
    assert [line.split()[:2] for line in str(found).splitlines()] == [["drei", "3"], ["zwei", "2"], ["eins", "1"]]
    files = translator.explanation_files(found)
    assert files["png"].startswith(b"\x89PNG") and b"<svg" in files["svg"] and b"drei" in files["html"]


def test_the_report_has_alignments_of_both_kinds(translator: Translator, test_pairs: Path, tmp_path: Path) -> None:
    evaluated(translator, test_pairs, report=tmp_path / "report")
    attention, counted = (
        (tmp_path / "report" / f"{name}.pharaoh").read_text().splitlines() for name in ("attention", "counted")
    )
    assert len(attention) == len(counted) == 7
    assert attention[:2] == counted[:2] == ["2-0 1-1 0-2", "0-0"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "agree in" in page and "Attention, sentence 3" in page
    assert "tabindex" in (tmp_path / "report" / "attention.html").read_text()


def test_the_verbs_print_and_write(translator: Translator, test_pairs: Path, tmp_path: Path, capsys) -> None:
    from elman.cli.main import main

    def run(*words: object) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        assert not stopped.value.code
        return capsys.readouterr().out

    shown = json.loads(run("evaluate", translator.folder, test_pairs, "--beam-size", 2, "--json"))
    assert shown["sentences"] == 7 and "|beam:2|" in shown["signature"]
    picture = tmp_path / "attention.svg"
    assert run("predict", translator.folder, "1 2", "--picture", picture).split()[0] == "zwei"
    assert "zwei" in picture.read_text()
