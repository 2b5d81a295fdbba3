"""elman compare from end to end: stopped, gone on with, judged, reported; killed; a failure among
others; bad input.
"""

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.forked import Forked
from tests.in_process import train_here
from tests.stopping import StopAfter

from elman.cli.main import main
from elman.errors import Interrupted, TrainingError
from elman.progress import Progress
from elman.report.curve import read_log
from elman.studies.compare_training import train_all
from elman.studies.comparison import TrainingJob
from elman.training.lock import alone


def wait_for(found: Any, *, seconds: float = 120.0) -> None:
    begin = time.monotonic()
    while not found():
        assert time.monotonic() - begin < seconds, "it never came"
        time.sleep(0.005)


def until_the_network(job: TrainingJob, **talk: Any) -> None:
    if job.order is None:
        raise Interrupted("before the network")
    train_here(job, **talk)


@pytest.fixture(scope="module")
def compared(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """A comparison that was stopped before its network and again in the midst of it, and then
    resumed: folder, figures and talk.
    """
    out = tmp_path_factory.mktemp("compare") / "out"
    words = [
        "compare", str(text_file), "--out", str(out), "--models", "rnn,ngram", "--epochs", "8", "--parameters", "6000",
        "--document", "block", "--json",
    ]  # fmt: skip
    training = "elman.studies.compare_training._run"
    talk = ""
    for stops in (
        [patch(training, until_the_network)],
        [patch(training, train_here), patch("elman.training.loop.StopRequest", lambda progress: StopAfter(40))],
        [patch(training, train_here)],
    ):
        with ExitStack() as patched:
            for each in stops:
                patched.enter_context(each)
            shown = patched.enter_context(redirect_stdout(io.StringIO()))
            talk = patched.enter_context(redirect_stderr(io.StringIO()))
            stopped = patched.enter_context(pytest.raises(SystemExit))
            main(words)
        done = (out / "models" / "rnn-seed-1" / "model_card.json").exists()
        assert stopped.value.code == (0 if done else 130), talk.getvalue()
    return out, json.loads(shown.getvalue()), talk.getvalue()


@pytest.mark.slow
def test_a_stopped_comparison_goes_on(compared: tuple[Path, dict[str, Any], str]) -> None:
    out, found, talk = compared
    assert "5 of 6 models exist already" in talk and "model 6 of 6, rnn-seed-1" in talk
    (network,) = (model for model in found["models"] if model["name"] == "rnn")
    # What it would have been in one go: the log has every validation once, in order.
    places = [point["tokens"] for point in network["runs"][0]["curve"]]
    assert len(places) > 3 and places == sorted(set(places))
    # 8 epochs, of which a few tokens at the end of each row are not read.
    assert network["runs"][0]["epochs"] == pytest.approx(8, rel=0.1)
    assert abs(network["parameters"] - 6000) < 600
    assert network["peak_bytes"] > 50e6
    assert found["failed"] == []


@pytest.mark.slow
def test_figures_are_those_of_training_and_of_evaluate(compared: tuple[Path, dict[str, Any], str], cli) -> None:
    _, found, _ = compared
    for model in found["models"]:
        run = model["runs"][0]
        if model["kind"] == "mixture":
            continue
        card = json.loads((Path(run["folder"]) / "model_card.json").read_text(encoding="utf-8"))
        figures = card["figures"]["test"]
        assert run["bits_per_byte"] == pytest.approx(figures["bits_per_byte"], rel=1e-6)
        assert model["perplexity"]["value"] == pytest.approx(figures["perplexity"], rel=1e-6)
        assert run["signature"] == figures["signature"]
        low, value, high = (model["bits_per_byte"][name] for name in ("low", "value", "high"))
        assert low < value < high
    best = min(found["models"], key=lambda model: model["bits_per_byte"]["value"])
    assert found["verdict"]["best"] == best["name"] == found["models"][0]["name"]
    assert found["verdict"]["use"] in {model["name"] for model in found["models"]}
    for name, gap in found["differences"]["worse_by"].items():
        (model,) = (each for each in found["models"] if each["name"] == name)
        expected = model["bits_per_byte"]["value"] - best["bits_per_byte"]["value"]
        assert gap["value"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_the_order_is_chosen_on_validation_text(compared: tuple[Path, dict[str, Any], str]) -> None:
    _, found, _ = compared
    orders = found["orders"]
    assert [each["order"] for each in orders] == [1, 2, 3, 4, 5]
    best = min(orders, key=lambda each: each["valid_bits_per_byte"])
    assert f"{best['order']}-gram" in {model["name"] for model in found["models"]}
    assert orders[0]["bits_per_byte"] > best["bits_per_byte"]


@pytest.mark.slow
def test_sentences_differ_the_way_they_say(compared: tuple[Path, dict[str, Any], str]) -> None:
    _, found, _ = compared
    sentences = found["sentences"]
    easier, harder = sentences["easier"], sentences["harder"]
    assert len(easier) == len(harder) == 3
    assert max(each["difference"] for each in easier) <= min(each["difference"] for each in harder)
    for each in (*easier, *harder):
        assert each["difference"] == pytest.approx(each["rnn"] - each[sentences["than"]])


@pytest.mark.slow
def test_the_report_has_what_the_figures_say(compared: tuple[Path, dict[str, Any], str]) -> None:
    out, found, _ = compared
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Use the " + found["verdict"]["use"] in page
    for model in found["models"]:
        assert f"{model['bits_per_byte']['value']:.3f}" in page and model["signature"] in page
    assert "@media print" in page and "prefers-color-scheme: dark" in page and "<script" not in page


@pytest.mark.slow
def test_a_failed_model_is_said_and_the_others_go_on(text_file: Path, tmp_path: Path) -> None:
    def job(name: str, **request: Any) -> TrainingJob:
        whole = {
            "out": str(tmp_path / name),
            "sources": [str(text_file)],
            "model": "ngram",
            "task": "language",
            **request,
        }
        return TrainingJob(name, "ngram", 1, 2, whole, 1.0)

    failures = train_all([job("bad", order=99), job("good", order=2)], progress=Progress())
    assert [failure.name for failure in failures] == ["bad"] and "order is 99" in failures[0].message
    assert (tmp_path / "good" / "model_card.json").exists() and not (tmp_path / "bad" / "model_card.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.txt"], "no such file"),
        (["TEXT", "--models", "lstm,elephant"], "'elephant' is not known; choose among: lstm"),
        (["TEXT", "--models", "lstm,lstm"], "name each once"),
        (["TEXT", "--seeds", "0"], "--seeds is 0"),
        (["TEXT", "--minutes", "1", "--epochs", "1"], "give one of them"),
        (["TEXT", "--parameters", "3"], "at least 1000"),
        (["TEXT", "--matters", "much"], "must be a percentage: try --matters 1%"),
        (["TEXT", "--matters", "80%"], "--matters is 80%; it must be 0% to 50%"),
        (["-"], "stdin only once"),
    ],
)
def test_bad_input_is_one_line(words: list[str], said: str, cli, text_file: Path, tmp_path: Path) -> None:
    words = [str(text_file) if word == "TEXT" else word for word in words]
    found = cli("compare", *words, "--out", tmp_path / "out")
    assert found.code == 2 and said in found.err and len(found.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_other_folders_are_left_alone(compared: tuple[Path, dict[str, Any], str], cli, text_file: Path) -> None:
    out, _, _ = compared
    before = (out / "results.json").read_bytes()
    assert (
        "holds another comparison (other models)"
        in cli("compare", text_file, "--out", out, "--document", "block", "--epochs", "20", "--models", "gru").err
    )
    assert "holds no comparison" in cli("compare", text_file, "--out", text_file.parent).err
    assert (out / "results.json").read_bytes() == before


def test_too_little_text(cli, tmp_path: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text("one\ntwo\nthree\n", encoding="utf-8")
    found = cli("compare", short, "--out", tmp_path / "out")
    assert found.code == 2 and "too little text" in found.err


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name == "nt", reason="signals of Unix")
def test_a_killed_one_is_resumed_and_a_signal_stops_the_worker_too(text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = out / "models" / "rnn-seed-1"
    words = ("compare", text_file, "--out", out, "--models", "rnn", "--epochs", "100", "--parameters", "3000")
    first = Forked(*words)
    wait_for((folder / "training" / "checkpoint.safetensors").exists)
    first.send_signal(signal.SIGKILL)
    assert first.end()[0] == -signal.SIGKILL
    with until_free(folder):  # nobody told its worker, which ends when it is left alone
        log = folder / "training" / "log.jsonl"
        size = log.stat().st_size
    running = Forked(*words)
    wait_for(lambda: log.stat().st_size > size)
    running.send_signal(signal.SIGTERM)
    code, talk = running.end()
    assert code == 130 and "the same command resumes" in talk
    with alone(folder):  # nobody holds the folder any more
        updates = [entry["update"] for entry in read_log(log)]
    # What it would have been without the kill.
    assert updates == sorted(set(updates))


@contextmanager
def until_free(folder: Path) -> Iterator[None]:
    """Hold a folder as soon as nobody trains in it."""
    begin = time.monotonic()
    while True:
        try:
            with alone(folder):
                yield
            return
        except TrainingError:
            assert time.monotonic() - begin < 60, "its worker has not ended"
            time.sleep(0.005)
