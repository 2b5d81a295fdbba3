"""The contract of tasks, on every registered one: each must have a sample of its data here."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contracts.forged_card import forged_card
from tests.contracts.task_samples import SUBJECTS, Subject
from tests.stopping import StopAfter

import elman
from elman.errors import FolderError, Interrupted, UsageError
from elman.models.registry import entry
from elman.storage import folder as model_folder
from elman.storage.archive import read_sealed_json
from elman.tasks.registry import TASKS, task_named
from elman.tasks.verification import compare_cards


@pytest.fixture(params=TASKS)
def subject(request: pytest.FixtureRequest) -> tuple[str, Subject]:
    assert request.param in SUBJECTS, (
        f"write a sample of the data of task {request.param} into tests/contracts/task_samples.py"
    )
    return request.param, SUBJECTS[request.param]


@pytest.fixture
def trained(subject: tuple[str, Subject], shared: Any) -> tuple[Path, Path]:
    """Data and a model folder, trained once."""
    name, (write, settings, *_) = subject

    def make(path: Path) -> None:
        path.mkdir()
        write(path / "data.csv", 1)
        elman.train(path / "data.csv", task=name, out=path / "model", **settings)

    path = shared(f"task-{name}", make)
    return path / "data.csv", path / "model"


@pytest.mark.slow
def test_interrupted_and_resumed_it_is_the_same_bit_for_bit(
    subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, (_, settings, _, loop)), (data, folder) = subject, trained
    with monkeypatch.context() as patched:
        patched.setattr(f"{loop}.StopRequest", lambda progress: StopAfter(9))
        with pytest.raises(Interrupted):
            elman.train(data, task=name, out=tmp_path / "parts", **settings)
    resumed = elman.resume(tmp_path / "parts")
    weights = [(path / "model.safetensors").read_bytes() for path in (folder, tmp_path / "parts")]
    assert weights[0] == weights[1]
    assert resumed.card["figures"] == elman.load(folder).card["figures"]


@pytest.mark.slow
def test_without_a_folder_and_with_weights_that_all_stay_float32_it_is_the_same_network(
    subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, (_, settings, *_)), (data, folder) = subject, trained
    for module in ("measured", "precision", "decoder_precision"):
        monkeypatch.setattr(f"elman.inference.{module}.choose_groups", lambda *_, **__: (frozenset(), 0.0))
    elman.train(data, task=name, **settings).save(tmp_path / "kept")
    kept, whole = (hashlib.sha256((path / "model.safetensors").read_bytes()) for path in (tmp_path / "kept", folder))
    assert kept.hexdigest() == whole.hexdigest()
    usual, exact = (elman.load(path).card for path in (folder, tmp_path / "kept"))
    assert exact["figures"].keys() == usual["figures"].keys()
    if usual.get("inference"):  # else the engine has no weights of it
        assert exact["inference"]["precision"] == "fp32"


@pytest.mark.slow
def test_static_files_follow_from_the_training_part_alone(
    subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, (write, settings, _, loop)), (data, _) = subject, trained
    if not task_named(name).holds_out:
        with pytest.raises(UsageError, match="--valid"):
            elman.train(data, task=name, valid=data, out=tmp_path / "refused", **settings)
        return
    write(tmp_path / "valid.csv", 2)
    poisoned = tmp_path / "poisoned.csv"
    poisoned.write_text((tmp_path / "valid.csv").read_text().replace("fine", "zebra").replace("Anna", "Zoe"))
    held_out = {"a": tmp_path / "valid.csv", "b": poisoned}
    monkeypatch.setattr(f"{loop}.StopRequest", lambda progress: StopAfter(1))  # they are written before
    for out, valid in held_out.items():
        with pytest.raises(Interrupted):
            elman.train(data, task=name, valid=valid, out=tmp_path / out, **settings)
    one, other = (model_folder.static_files(tmp_path / out) for out in held_out)
    # The strength of this penalty is chosen by the validation part, as the best update is.
    chosen = one.pop("ngrams.safetensors", b""), other.pop("ngrams.safetensors", b"")
    assert one == other and one and len(chosen[0]) == len(chosen[1])


def test_predictions_keep_their_order_and_do_not_depend_on_each_other(
    subject: tuple[str, Subject], trained: tuple[Path, Path]
) -> None:
    inputs = subject[1].inputs
    if not inputs:
        pytest.skip("this task predicts no labels")
    model = elman.load(trained[1])
    alone = [numbers_of(model, [one])[0] for one in inputs]
    rng = np.random.default_rng(0)
    for _ in range(4):
        order = rng.integers(0, len(inputs), 23).tolist()
        together = numbers_of(model, [inputs[number] for number in order])
        for number, found in zip(order, together, strict=True):
            np.testing.assert_allclose(found, alone[number], atol=1e-5)


def numbers_of(model: Any, inputs: list[Any]) -> list[Any]:
    found = list(model.predictions(iter(inputs)))
    names = ("probabilities", "quantiles", "probability")
    return [next((getattr(each, name) for name in names if hasattr(each, name)), each) for each in found]


def test_predictions_stream(subject: tuple[str, Subject], trained: tuple[Path, Path]) -> None:
    inputs = subject[1].inputs
    if not inputs:
        pytest.skip("this task predicts no labels")
    model, taken = elman.load(trained[1]), 0

    def endless() -> Iterator[Any]:
        nonlocal taken
        while True:
            taken += 1
            yield inputs[taken % 2]  # short ones

    stream = model.predictions(endless())
    for _ in range(10):
        next(stream)
    assert taken <= 5000


def test_a_copy_is_the_same_model(subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path) -> None:
    model = elman.load(trained[1])
    model.save(tmp_path / "copy")
    again = elman.load(tmp_path / "copy")
    assert again.card == model.card and again.card["task"] == subject[0]
    names = model_folder.used_files(trained[1])
    assert model_folder.used_files(tmp_path / "copy") == names and len(names) >= 4
    if subject[1].inputs:
        for one, other in zip(numbers_of(model, subject[1].inputs), numbers_of(again, subject[1].inputs), strict=True):
            assert np.array_equal(one, other)


def test_figures_are_derived_again(subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path) -> None:
    """All come out again from data that has moved, but one that was made better than it is."""
    data, folder = trained
    forged = tmp_path / "forged"
    # With the pictures that some data names.
    moved = Path(shutil.copytree(data.parent, tmp_path / "moved", ignore=lambda *_: ["model"])) / data.name
    shutil.copytree(folder, forged)
    card = read_sealed_json(forged / model_folder.CARD_FILE)
    name = (
        "data.hash"
        if not card["figures"]
        else next(each.name for each in compare_cards({"figures": card["figures"]}, {}, tolerance=0) if each.stated)
    )
    model_folder.write_card(forged, forged_card(card, name))
    before = {path: path.stat().st_mtime_ns for path in forged.rglob("*")}
    found = elman.verify(forged, data=[moved])
    assert found.reason is None and not found.holds
    assert [each.name for each in found.figures if not each.holds] == [name] and len(found.figures) > 1, found
    assert before == {path: path.stat().st_mtime_ns for path in forged.rglob("*")}
    moved.write_text("\n".join(data.read_text().splitlines()[:-9]))
    other = elman.verify(folder, data=[moved])
    assert other.reason is not None and not other.holds and not other.figures


def test_changed_files_and_links_are_noticed(
    subject: tuple[str, Subject], trained: tuple[Path, Path], tmp_path: Path
) -> None:
    kind = model_folder.read_config(trained[1])[0]
    for number, name in enumerate((*entry(kind).files, "model_card.json", "inference.safetensors", "config.json")):
        if not (trained[1] / name).exists():
            continue
        copy = tmp_path / str(number)
        shutil.copytree(trained[1], copy, ignore=shutil.ignore_patterns("training"))
        data = bytearray((copy / name).read_bytes())
        data[len(data) // 2] ^= 1
        (copy / name).write_bytes(bytes(data))
        with pytest.raises(FolderError):
            elman.load(copy)
        (copy / name).unlink()
        (copy / name).symlink_to(trained[1] / name)
        with pytest.raises(FolderError, match="symbolic link"):
            elman.load(copy)
