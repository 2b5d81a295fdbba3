"""Text classification from end to end: data good and bad, starts, figures, prediction without
torch."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from tests.contracts.task_samples import labelled_texts
from tests.stopping import StopAfter

import elman
from elman.data.labels import LabelSet
from elman.errors import Interrupted, TextError, UsageError
from elman.models.classifier import Classifier
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.classify.job import new_job
from elman.tasks.classify.objective import class_weights
from elman.tasks.classify.request import ClassifyRequest
from elman.training.training import Training

SMALL: dict[str, Any] = {
    "task": "classify", "threads": 1, "precision": "fp32", "embedding_size": 8, "hidden_size": 6, "batch": 8,
    "rate": 0.02, "validations": 3, "rival": False,
}  # fmt: skip


class Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    labelled_texts(path, 1, count=300)
    return path


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    test = tmp_path_factory.mktemp("data") / "test.csv"
    labelled_texts(test, 2, count=60)
    out = tmp_path_factory.mktemp("model") / "model"
    elman.train(data, test=test, out=out, **{**SMALL, "rival": True, "updates": 150})
    return out


def test_it_learns_and_says_what_the_rivals_reach(folder: Path) -> None:
    card = elman.load(folder).card
    figures = card["figures"]["test"]
    assert figures["scores"]["accuracy"]["value"] > 0.95
    assert [rival["name"] for rival in figures["rivals"]][-1] == "the most frequent label"
    assert figures["rivals"][0]["name"] == "TF-IDF with logistic regression"
    assert "TF-IDF" in figures["verdict"] and figures["signature"].startswith("task:classify|model:lstm-")
    assert card["inference"]["precision"] in ("int8", "int8+fp32")
    assert set(card["calibration"]) == {"temperature", "ngrams", "error_before", "error_after"}


def test_figures_are_those_of_scikit_learn(folder: Path, data: Path, tmp_path: Path) -> None:
    model = elman.load(folder)
    rows = [line.split(",", 1) for line in data.read_text().splitlines()[1:]]
    # Half of the labels wrong, so that figures are not all 1.
    wrong = [("good" if label == "bad" else "bad") if number % 2 else label for number, (label, _) in enumerate(rows)]
    lines = [f"{label}\t{text}" for label, (_, text) in zip(wrong, rows, strict=True)]
    (tmp_path / "half.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n")
    report = model.evaluate(tmp_path / "half.tsv", rival=False).to_json()
    predicted = model.predict([text for _, text in rows])
    assert report["scores"]["accuracy"]["value"] == accuracy_score(wrong, predicted)
    assert report["scores"]["macro_f1"]["value"] == f1_score(wrong, predicted, average="macro")


def test_predictions_are_the_networks_with_a_share_of_the_ngrams(folder: Path) -> None:
    model = elman.load(folder)
    texts = ["a fine film", "awful", "", "the dull film is dull", "lovely lovely lovely"]
    network = Classifier(model.config, model.tokenizer.size, len(model.labels))
    network.load_arrays(model_folder.read_arrays(folder / "model.safetensors"))
    with torch.no_grad():
        logits = [
            network.logits(torch.from_numpy(np.array([row], np.int64)), torch.tensor([len(row)]))[0]
            for row in model.encode(texts)
        ]
    assert model.ngrams is not None and 0 <= model.share <= 1
    linear = torch.from_numpy(model.ngrams.logits(texts))
    both = (1 - model.share) * torch.stack(logits) + model.share * linear
    wanted = both.double().div(model.temperature).softmax(1).numpy()
    np.testing.assert_allclose(model.predict_proba(texts), wanted, atol=0.03)  # 8 bits
    assert model.predict(texts) == [model.labels[k] for k in wanted.argmax(1)]
    assert model.predict("a fine film") == "good"


@pytest.mark.slow
def test_prediction_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import elman; print(elman.load(sys.argv[1]).predict('a fine film'))"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert done.stdout == "good\n", done.stderr


def test_the_command_predicts_texts_and_lines(folder: Path, cli: Callable[..., Any]) -> None:
    shown = cli("predict", folder, "a fine film", "awful")
    assert [line.split("\t")[0] for line in shown.out.splitlines()] == ["good", "bad"]
    found = [json.loads(line) for line in cli("predict", folder, "fine", "--json").out.splitlines()]
    assert found[0]["labels"] == ["good"] and sum(found[0]["probabilities"].values()) == pytest.approx(1)
    head, row = cli("predict", folder, "fine", "--proba").out.splitlines()
    assert head == "label\tbad\tgood" and row.startswith("good\t")


@pytest.mark.slow
def test_the_command_evaluates(folder: Path, data: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    shown = cli("evaluate", folder, data, "--report", tmp_path / "page")
    assert shown.code == 0 and "true \\ predicted" in shown.out and "signature: task:classify" in shown.out
    assert (tmp_path / "page").is_dir() and list((tmp_path / "page").glob("*.png"))
    assert cli("evaluate", folder, data, "--json").out.startswith("{")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{"pooling": "last", "model": "gru", "bidirectional": False}, {"pooling": "mean", "input": "one-hot"},
     {"pooling": "max", "level": "char"}, {"pooling": "attention", "level": "subword"}, {"bag": True, "layers": 2},
     {"model": "mingru"}],
)  # fmt: skip
def test_every_pooling_and_other_networks_and_tokens_learn(
    settings: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    """By themselves: the linear part alone would be right too."""
    how = {**SMALL, "ngrams": False, "updates": 60, "rate": 0.05, **settings}
    model = elman.train(data, out=tmp_path / "m", **how)
    assert model.card["figures"]["valid"]["scores"]["accuracy"]["value"] > 0.8


@pytest.mark.slow
def test_several_labels_a_text(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(3), []
    for _ in range(300):
        has = [bool(rng.integers(2)), bool(rng.integers(2))]
        words = [f"w{rng.integers(30)}", *(["sun"] if has[0] else []), "or", *(["rain"] if has[1] else [])]
        labels = [name for name, there in zip(("dry", "wet"), has, strict=True) if there]
        rows.append(json.dumps({"text": " ".join(words), "label": labels}))
    (tmp_path / "weather.jsonl").write_text("\n".join(rows))
    settings = {**SMALL, "multi_label": True, "updates": 150}
    model = elman.train(tmp_path / "weather.jsonl", out=tmp_path / "m", **settings)
    assert model.predict(["w1 sun or rain", "w2 or", "w3 or rain"]) == [("dry", "wet"), (), ("wet",)]
    assert model.card["figures"]["valid"]["headline"] == "micro_f1"


@pytest.mark.slow
def test_a_language_model_is_the_start_and_its_layers_wait(data: Path, text_file: Path, tmp_path: Path) -> None:
    lm = tmp_path / "lm"
    elman.train(text_file, out=lm, updates=5, layers=2, embedding_size=8, hidden_size=6, threads=1, batch=4, bptt=8)
    progress = Progress()
    request = ClassifyRequest.of(
        kind="classifier", sources=(str(data),), updates=20, threads=1, precision="fp32",
        settings={"cell": "lstm", "frozen": 0.5, "lower_rate": 0.5, "batch": 8},
    )  # fmt: skip
    job = new_job(request, folder=tmp_path / "none", start=lm, progress=progress)
    start = job.first_weights()
    old = model_folder.read_arrays(lm / "model.safetensors")
    assert np.array_equal(start["embedding.weight"], old["embedding.weight"])
    assert np.array_equal(start["forward.layers.1.weight_hh"], old["stack.layers.1.weight_hh"])
    plan = job.plan.replace(device="cpu")
    training = Training(job.objective(plan, start), plan)
    moved: dict[str, int] = {}
    for update in range(20):
        before = {name: p.detach().clone() for name, p in training.network.named_parameters()}
        training.update()
        for name, parameter in training.network.named_parameters():
            if name not in moved and not torch.equal(before[name], parameter):
                moved[name] = update
    layers = [moved[f"forward_stack.layers.{layer}.weight_hh"] for layer in (1, 0)]
    # Half of 20 updates for three steps: the upper layer after a third of them, then the lower one,
    # then embeddings.
    assert moved["output.weight"] == 0 and layers == [4, 7] and moved["embedding.weight"] == 10
    rates = {group["factor"] for optimizer in training.optimizers for group in optimizer.param_groups}
    assert rates == {1.0, 0.5, 0.25, 0.125}


def test_vectors_are_the_start(data: Path, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("fine 1 2 3\nawful -1 -2 -3\nnothing 0 0 0\n")
    said = Said()
    settings = {**SMALL, "updates": 4, "vectors": str(tmp_path / "vectors.txt")}
    del settings["embedding_size"]
    model = elman.train(data, out=tmp_path / "m", progress=said, **settings)
    table = model_folder.read_arrays(tmp_path / "m" / "model.safetensors")["embedding.weight"]
    scale = 0.5 / np.std([1, 2, 3, -1, -2, -3])
    for word, vector in (("fine", [1, 2, 3]), ("awful", [-1, -2, -3]), ("nothing", [0, 0, 0])):
        np.testing.assert_allclose(table[model.tokenizer.encode(word).ids[0]], scale * np.array(vector), rtol=1e-5)
    assert "vectors: 3 of " in said.text
    with pytest.raises(UsageError, match="has no vector for any of the words"):
        (tmp_path / "other.txt").write_text("katze 1 2\n")
        elman.train(data, out=tmp_path / "n", **{**settings, "vectors": str(tmp_path / "other.txt")})


def test_class_weights_are_said_and_are_shares_turned_over(tmp_path: Path) -> None:
    weights = class_weights(np.array([0] * 90 + [1] * 5 + [2] * 5), 3, "auto")
    assert weights is not None
    np.testing.assert_allclose(weights, [100 / 270, 100 / 15, 100 / 15], rtol=1e-6)
    assert class_weights(np.array([0, 0, 1]), 2, "auto") is None
    good, bad = ([f"{word} film {number}" for number in range(count)] for word, count in (("fine", 120), ("awful", 6)))
    rows = ["label,text", *(f"good,{text}" for text in good), *(f"bad,{text}" for text in bad)]
    (tmp_path / "skewed.csv").write_text("\n".join(rows) + "\n")
    said = Said()
    elman.train(tmp_path / "skewed.csv", out=tmp_path / "m", progress=said, **{**SMALL, "updates": 2})
    assert "unbalanced labels: rare ones count more (bad " in said.text


def test_bad_data_is_said_in_one_line(tmp_path: Path, cli: Callable[..., Any], data: Path) -> None:
    def train(rows: list[str], *flags: str) -> Any:
        (tmp_path / "d.csv").write_text("\n".join(rows) + "\n")
        out = tmp_path / "m"
        return cli("train", tmp_path / "d.csv", "--task", "classify", "--out", out, "--updates", "1", *flags)

    missing = train(["stars,review", "1,good"], "--label", "mark", "--text", "review")
    assert missing.code == 2 and "'mark'" in missing.err and "stars, review" in missing.err
    one = train(["label,text", *["good,fine"] * 30])
    assert one.code == 2 and "every example has the label 'good'" in one.err
    assert not (tmp_path / "m").exists()
    none = train(["label,text", ",fine"])
    assert none.code == 2 and "none of 1 rows has a label" in none.err
    wrong = cli("train", data, "--task", "sort", "--out", tmp_path / "m")
    assert wrong.code == 2 and "it must be one of: language, classify" in wrong.err
    ngram = cli("train", data, "--task", "classify", "--model", "ngram", "--out", tmp_path / "m")
    assert ngram.code == 2 and "for classify it must be a cell" in ngram.err


def test_odd_rows_are_counted_and_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{rng.choice(['a', 'b'])},text number {number}" for number in range(60)]
    (tmp_path / "d.csv").write_text("\n".join(["label,text", *rows, ",no label", "rare,once"]) + "\n")
    (tmp_path / "t.csv").write_text("\n".join(["label,text", rows[0], "new,unknown label", "a,fresh"]) + "\n")
    said = Said()
    settings = {**SMALL, "updates": 1, "test": tmp_path / "t.csv", "valid": tmp_path / "t.csv"}
    model = elman.train(tmp_path / "d.csv", out=tmp_path / "m", progress=said, **settings)
    assert "62 rows read, 1 without a label left out" in said.text
    assert "1 label was seen once in training" in said.text and "'rare'" in said.text
    assert "1 of 3 texts of the test part also stand in the training part" in said.text
    assert "labels of the test part that training does not have, left out: 'new' (1)" in said.text
    assert model.labels == ("a", "b", "rare")


@pytest.mark.slow
def test_ten_thousand_labels(tmp_path: Path) -> None:
    rows = [f"label{number % 10_000},text {number}" for number in range(20_000)]
    (tmp_path / "d.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    (tmp_path / "v.csv").write_text("\n".join(["label,text", *rows[:50]]) + "\n")
    settings = {**SMALL, "updates": 2, "valid": tmp_path / "v.csv", "test": tmp_path / "v.csv"}
    model = elman.train(tmp_path / "d.csv", out=tmp_path / "m", **settings)
    assert len(model.labels) == 10_000 and model.predict_proba(["text 1"]).shape == (1, 10_000)


@pytest.mark.slow
def test_labels_that_would_take_gigabytes_are_refused(tmp_path: Path) -> None:
    rows = [f"id{number % 20_000},text {number}" for number in range(40_000)]
    (tmp_path / "d.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    with pytest.raises(
        UsageError, match=r"20,000 labels and 4,000 examples to measure on would take 3\.2 GB of memory"
    ):
        elman.train(tmp_path / "d.csv", out=tmp_path / "m", **{**SMALL, "updates": 1})


@pytest.mark.parametrize("valid", [True, False])
def test_evaluating_on_the_training_file_is_said(
    data: Path, tmp_path: Path, cli: Callable[..., Any], valid: bool
) -> None:
    other = tmp_path / "other.csv"
    labelled_texts(other, 5, count=40)
    elman.train(data, out=tmp_path / "m", **SMALL, updates=1, **({"valid": other} if valid else {}))
    said = "the model was trained on most of these examples"
    assert said in cli("evaluate", tmp_path / "m", data).out
    found = cli("evaluate", tmp_path / "m", other)
    assert said not in found.out
    assert (found.out + found.err).count("taking the text from 'text'") == 1


def test_labels_come_from_the_training_part_alone(folder: Path) -> None:
    labels = LabelSet.from_bytes(model_folder.static_files(folder)["labels.json"])
    assert labels.names == ("bad", "good") and labels.examples == sum(labels.counts) < 300


def test_a_classifier_is_no_language_model(folder: Path, cli: Callable[..., Any]) -> None:
    for words in (
        ("complete", folder, "the"),
        ("score", folder),
        ("generate", folder),
        ("export", folder, "--to", "arpa", "--out", "x.arpa"),
    ):
        found = cli(*words)
        assert found.code == 2 and "is not a language model but of task classify" in found.err, words
    with pytest.raises(TextError):
        elman.train(folder / "nothing.csv", task="classify")


def test_an_unfinished_or_torn_folder_is_told_of(folder: Path, data: Path, tmp_path: Path, cli: Callable[..., Any],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(5))
        with pytest.raises(Interrupted):
            elman.train(data, out=tmp_path / "cut", updates=20, **SMALL)
    shown = cli("info", tmp_path / "cut")
    assert shown.code == 0 and "training    not finished; resume with" in shown.out
    shutil.copytree(folder, tmp_path / "torn")
    (tmp_path / "torn" / "model_card.json").unlink()
    refused = cli("predict", tmp_path / "torn", "a fine film")
    assert refused.code == 2 and "with it the calibration of the answers" in refused.err


def test_unknown_labels_in_evaluation_are_named(folder: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    (tmp_path / "new.csv").write_text("label,text\nsuperb,a film\n")
    shown = cli("evaluate", folder, tmp_path / "new.csv")
    assert shown.code == 2 and "'superb'" in shown.err and "it knows: 'bad', 'good'" in shown.err


def test_an_endless_text_costs_what_is_read_of_it(folder: Path) -> None:
    model = elman.load(folder)
    long = "fine " * 2_000_000
    assert len(model.encode([long])[0]) == model.config.max_tokens
    assert model.predict(["x" * 30_000_000 + " fine"]) == model.predict(["x fine"])
