"""Taggers from their data to their predictions."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.tagged import read_tagged
from elman.data.word_rules import WordRules
from elman.errors import UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks import fitted_words
from elman.tasks.tag import finishing, job
from elman.tasks.tag.data import TaggedData, read_data
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.objective import chain_of, network_scores, share_of
from elman.tasks.tag.outside import OutsideBias
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.request import TagDataConfig, TagRequest
from elman.training.plan_file import read_plan

SETTINGS: dict[str, Any] = {
    "format": "columns", "embedding_size": 12, "subword_size": 8, "hidden_size": 12, "threads": 1, "precision": "fp32",
    "batch": 8, "rate": 0.02, "updates": 100, "validations": 3, "rival": False,
    "subword_dropout": 0.0, "embedding_dropout": 0.0,
}  # fmt: skip


def agreement(path: Path, *, spans: bool) -> None:
    """A word in -us is tagged by the word behind it: only both directions and characters solve
    it."""
    rng, lines = np.random.default_rng(0), []
    for _ in range(300):
        stem = "".join(rng.choice(list("bcdfglmnprst"), 4))
        word, side = f"{stem}us", str(rng.choice(["left", "right"]))
        tag = f"B-{side}" if spans else side.upper()
        lines += [f"the\tO\n{word}\t{tag}\nof\tO\nthe\tO\n{side}\tO\n\n"]
    path.write_text("".join(lines))


@pytest.fixture
def trained(shared: Any, request: pytest.FixtureRequest) -> Tagger:
    """A tagger of spans with a CRF, or of words with a softmax."""
    spans = request.param == "spans"

    def make(path: Path) -> None:
        path.mkdir()
        agreement(path / "data.conll", spans=spans)
        elman.train(path / "data.conll", task="tag", out=path / "model", **SETTINGS)

    return elman.load(shared(f"tagger-{request.param}", make) / "model")


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans", "words"], indirect=True)
def test_it_learns_what_needs_both_directions_and_characters(trained: Tagger) -> None:
    figures = trained.card["figures"]["valid"]
    assert figures["accuracy"] == 1 and trained.config.crf == (trained.scheme == "BIO")
    tagged = trained.predict("the zzzzus of the right")  # a word that training has not seen
    assert tagged.tags[1] in ("RIGHT", "B-right") and tagged.word_probabilities[1] > 0.6
    assert trained.predict([["the", "zzzzus", "of", "the", "left"]])[0].tags[1] in ("LEFT", "B-left")


@pytest.mark.slow
def test_a_tagger_of_one_direction_knows_nothing_of_later_words(tmp_path: Path) -> None:
    agreement(tmp_path / "data.conll", spans=False)
    settings = {**SETTINGS, "bidirectional": False, "updates": 40}
    elman.train(tmp_path / "data.conll", task="tag", out=tmp_path / "model", **settings)
    model = elman.load(tmp_path / "model")
    left, right = (model.marginals(["the", "zzzzus", "of", "the", side]) for side in ("left", "right"))
    assert (left[:4] == right[:4]).all()


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans", "words"], indirect=True)
def test_sequences_and_probabilities_agree(trained: Tagger) -> None:
    text = "the zzzzus of the right"
    tagged, best = trained.predict(text), trained.n_best(text, 200)
    assert best[0][0] == tagged.tags
    chances = [chance for _, chance in best]
    assert chances == sorted(chances, reverse=True) and sum(chances) == pytest.approx(1, abs=1e-3)
    marginals = trained.marginals(text)
    np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-9)
    own = sum(chance for tags, chance in best if tags[1] == tagged.tags[1])
    assert marginals[1, trained.labels.index(tagged.tags[1])] == pytest.approx(own, abs=1e-3)
    assert trained.tags([tagged.words]) == [tagged.tags]


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_spans_have_their_place_in_the_users_own_text(trained: Tagger) -> None:
    text = "  the  zzzzus of the right"
    (span,) = trained.predict(text).spans
    assert (span.type, span.text, text[span.start : span.end]) == ("right", "zzzzus", "zzzzus")
    assert trained.predict(text).to_json()["spans"][0]["start"] == 7
    assert str(trained.predict(text)) == "  the  [zzzzus]right of the right"
    assert span.probability == pytest.approx(trained.predict(text).word_probabilities[1], abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_evaluation_next_to_the_rivals(trained: Tagger, tmp_path: Path) -> None:
    assert trained.folder is not None
    lines = "the\tO\nzzus\tB-left\nof\tO\nthe\tO\nleft\tO\n\nthe\tO\nqqus\tI-right\nof\tO\nthe\tO\nright\tO\n\n"
    (tmp_path / "test.conll").write_text(lines)
    report = trained.evaluate(tmp_path / "test.conll")
    # The tags of the file as they are: I-right starts a span for conlleval, and for seqeval none.
    assert report.scheme == "BIO" and report.invalid == (1, 0)
    assert report.scores.figures["f1"].value == 1 and report.scores.figures["strict_recall"].value == 1
    assert report.scores.figures["strict_precision"].value == 1 / 2
    assert [rival.name for rival in report.rivals] == ["the most frequent tag"]  # trained with rival=False
    assert report.unknown == 2 and report.signature.startswith("task:tag|model:lstm-")
    (tmp_path / "test.conll").write_text(lines.replace("B-left", "S-left").replace("I-right", "S-right"))
    assert trained.evaluate(tmp_path / "test.conll").invalid == (0, 0)  # read as BIOES
    with pytest.raises(UsageError, match="--lowercase does not apply to a tagger"):
        trained.evaluate(tmp_path / "test.conll", lowercase=True)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_texts_are_cut_into_the_words_of_the_training_part(trained: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "rules", WordRules(suffixes=["n't"]))
    assert trained.predict("that isn't us").words == ("that", "is", "n't", "us")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"that isn't us\n")))
    assert "".join(trained.written(format="columns")).split()[::2] == ["that", "is", "n't", "us"]
    assert trained.folder is not None
    learned = WordRules.fit(list(read_tagged(trained.folder.parent / "data.conll")))
    assert (trained.folder / "word_rules.json").read_bytes() == learned.to_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["words"], indirect=True)
def test_a_learning_curve_ends_with_the_model_itself(trained: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trained.folder is not None
    source = read_plan(trained.folder / "training")["request"]["sources"][0]
    monkeypatch.setattr("elman.evaluation.learning_curve.SHARES", (1 / 32, 1.0))
    report = trained.evaluate(source, learning_curve=True)
    sizes = [trained.card["data"]["train"]["sentences"] // 32, trained.card["data"]["train"]["sentences"]]
    assert [point.examples for point in report.learning_curve] == sizes
    assert any(f"{sizes[1]} of 300 sentences are also in the training part" in note for note in report.notes)
    few, every = (point.figures["accuracy"] for point in report.learning_curve)
    # Training on everything again is the training of the model.
    assert every == report.scores.figures["accuracy"]._asdict() and few["high"] < every["low"]
    trained.keep_in_memory()
    with pytest.raises(UsageError, match="--learning-curve cannot be drawn: the training data is gone"):
        trained.evaluate(source, learning_curve=True)


def test_training_on_a_part_of_the_sentences(tmp_path: Path) -> None:
    agreement(tmp_path / "a.conll", spans=False)

    def read(sentences: int | None) -> TaggedData:
        config = TagDataConfig(format="columns", sentences=sentences)
        request = TagRequest(kind="tagger", sources=(str(tmp_path / "a.conll"),), data=config)
        return read_data(request, progress=Progress())

    every, part = read(None), read(20)
    assert len(part.train) == 20 and part.valid == every.valid and part.hash != every.hash
    assert {each.words for each in part.train} < {each.words for each in every.train}
    with pytest.raises(UsageError, match="sentences is 0; it must be at least 1"):
        TagDataConfig(sentences=0)


@pytest.mark.slow
def test_words_that_only_the_vectors_have_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement(tmp_path / "a.conll", spans=False)
    (tmp_path / "v.txt").write_text("the 1 2\nHouse 3 4\nmouse 5 6\nlouse 7 8\n")
    monkeypatch.setattr(fitted_words, "_MORE_WORDS", 3)
    data = TagDataConfig(format="columns", min_count=2)
    request = TagRequest(
        kind="tagger", sources=(str(tmp_path / "a.conll"),), data=data, vectors=str(tmp_path / "v.txt")
    )
    made = job.new_job(request, folder=tmp_path, progress=Progress())
    assert made.vectors is not None
    ids = made.features.ids(["the", "HOUSE", "Mouse", "louse"])
    assert made.vectors[ids[:3]].tolist() == [[1, 2], [3, 4], [5, 6]] and ids[3] == 0
    counts = dict(zip(made.features.vocabulary.words, made.features.vocabulary.counts, strict=True))
    assert counts["mouse"] == 0 and counts["the"] > 0


def test_what_is_no_text_is_refused() -> None:
    from elman.tasks.tag.model import _words_of

    for wrong in (7, [1], None):
        with pytest.raises(UsageError, match="give strings, or lists of words"):
            _words_of(wrong, WordRules())


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_what_is_taken_from_the_scores_of_words_in_no_span_is_kept(
    trained: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.folder is not None
    folder = tmp_path / "model"
    shutil.copytree(trained.folder, folder)
    request, plan = TagRequest.of_training(trained.folder), TagPlan.from_json(read_plan(folder / "training")["plan"])
    assert request is not None
    again = job.resumed_job(request, folder=folder, config=trained.config, plan=plan, progress=Progress())
    monkeypatch.setattr(finishing, "outside_bias", lambda *_: OutsideBias(3.0, 1.0))
    facts, parity = finishing.write_inference(again)
    assert facts["less_outside"] == 3 and parity["fp32"]["largest_difference"] < 1e-3
    words = [["the", "bbbbus", "of", "the", "left"]]
    before, after = trained.tagger.scores(words)[0], Tagger.load(folder).tagger.scores(words)[0]
    expected = [3 * (name == "O") for name in trained.labels]
    np.testing.assert_allclose(before - after, np.tile(expected, (5, 1)), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_validation_does_not_depend_on_how_readily_spans_are_found(trained: Tagger) -> None:
    import torch

    assert trained.folder is not None
    request, plan = (
        TagRequest.of_training(trained.folder),
        TagPlan.from_json(read_plan(trained.folder / "training")["plan"]),
    )
    assert request is not None
    again = job.resumed_job(request, folder=trained.folder, config=trained.config, plan=plan, progress=Progress())
    objective = again.objective(plan, model_folder.read_arrays(trained.folder / model_folder.WEIGHTS_FILE))
    network: Any = objective.make_network().eval()
    with torch.no_grad():
        for parameter in (network.output.weight, network.output.bias, *network.crf.parameters()):
            parameter *= 0.2
        before = validated(objective, network)
        network.output.bias[trained.labels.index("O")] += 3.0
        scores = validated(objective, network), validated(objective, network, plain=True)
    assert before > 0.9 and scores == (pytest.approx(before, abs=1e-3), 0.0)


def validated(objective: Any, network: Any, *, plain: bool = False) -> float:
    """The figure on the validation part, or F1 without a constant."""
    work = network_scores(network, objective.valid) if plain else objective.validate(network)
    while True:
        try:
            next(work)
        except StopIteration as done:
            if not plain:
                return done.value
            chain = chain_of(network.to_arrays(), len(objective.names), objective._allowed)
            return share_of(chain.best(done.value), objective.valid.tags, objective.names, objective.config.scheme)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_predict_reads_formats_and_ranks_sequences(
    trained: Tagger, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    text, columns = "the zzzzus of the right", b"the\tO\nzzzzus\tO\nof\tO\nthe\tO\nright\tO\n\n"

    def said(*flags: str, given: bytes = columns) -> Any:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        return cli("predict", trained.folder, *flags)

    tagged, best = trained.predict(text), trained.n_best(text, 2)
    lines = said("--n-best", "2", given=text.encode()).out.splitlines()
    assert lines[0] == f"{best[0][1]:.4f}\t{tagged}" and lines[2:] == [""]
    assert lines[1].startswith(f"{best[1][1]:.4f}\t") and lines[1] != lines[0]
    facts = json.loads(said("--n-best", "2", "--json", given=text.encode()).out)
    assert facts["sequences"] == [{"tags": list(tags), "probability": chance} for tags, chance in best]

    assert said("--input-format", "columns").out == f"{tagged}\n"
    written = said("--input-format", "columns", "--format", "conllu").out.splitlines()
    assert [line.split("\t")[1] for line in written if "\t" in line] == text.split()
    assert len(said("--input-format", "text").out.splitlines()) == 6  # each line is a text
    for flags, message in (
        (("--input-format", "columns", "a text"), "--input-format is that of standard input"),
        (("--input-format", "fancy"), "format is 'fancy'"),
        (("--n-best", "2", "--proba", "x"), "two kinds of tables"),
        (("--n-best", "2", "--format", "jsonl", "x"), "--format prints tags alone"),
        (("--n-best", "0", "x"), "n is 0; it must be at least 1"),
    ):
        result = said(*flags)
        assert result.code == 2 and message in result.err and result.err.count("\n") == 1, result.err


@pytest.mark.slow
def test_temperature_of_a_chain() -> None:
    from elman.inference.linear_chain import LinearChain
    from elman.tasks.tag.temperature import fit_chain_temperature

    rng = np.random.default_rng(0)
    chain = LinearChain(3, transitions=rng.normal(size=(3, 3)))
    scores = [rng.normal(size=(6, 3)) for _ in range(150)]
    # Tags drawn from the model itself: it is calibrated, unless its scores are multiplied.
    tags = []
    for own in scores:
        sequences = chain.n_best(own, 3**6)
        chances = np.exp([score for _, score in sequences])
        tags.append(sequences[rng.choice(len(sequences), p=chances / chances.sum())][0])
    assert fit_chain_temperature(chain, scores, tags) == pytest.approx(1, abs=0.15)
    sharper = LinearChain(3, transitions=chain.transitions * 3)
    assert fit_chain_temperature(sharper, [own * 3 for own in scores], tags) == pytest.approx(3, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_prediction_needs_no_torch(trained: Tagger) -> None:
    block = (
        "import sys; sys.modules['torch'] = None; import elman; model = elman.load(sys.argv[1]); "
        "assert 'numba' not in sys.modules; print(model.predict('the zzzzus of the right'))"
    )
    done = subprocess.run([sys.executable, "-c", block, str(trained.folder)], capture_output=True, text=True)
    assert done.stdout == "the [zzzzus]right of the right\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["spans"], indirect=True)
def test_the_command_writes_other_formats_and_probabilities(trained: Tagger, cli: Callable[..., Any]) -> None:
    text = "the zzzzus of the right"
    rows = cli("predict", trained.folder, text, "--format", "columns").out.splitlines()
    assert rows == ["the\tO", "zzzzus\tB-right", "of\tO", "the\tO", "right\tO", ""]
    head, first, *_ = cli("predict", trained.folder, text, "--proba").out.splitlines()
    assert head.split("\t") == ["word", "tag", *trained.labels]
    assert first.split("\t")[:2] == ["the", "O"] and len(first.split("\t")) == 2 + len(trained.labels)
    refused = cli("predict", trained.folder, text, "--format", "columns", "--proba")
    assert "leave out --proba" in refused.err
