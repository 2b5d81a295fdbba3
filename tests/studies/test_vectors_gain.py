"""What vectors bring: amounts of text, pairs of seeds, their interval; an interrupted comparison
goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from elman.errors import FolderError, UsageError
from elman.progress import Progress
from elman.studies import vectors_gain
from elman.studies.vectors_gain import VectorsPlan, compare_vectors, figure_of


def plan(tmp_path: Path, **changed: Any) -> VectorsPlan:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"line {number} has five words\n" for number in range(100)))
    given = {"sources": (str(text),), "vectors": ("v.txt",), "amounts": (100, 1000), "valid": ("a",), "test": ("b",)}
    return VectorsPlan(**{**given, **changed})


class Trainer:
    """Stands for ``api.train``: perplexity 100 without vectors and with them 1, 2, 3 less by
    seed."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.left = 1000

    def __call__(self, text: Path, **options: Any) -> Any:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.calls.append((text.read_text(), options))
        figure = 100.0 - (options["seed"] if "vectors" in options else 0)
        scores = {"scores": {"accuracy": {"value": figure / 100}}}
        test = scores if options["task"] == "classify" else {"perplexity": figure}
        return SimpleNamespace(card={"figures": {"test": test}, "recipe": {"config": {"embedding_size": 7}}})


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    made = Trainer()
    monkeypatch.setattr(vectors_gain.api, "train", made)
    return made


def test_pairs_of_seeds_give_the_interval(trainer: Trainer, tmp_path: Path) -> None:
    found = compare_vectors(plan(tmp_path), tmp_path / "out", progress=Progress())
    assert [(row["words"], row["vectors"]) for row in found["rows"]] == [
        (100, None), (100, "v.txt"), (500, None), (500, "v.txt"),
    ]  # fmt: skip
    without, with_them = found["rows"][:2]
    assert without["mean"] == 100 and "difference" not in without
    # Differences -1, -2, -3: mean -2, standard deviation 1, t = 4.303 with two degrees of freedom.
    assert with_them["difference"] == -2 and with_them["low"] == pytest.approx(-2 - 4.303 / 3**0.5)
    assert with_them["high"] == pytest.approx(-2 + 4.303 / 3**0.5)
    sizes = {(len(text.split()), options.get("embedding_size")) for text, options in trainer.calls}
    # Without vectors embeddings have the size that vectors have.
    assert sizes == {(100, None), (100, 7), (500, None), (500, 7)} and len(trainer.calls) == 12
    assert all(options["valid"] == ("a",) and options["test"] == ("b",) for _, options in trainer.calls)


def test_an_interrupted_comparison_goes_on(trainer: Trainer, tmp_path: Path) -> None:
    trainer.left = 5
    with pytest.raises(KeyboardInterrupt):
        compare_vectors(plan(tmp_path), tmp_path / "out", progress=Progress())
    trainer.left = 7
    found = compare_vectors(plan(tmp_path), tmp_path / "out", progress=Progress())
    assert len(trainer.calls) == 12 and found["rows"][3]["figures"] == [99, 98, 97]
    with pytest.raises(FolderError, match="another comparison"):
        compare_vectors(plan(tmp_path, seeds=2), tmp_path / "out", progress=Progress())
    (tmp_path / "out" / "vectors.json").write_text("[1]")
    with pytest.raises(FolderError, match="damaged"):
        compare_vectors(plan(tmp_path), tmp_path / "out", progress=Progress())


def test_examples_are_drawn_in_one_order(trainer: Trainer, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(f"w{n} w w w,{n // 50}\n" for n in range(100)))
    asked = plan(tmp_path, sources=(str(tmp_path / "rows.csv"),), task="classify", seeds=1, amounts=(120, 240))
    found = compare_vectors(asked, tmp_path / "out", progress=Progress())
    assert found["figure"] == "accuracy" and found["rows"][1]["difference"] == pytest.approx(-0.01)
    assert "low" not in found["rows"][1]
    few, more = ([json.loads(line) for line in trainer.calls[call][0].splitlines()] for call in (0, 2))
    assert len(few) == 30 and len(more) == 60 and more[:30] == few
    assert 8 < sum(int(row["label"]) for row in few) < 22


def test_what_contradicts_is_told(tmp_path: Path) -> None:
    for changed in (
        {"task": "vectors"}, {"valid": ()}, {"amounts": ()}, {"amounts": (99,)}, {"amounts": (100, 100)},
        {"vectors": ("v", "v")}, {"seeds": 0}, {"epochs": 0},
    ):  # fmt: skip
        with pytest.raises(UsageError) as error:
            plan(tmp_path, **changed)
        assert "\n" not in str(error.value)


def test_by_the_command(
    cli: Callable[..., Any], trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan(tmp_path)
    command = ("compare", "text.txt", "--vectors", "v.txt", "--valid", "a", "--test", "b", "--out", "out")
    result = cli(*command, "--amounts", "100", "--seeds", "3")
    assert result.code == 0 and result.out.splitlines()[1].split() == ["100", "none", "100"], result.err
    assert result.out.splitlines()[2].split() == ["100", "v.txt", "98", "-2", "-4.484", "to", "+0.4843"]
    for more, said in (
        (("--amounts", "many"), "give numbers of words"),
        (("--minutes", "1"), "--minutes does not apply with --vectors"),
        (("--models", "lstm"), "--models does not apply with --vectors"),
        (("--task", "vectors"), "--task is 'vectors'"),
    ):
        result = cli(*command, *more)
        assert result.code == 2 and said in result.err and result.err.count("\n") == 1, result.err
    result = cli("compare", "text.txt", "--amounts", "100")
    assert result.code == 2 and "apply with --vectors only" in result.err


def test_figures_are_those_of_model_cards(lstm_folder: Path, reviews_folder: Path) -> None:
    for folder, name in ((lstm_folder, "perplexity"), (reviews_folder, "accuracy")):
        card = json.loads((folder / "model_card.json").read_bytes())
        figures = card["figures"]["valid"]
        wanted = figures["perplexity"] if name == "perplexity" else figures["scores"]["accuracy"]["value"]
        assert figure_of(figures) == wanted > 0 and card["recipe"]["config"]["embedding_size"] > 0
