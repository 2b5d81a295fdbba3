"""elman xray on every kind of model: numbers, words, the page, mistakes."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.cli.main import main

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def small(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain RNN that was trained with --xray."""
    folder = tmp_path_factory.mktemp("xray") / "rnn"
    elman.train(
        text_file, out=folder, model="rnn", updates=120, layers=2, embedding_size=8, hidden_size=12, tied=False,
        batch=4, bptt=10, validations=3, threads=1, xray=True,
    )  # fmt: skip
    return folder


@pytest.mark.slow
def test_a_network(cli: Call, lstm_folder: Path, text_file: Path) -> None:
    sentence = ("--sentence", "Anna sees the old house at night.")
    words = ("xray", lstm_folder, text_file, "--lags", "40", "--positions", "6", *sentence)
    shown = cli(*words)
    assert shown.code == 0, shown.err
    assert re.search(r"^The gradient is (vanishing|healthy|exploding): \d+ tokens? back", shown.out, re.MULTILINE)
    assert "effective memory" in shown.out and "Units that remember longest" in shown.out
    assert re.search(r"^house +\d", shown.out, re.MULTILINE)
    found = json.loads(cli(*words, "--json").out)
    assert set(found) == {
        "model", "text", "curves", "influence", "saturation", "units", "sentence", "course", "clipped", "words",
        "threshold", "files",
    }  # fmt: skip
    assert [(curve["name"], curve["trained"]) for curve in found["curves"]] == [
        ("lstm", True), ("rnn", False), ("rnn-relu", False), ("gru", False), ("lstm", False)
    ]  # fmt: skip
    assert all(len(curve["share"][1]) == 41 and curve["share"][1][0] == 1 for curve in found["curves"])
    # What the words say is what the numbers show.
    own = found["curves"][0]
    below = [lag for lag, share in enumerate(own["share"][1]) if share < 0.01]
    if own["case"]["case"] == "vanishing":
        assert abs(own["case"]["gone"] - below[0]) <= 2
    assert {each["gate"]: each["meaning"] for each in found["saturation"]} == {
        "i": "input gate", "f": "forget gate", "o": "output gate"
    }  # fmt: skip
    assert found["sentence"]["tokens"][0] == "Anna" and len(found["sentence"]["gates"]) == 2
    assert found["influence"]["memory"] <= found["influence"]["reach"] <= 40


@pytest.fixture(scope="module")
def examined(small: Path) -> tuple[Path, str, str]:
    """The folder with its page, and what `elman xray` says of it on stdout and on stderr."""
    out = small.parent / "out"
    words = ("xray", small, "--lags", "20", "--positions", "5", "--out", out, "--forget-bias", "30")
    with (
        redirect_stdout(io.StringIO()) as shown,
        redirect_stderr(io.StringIO()) as talk,
        pytest.raises(SystemExit) as stopped,
    ):
        main([str(word) for word in words])
    assert not stopped.value.code, talk.getvalue()
    return out, shown.getvalue(), talk.getvalue()


@pytest.mark.slow
def test_its_own_validation_text_and_its_training(examined: tuple[Path, str, str]) -> None:
    out, shown, talk = examined
    assert "reading the validation text of the model card" in talk
    assert "A plain RNN has no gates" in shown and "At the end of training it was" in shown
    assert "Its weights allow" in shown and "lstm, forget bias for 30, fresh" in shown
    page = (out / "xray.html").read_text()
    for title in ("Gradient by lag", "During training", "Influence by lag", "Each token and the next ones"):
        assert f"<h2>{title}</h2>" in page
    assert not re.search(r'(src|href)="(?!#|data:)', page) and page.count("<svg") == 9
    assert len(set(re.findall(r'\bid="([^"]*)"', page))) == len(re.findall(r'\bid="([^"]*)"', page))
    names = {path.name for path in out.iterdir()}
    assert {"xray.html", "gradient.svg", "gradient.png", "course.png", "influence.svg", "gates-2.png"} <= names
    assert "#1b1d1f" not in re.sub(r"<style>.*?</style>", "", page, count=1, flags=re.DOTALL).lower()


@pytest.fixture(scope="module")
def windowed(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gated convolution that sees two layers of three tokens: five."""
    folder = tmp_path_factory.mktemp("xray") / "conv"
    elman.train(
        text_file, out=folder, model="conv", updates=60, layers=2, window=3, embedding_size=8, hidden_size=12, batch=4,
        bptt=10, threads=1,
    )  # fmt: skip
    return folder


@pytest.mark.slow
def test_a_window_ends_what_is_seen(cli: Call, windowed: Path, text_file: Path) -> None:
    words = ("xray", windowed, text_file, "--lags", "12", "--positions", "6")
    found = json.loads(cli(*words, "--json").out)
    assert found["curves"] == [] and found["influence"]["reach"] <= 5
    assert found["words"][0].startswith("A conv network sees only its window: no gradient")
    shown = cli(*words, "--forget-bias", "20")
    assert shown.code == 2 and "--forget-bias compares a fresh LSTM" in shown.err
    text = ("train", text_file, "--out", windowed.parent / "no", "--updates", "2")
    for kind, flags, said in (
        ("conv", ("--xray",), "--xray records gradients through time"),
        ("conv", ("--window", "1"), "window is 1; it must be at least 2"),
        ("lstm", ("--window", "5"), "window does not apply to lstm"),
        ("conv", ("--heads", "2"), "heads do not apply to conv"),
        ("transformer", ("--heads", "0"), "heads is 0; it must be at least 1"),
        ("transformer", ("--no-skip",), "leave out --no-skip"),
        ("feed-forward", ("--input", "one-hot"), "one-hot input is for recurrent cells"),
        ("conv", ("--weight-drop", "0.2"), "has no hidden-to-hidden weights"),
    ):
        shown = cli(*text, "--model", kind, *flags)
        assert shown.code == 2 and said in shown.err, shown.err


@pytest.mark.slow
@pytest.mark.parametrize("source", ["folder", "arpa"])
def test_an_ngram_has_only_its_influence(source: str, cli: Call, text_file: Path, tmp_path: Path) -> None:
    model = elman.train(text_file, out=tmp_path / "words", model="ngram", order=3, pretokenized=True)
    path = tmp_path / "words"
    if source == "arpa":
        path = tmp_path / "lm.arpa"
        model.export(path)
    shown = cli("xray", path, text_file, "--positions", "60", "--lags", "8", "--out", tmp_path / "out", "--json")
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    assert found["curves"] == found["saturation"] == found["units"] == []
    assert found["influence"]["reach"] == 2
    assert "not a recurrent network by itself" in found["words"][0]
    assert "<h2>Gradient by lag</h2>" not in (tmp_path / "out" / "xray.html").read_text()


@pytest.mark.slow
def test_hostile_text_stays_text(cli: Call, ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    line = "Anna <script>alert(1)</script> $x^2$ & 猫"
    shown = cli("xray", ngram_folder, text_file, "--sentence", line, "--lags", "12", "--out", tmp_path / "out")
    assert shown.code == 0, shown.err
    page = (tmp_path / "out" / "xray.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


@pytest.mark.slow
def test_the_page_fits_a_phone(examined: tuple[Path, str, str], browser: Any) -> None:
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 800})
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto((examined[0] / "xray.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width and said == []
        widths = page.evaluate("[...document.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect().width)")
        assert len(widths) > 5 and min(widths) > 0.75 * min(width, 608)
        page.close()


@pytest.mark.slow
def test_a_task(cli: Call, tmp_path: Path) -> None:
    words = ("xray", "--task", "brackets", "--lags", "2,4", "--updates", "4", "--out", tmp_path / "out")
    shown = cli(*words)
    assert shown.code == 0, shown.err
    assert "lag 2" in shown.out and "Lags solved" in shown.out and "lstm-chrono" in shown.out
    assert "<svg" in (tmp_path / "out" / "xray.html").read_text() and (tmp_path / "out" / "task-brackets.png").exists()


def test_minutes_and_seeds_reach_the_trials(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}

    def trials(task: Any, **settings: Any) -> None:
        told.update(settings, task=task.name)
        raise elman.errors.UsageError("enough")

    monkeypatch.setattr("elman.studies.xray_training.run_trials", trials)
    cli("xray", "--task", "recall", "--minutes", "0.5", "--seeds", "3")
    assert told["task"] == "recall" and told["lags"] == [5, 10, 20, 50] and list(told["seeds"]) == [1, 2, 3]
    assert told["minutes"] == 0.5 and told["updates"] is None
    cli("xray", "--task", "adding")
    assert told["minutes"] == 2.0 and list(told["seeds"]) == [1]


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "no model was given"),
        (("nowhere",), "nowhere does not exist"),
        (("--task", "sorting"), "it must be one of: recall, brackets, agreement, adding"),
        (("--task", "recall", "--lags", "far"), "--lags is 'far'"),
        (("--task", "recall", "--seeds", "0"), "--seeds is 0"),
        (("--task", "recall", "--minutes", "-1"), "--minutes is -1"),
        (("NGRAM", "--task", "recall"), "leave out MODEL"),
        (("NGRAM", "TEXT", "--lags", "5,10"), "give one number"),
        (("NGRAM", "TEXT", "--lags", "1"), "--lags is 1"),
        (("NGRAM", "TEXT", "--positions", "0"), "--positions is 0"),
        (("NGRAM", "TEXT", "--seeds", "2"), "to --task only"),
        (("NGRAM", "TEXT", "--sentence", "quux zyzzyva"), "knows no word"),
        (("NGRAM", "missing.txt"), "missing.txt"),
        (("NGRAM", "SHORT"), "the text has"),
        (("NGRAM", "TEXT", "--out", "FULL"), "not an empty folder"),
    ],
)  # fmt: skip
def test_mistakes(
    words: tuple[str, ...], said: str, cli: Call, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "short.txt").write_text("Anna sees the old house.\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("mine")
    names = {"NGRAM": ngram_folder, "TEXT": text_file, "SHORT": tmp_path / "short.txt", "FULL": tmp_path / "full"}
    result = cli("xray", *(names.get(word, word) for word in words))
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1, result.err


@pytest.mark.slow
def test_without_torch_predictions_can_still_be_looked_at(lstm_folder: Path, text_file: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from elman.cli.main import main\n"
        f"main(['xray', {str(lstm_folder)!r}, {str(text_file)!r}, '--lags', '12', '--positions', '5'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "torch is not installed" in done.stderr and "effective memory is" in done.stdout
    assert "only torch gives its gradient" in done.stdout and "The gradient k tokens back" not in done.stdout
