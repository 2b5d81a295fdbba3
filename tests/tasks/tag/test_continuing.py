"""A tagger that goes on: the same words, tags and validation part; old data read again; nothing
forgotten unsaid."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.stopping import StopAfter
from tests.tasks.tag.test_tag import SETTINGS, agreement

import elman
from elman.errors import Interrupted, UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.tag.continuing import ContinuedJob, continued_job
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.request import TagDataConfig, TagRequest


@pytest.fixture
def base(shared: Any) -> Path:
    """The folder of a tagger of spans in BIO, next to its data."""

    def make(path: Path) -> None:
        path.mkdir()
        agreement(path / "data.conll", spans=True)
        settings = {**SETTINGS, "updates": 30, "field": "last", "format": "auto"}
        elman.train(path / "data.conll", task="tag", out=path / "model", **settings)

    return shared("tagger-to-go-on", make)


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    """Ann is left, which the tagger cannot know."""
    path = tmp_path / "corrections.jsonl"
    lines = [{"text": f"the Ann of {word}", "spans": [{"start": 4, "end": 7, "label": "left"}]} for word in "abcdef"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def job_of(base: Path, *sources: Path, valid: tuple[str, ...] = (), **settings: Any) -> ContinuedJob:
    data = TagDataConfig(**{name: settings.pop(name) for name in ("field", "scheme") if name in settings})
    request = TagRequest(kind="tagger", sources=tuple(map(str, sources)), valid=valid, data=data, threads=1, **settings)
    return continued_job(request, folder=base / "none", start=base / "model", progress=Progress())


@pytest.mark.slow
def test_what_is_kept(base: Path, corrections: Path) -> None:
    old = elman.load(base / "model")
    assert isinstance(old, Tagger)
    job = job_of(base, corrections, base / "data.conll")
    assert job.static_files() == model_folder.static_files(base / "model")
    assert job.config == old.config and job.features is job.tagger.tagger.features
    # The part that was held out then, found again by its hash, is neither learned nor changed.
    assert job.data.about()["valid"]["hash"] == old.card["data"]["valid"]["hash"]
    assert job.before["f1"] == pytest.approx(old.card["figures"]["valid"]["f1"])
    measured = {sentence.words for sentence in job.data.valid}
    assert not measured & {sentence.words for sentence in job.data.train}
    assert job.new == 6 and [sentence.tags[1] for sentence in job.data.train[:72]] == ["B-left"] * 72
    assert len(job.data.train) == 12 * 6 + old.card["data"]["train"]["sentences"]
    alone = job_of(base, corrections)
    assert len(alone.data.train) == 6 and len(alone.data.valid) == len(job.data.valid)
    assert "alone" in alone.data.notes[-1]


@pytest.mark.slow
def test_other_schemes_and_parts(base: Path, corrections: Path, tmp_path: Path) -> None:
    other = tmp_path / "bioes.conll"
    other.write_text("the\tO\nBob\tS-left\n\n")
    job = job_of(base, other, corrections, valid=(str(other),), scheme="auto")
    assert job.data.train[0].tags == ("O", "B-left") and [each.words for each in job.data.valid] == [("the", "Bob")]
    assert "1 new sentences are in the validation part too" in " ".join(job.data.notes)


@pytest.mark.slow
def test_what_is_refused(base: Path, corrections: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    new.write_text('{"text": "the Ann", "spans": [{"start": 4, "end": 7, "label": "cat"}]}\n')
    with pytest.raises(UsageError, match=r"new.jsonl, line 1: tag 'B-cat' is new to the tagger, which knows: B-left"):
        job_of(base, new)
    with pytest.raises(UsageError, match="has been trained on all of these files"):
        job_of(base, base / "data.conll")
    for settings, words in (
        ({"hidden_size": 99}, "--from keeps the sizes of .*, where hidden_size is 12; leave out --hidden-size"),
        ({"vectors": "x.vec"}, "leave out --vectors"),
        ({"min_count": 3}, "leave out --min-count"),
    ):
        with pytest.raises(UsageError, match=words):
            elman.train(corrections, start=base / "model", out=tmp_path / "no", **settings)
    assert not (tmp_path / "no").exists()


@pytest.mark.slow
def test_it_learns_and_resumes(base: Path, corrections: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"threads": 1, "precision": "fp32", "rate": 0.02, "updates": 60}
    said: list[str] = []

    class Told(Progress):
        def say(self, text: str) -> None:
            said.append(text)

    sources = [corrections, base / "data.conll"]
    before = elman.load(base / "model").tags([["the", "Ann", "of", "z"]])[0]
    new = elman.train(*sources, start=base / "model", out=tmp_path / "new", progress=Told(), **settings)
    assert before[1] != "B-left" and new.tags([["the", "Ann", "of", "z"]])[0][1] == "B-left"
    figures = new.card["figures"]
    assert figures["valid before"]["f1"] == elman.load(base / "model").card["figures"]["valid"]["f1"]
    wanted = f"{100 * figures['valid before']['f1']:.2f}% before, {100 * figures['valid']['f1']:.2f}% after"
    assert any(wanted in each for each in said)
    assert new.card["data"]["new"] == 6 and new.card["from"]["folder"] == str(base / "model")
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(31))
        with pytest.raises(Interrupted):
            elman.train(*sources, start=base / "model", out=tmp_path / "parts", **settings)
    resumed = elman.resume(tmp_path / "parts")
    assert resumed.card["figures"] == new.card["figures"]
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("new", "parts")]
    assert weights[0] == weights[1]
    # It goes on once more, with the same validation part, after the file of corrections has grown.
    corrections.write_text(corrections.read_text() * 2)
    again = elman.train(corrections, start=tmp_path / "new", out=tmp_path / "again", **{**settings, "updates": 2})
    assert again.card["data"]["valid"]["hash"] == new.card["data"]["valid"]["hash"]
    assert again.card["figures"]["valid before"] == figures["valid"] and again.card["data"]["new"] == 12
