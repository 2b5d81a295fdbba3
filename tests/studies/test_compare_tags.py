"""Taggers compared: figures are those of evaluation, gains those of paired differences; sizes,
flags, and the words of the verdict."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman import api
from elman.data.labels import LabelSet
from elman.data.tagged import read_tagged
from elman.errors import TextError, UsageError
from elman.evaluation.tags import tag_difference
from elman.metrics.intervals import Interval
from elman.progress import Progress
from elman.report.compare_page import models_table, write_report
from elman.studies import compare as comparing
from elman.studies.compare_tags import F1, TagComparison, _over_seeds
from elman.studies.compare_verdict import Contender, decide
from elman.studies.compare_worker import PEAK_FILE
from elman.studies.comparison import ComparePlan, TrainingJob
from elman.tasks.tag.data import TaggedData, hold_out
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.request import TagDataConfig

TINY: dict[str, Any] = {
    "embedding_size": 8, "subword_size": 8, "buckets": 64, "hidden_size": 8, "threads": 1, "precision": "fp32",
    "batch": 8, "rate": 0.02, "validations": 3,
}  # fmt: skip


def write(path: Path, seed: int, count: int = 120) -> Path:
    """The tag of `bank` follows from the word behind it, so that one direction must guess."""
    rng, lines = np.random.default_rng(seed), []
    for _ in range(count):
        tag, word = [("LEFT", "river"), ("RIGHT", "money")][rng.integers(2)]
        lines += [f"w{rng.integers(30)}\tX", f"bank\t{tag}", f"{word}\tX", ""]
    path.write_text("\n".join(lines) + "\n")
    return path


def train_here(jobs: Sequence[TrainingJob], *, progress: Progress) -> list[Any]:
    """``train_all`` in this process, with tiny networks."""
    for job in jobs:
        options = {name: value for name, value in job.request.items() if name not in ("sources", "parameters")}
        api.train(*job.request["sources"], **{**options, **TINY})
        (Path(job.request["out"]) / "training" / PEAK_FILE).write_text(json.dumps({"peak_bytes": 10**6}))
    return []


@pytest.mark.slow
def test_figures_and_gains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(comparing, "train_all", train_here)
    train, test = write(tmp_path / "train.conll", 1), write(tmp_path / "test.conll", 2, 40)
    plan = ComparePlan(
        task="tag", sources=(str(train),), test=(str(test),), data=TagDataConfig(format="columns"), epochs=6,
        models=("most-frequent-tag", "softmax", "one-direction"),
    )  # fmt: skip
    found = comparing.compare(plan, tmp_path / "out", progress=Progress())
    models = {model["name"]: model for model in found["models"]}
    assert found["models"][0]["name"] == "softmax" and found["measure"]["key"] == "accuracy"
    assert models["softmax"]["accuracy"]["value"] > 0.95 > models["one-direction"]["accuracy"]["value"]

    sentences = list(read_tagged(test))
    words, truth = [each.words for each in sentences], [each.tags for each in sentences]
    taggers = {name: Tagger.load(Path(models[name]["runs"][0]["folder"])) for name in ("softmax", "one-direction")}
    both, one = (tagger.tags(sentences) for tagger in taggers.values())
    assert taggers["softmax"].config.bidirectional and not taggers["one-direction"].config.bidirectional
    right = sum(tag == other for pair in zip(one, truth, strict=True) for tag, other in zip(*pair, strict=True))
    assert models["one-direction"]["accuracy"]["value"] == pytest.approx(right / 120)
    gain, _ = tag_difference(words, truth, one, both)
    assert models["one-direction"]["gain"] == pytest.approx(gain._asdict())
    worse = found["differences"]["worse_by"]["one-direction"]
    assert (worse["value"], worse["low"]) == pytest.approx((-gain.value, -gain.high))

    rival = models["most-frequent-tag"]
    assert rival["parameters"] is None and not rival["network"] and rival["runs"][0]["counted"]
    assert "gain" not in models["softmax"] and found["verdict"]["use"] == "softmax"
    table = models_table(found)
    assert table[0][:6] == ["model", "accuracy", "95%", "unknown words", "points over softmax (95%)", "parameters"]
    assert table[-1][4] == f"{100 * rival['gain']['value']:+.2f} ({100 * rival['gain']['low']:+.2f} to " + (
        f"{100 * rival['gain']['high']:+.2f})"
    )
    page = write_report(tmp_path / "out", found)[0].read_text(encoding="utf-8")
    assert models["softmax"]["signature"] in page and "Which tagger is best" in page and "paired, over softmax" in page


def test_seeds_are_drawn_again() -> None:
    """The mean over runs at a point; in resamples, the spread of runs is there too."""
    figures = [lambda weights, value=value: np.full(len(weights), value) for value in (0.0, 1.0)]
    mean = _over_seeds(figures, 1)
    assert mean(np.ones((1, 5))) == [0.5]
    drawn = mean(np.ones((4000, 5)))
    assert set(drawn.tolist()) == {0.0, 0.5, 1.0} and drawn.mean() == pytest.approx(0.5, abs=0.03)
    assert drawn.std() == pytest.approx(8**-0.5, abs=0.02)  # of the mean of two draws from 0 and 1


def test_variants_follow_from_what_is_given() -> None:
    names = TagComparison.variants({"vectors": ["v"], "from": ["a", "b"]})
    assert names[-3:] == ("vectors", "language-models", "vectors+language-models")
    plan = ComparePlan(task="tag", sources=("x",), settings={"from": ["a", "b"]}, epochs=1, models=("language-models",))
    comparison = TagComparison(plan)
    comparison._data = TaggedData(LabelSet(("O",), (1,), 1), "BIO", [], [], [], "", ())
    (job,) = comparison.jobs(Path("out"))
    assert job.request["start"] == [str(Path(name).absolute()) for name in "ab"] and job.request["hold_out_test"]
    with pytest.raises(UsageError, match="--vectors names 2 files"):
        TagComparison.variants({"vectors": ["v", "w"]})


@pytest.mark.slow
def test_sizes_for_a_number_of_parameters(tmp_path: Path) -> None:
    plan = ComparePlan(task="tag", sources=(str(write(tmp_path / "t.conll", 1)),), epochs=1, parameters=2_400_000)
    comparison = TagComparison(plan)
    comparison.read(Progress())
    orders = {job.kind: job.request for job in comparison.jobs(tmp_path)}
    assert [kind for kind, order in orders.items() if order["ngrams"]] == ["ngrams"]
    hidden = {kind: TagComparison.sizes(orders[kind], progress=Progress()) for kind in ("softmax", "one-direction")}
    assert hidden["one-direction"]["hidden_size"] > hidden["softmax"]["hidden_size"] > 10
    order = {name: value for name, value in orders["one-direction"].items() if name not in ("parameters", "epochs")}
    tagger = api.train(*order.pop("sources"), **order, **hidden["one-direction"], updates=1, threads=1)
    assert tagger.card["model"]["parameters"] == pytest.approx(2_400_000, rel=0.01)
    with pytest.raises(UsageError, match=r"give --parameters 2\d00000 or more"):
        TagComparison.sizes({**orders["softmax"], "parameters": 1000}, progress=Progress())


def test_a_test_part_is_held_out(tmp_path: Path) -> None:
    sentences = list(read_tagged(write(tmp_path / "t.conll", 1, 300)))
    left, valid = hold_out(sentences)
    train, test = hold_out(left, "test", remainder=1)
    parts = [{each.words for each in part} for part in (train, valid, test)]
    assert sum(map(len, (train, valid, test))) == 300 and all(parts)
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    with pytest.raises(TextError, match="or --test FILE"):
        hold_out(sentences[:3], "test", remainder=1)


def test_the_verdict_of_shares() -> None:
    rival = Contender("most-frequent-tag", 0.5, 0, 0.001, 1.0, network=False, called="the most frequent tag")
    crf = Contender("crf", 0.6, 10**6, 0.1, 60.0, called='"crf"')
    options: dict[str, Any] = {"measure": F1, "training_tokens": 5000, "units": 50, "step": "a word"}
    better = decide([rival, crf], {rival.name: Interval(0.1, 0.05, 0.15)}, **options)
    assert better.words.startswith('Use "crf": 60.00% F1. It is better than the next one, the most frequent tag')
    assert "by 10.00 points (95%: 5.00 to 15.00)" in better.words and "0.1 ms a word" in better.words
    assert "100 times as slow as the most frequent tag" in better.words and "lose 10.00 points of F1" in better.words
    # 0.1 of the 0.4 that are errors: less than 30% of them.
    assert decide([rival, crf], {rival.name: Interval(0.1, 0.05, 0.15)}, matters=0.3, **options).use == rival.name


def test_flags_of_other_tasks_are_refused(cli: Callable[..., Any], tmp_path: Path) -> None:
    for more, said in (
        (("--task", "outcome"), "--task is 'outcome', which has no comparison; choose among: language, tag"),
        (("--scheme", "BIO"), "--scheme does not apply to --task language"),
        (("--task", "tag", "--level", "char"), "--level does not apply to --task tag"),
        (("--from", "lm"), "--from does not apply to --task language"),
        (("--task", "classify"), "--task classify apply with --vectors only"),
        (("--task", "tag", "--models", "crf,lstm"), "'lstm' is not known; choose among: most-frequent-tag"),
    ):
        result = cli("compare", "text", "--out", tmp_path / "out", *more)
        assert result.code == 2 and said in result.err and result.err.count("\n") == 1, result.err
