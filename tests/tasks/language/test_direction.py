"""Language models that read each line from its end to its start."""

import math
from pathlib import Path

import pytest
from tests.conftest import tiny_text

import elman
from elman.data.preprocessing import DataConfig
from elman.errors import UsageError
from elman.models.registry import entry
from elman.serve.abilities import ContinuesText
from elman.serve.metrics import Metrics
from elman.storage import folder
from elman.tasks.language.job import check_start
from elman.tasks.language.request import LanguageRequest

SIZES = {"embedding_size": 8, "hidden_size": 8, "batch": 4, "bptt": 8, "threads": 1, "precision": "fp32"}


def _reversed(text: str) -> str:
    return "\n".join(" ".join(line.split()[::-1]) for line in text.split("\n"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The same text in both directions."""
    folder, made = tmp_path_factory.mktemp("texts"), {}
    for name, direction in (("backward", str), ("forward", _reversed)):
        made[name] = {}
        for part, (lines, seed) in {"train": (60, 1), "valid": (12, 2)}.items():
            file = folder / f"{name}-{part}.txt"
            file.write_text(direction(tiny_text(lines, seed)))
            made[name][part] = str(file)
    return made


def _trained(text: dict[str, str], direction: str, **settings):
    return elman.train(text["train"], valid=text["valid"], direction=direction, pretokenized=True, **settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"model": "ngram"},
        pytest.param({"model": "lstm", "updates": 3, "rival": False, **SIZES}, marks=pytest.mark.slow),
    ],
    ids=["ngram", "lstm"],
)
def test_it_is_the_forward_model_of_the_reversed_text(texts, settings) -> None:
    backward = _trained(texts["backward"], "backward", **settings)
    forward = _trained(texts["forward"], "forward", **settings)
    mine, other = (model.card["figures"]["valid"] for model in (backward, forward))
    unlike = {name for name in mine if mine[name] != other[name]}
    assert unlike == {"signature"} and "-backward-" in mine["signature"]
    line = "Anna sees the zebra at night."
    one, two = backward.score(line), forward.score(_reversed(line))
    assert one.log_prob == two.log_prob and one.oov == two.oov == 1
    assert one.per_token == two.per_token
    # A line's probability is read from the end, not from the start.
    assert one.log_prob != forward.score(line).log_prob
    texts_scored = Path(texts["backward"]["train"]).read_text()
    scores = [backward.score(each).log_prob for each in texts_scored.splitlines()]
    figures = backward.evaluate(texts["backward"]["train"], context="independent")
    bits = -sum(scores) / math.log(2) / len(texts_scored.encode())
    assert figures["bits_per_byte"] == pytest.approx(bits, rel=1e-6)


@pytest.fixture(scope="module")
def backward(texts):
    return _trained(texts["backward"], "backward", model="ngram", level="word")


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.complete("Anna"),
        lambda model: model.phrase("Anna"),
        lambda model: model.candidates("Anna", ["sees"]),
        lambda model: model.generate(),
        lambda model: model.score("sees", prefix="Anna"),
        lambda model: model.keystrokes(__file__),
        lambda model: model.export("model.arpa"),
        lambda model: model.export_html("model.html"),
        lambda model: model.export_onnx("model"),
        lambda model: ContinuesText.of("model", model, Metrics()),
    ],
)
def test_nothing_is_continued_with_it(backward, use) -> None:
    with pytest.raises(UsageError, match="reads each line from its end to its start .*elman score"):
        use(backward)


def test_the_commands_say_it(backward, tmp_path: Path, cli) -> None:
    backward.save(tmp_path / "model")
    assert "each line from its end to its start" in cli("info", str(tmp_path / "model")).out
    assert "reads each line from its end" in cli("complete", str(tmp_path / "model"), "Anna").err
    assert elman.load(tmp_path / "model").card["tokenizer"]["direction"] == "backward"


def test_a_model_that_is_continued_keeps_its_direction(tmp_path: Path) -> None:
    request = LanguageRequest(kind="lstm", sources=("x",), data=DataConfig(direction="backward"))
    folder.write_static_files(tmp_path, kind="lstm", config={}, files=dict.fromkeys(entry("lstm").files, b""))
    with pytest.raises(UsageError, match="leave out --direction"):
        check_start(request, tmp_path)
