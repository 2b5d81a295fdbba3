"""Processes: the network of several is that of one with the same batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.language_runs import begun_with, make_run, make_training
from tests.training.processes import side_by_side

from elman.data.part import Part
from elman.models.network_config import NeuralConfig
from elman.training.gradient_sums import GradientSums
from elman.training.processes import ALONE, Group
from elman.training.run import Run
from elman.training.training import Training

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "his", "red", "house", "while"]
DROPS = {"dropout": 0.4, "input_dropout": 0.2, "embedding_dropout": 0.1, "weight_drop": 0.3}
PENALTIES = {"activation_penalty": 2.0, "temporal_penalty": 1.0}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(4)
    lines = [" ".join(rng.choice(WORDS, 9)) + "\n" * (1 + number % 2) for number in range(60)]
    path = tmp_path_factory.mktemp("processes") / "text.txt"
    path.write_text("\n".join(lines))
    return path


def trained(run: Run, group: Any = ALONE, *, updates: int = 4) -> tuple[list[float], dict[str, Any]]:
    """The losses of the first updates, and all that a checkpoint would hold then."""
    training = Training(run.objective, run.plan, group)
    losses = [training.update() for _ in range(updates)]
    groups = training.groups()
    return [each.loss for each in losses], {
        f"{family}/{name}": tensor.detach().clone() for family in groups for name, tensor in groups[family].items()
    }


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    "config",
    [
        {"cell": "lstm", "layers": 2, "embedding_size": 6, "hidden_size": 5},
        {"cell": "gru", "layers": 1, "embedding_size": 6, "softmax": "sampled", "samples": 8},
        {"cell": "conv", "layers": 2, "embedding_size": 8, "hidden_size": 8, "softmax": "adaptive", "tied": False},
    ],
    ids=["lstm", "sampled", "adaptive"],
)
def test_several_processes_train_the_network_of_one(
    text: Path, tmp_path: Path, config: dict[str, Any], count: int
) -> None:
    plan = {**DROPS, **PENALTIES, "batch": 5, "line_resets": True, "optimizer": "adamw", "weight_decay": 0.1}
    if config["cell"] == "conv":
        del plan["weight_drop"]  # it has no such weights
    run = make_run(text, tmp_path, NeuralConfig(**config), **plan)
    run = begun_with(run, make_training(run).weights())
    losses, alone = trained(run)

    def work(group: Group) -> Any:
        if group.rank == 0:
            return trained(run, group)
        # Each order is followed by hand, as `follow` does it.
        training = Training(run.objective, type(run.plan).from_json(group.next_order().facts), group)
        for _ in losses:
            assert group.next_order().what == "update"
            training.update()
        assert group.next_order().what == "gather"
        training.groups()
        return training.weights()

    (found, together), *others = side_by_side(count, work)
    assert found == pytest.approx(losses, rel=1e-5)
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(
            together[name], tensor, rtol=1e-4, atol=2e-6, msg=lambda m, name=name: f"{name}: {m}"
        )
    for weights in others:  # to the last bit
        assert all(
            np.array_equal(value, together[f"weights/{name}"].numpy())
            for name, value in weights.items()
            if f"weights/{name}" in together
        )


def test_sums_of_gradients_for_weights_that_some_or_all_processes_lack() -> None:
    def work(group: Group) -> list[Any]:
        torch.manual_seed(0)
        net = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(torch.ones(3, 2)) for name in ("all", "some", "none", "late", "rows", "odd_rows")}
        )
        sums = GradientSums(net, group, bucket=7)
        found = []
        for turn in range(3):
            net.zero_grad(set_to_none=True)
            sums.begin()
            loss = (net["all"] * (group.rank + 1)).sum()
            if group.rank == 1:
                loss = loss + (net["some"] * 5).sum()
                rows = torch.nn.functional.embedding(torch.tensor([2, 2]), net["odd_rows"], sparse=True)
                loss = loss + rows.sum()
            if turn:
                loss = loss + (net["late"] ** 2).sum()
            loss = loss + torch.nn.functional.embedding(torch.tensor([group.rank]), net["rows"], sparse=True).sum()
            loss.backward()
            sums.finish()
            found.append({name: None if w.grad is None else w.grad.to_dense().clone() for name, w in net.items()})
            assert net["rows"].grad is not None and net["rows"].grad.is_sparse
        return found

    for found in side_by_side(3, work):
        for turn, grads in enumerate(found):
            assert grads["none"] is None
            assert grads["all"].eq(6).all() and grads["some"].eq(5).all()
            assert grads["late"] is None if turn == 0 else grads["late"].eq(6).all()
            assert grads["rows"].eq(1).all()
            assert grads["odd_rows"].tolist() == [[0, 0], [0, 0], [2, 2]]


def test_rows_are_divided_and_gathered() -> None:
    whole = torch.arange(14.0).reshape(7, 2)

    def work(group: Group) -> tuple[torch.Tensor, list[float], Any]:
        part = group.part(7)
        assert isinstance(part, Part)
        return group.gather(whole[part.slice], 7), group.sums([1.0, group.rank]), group.part(3)

    for gathered, sums, few in side_by_side(4, work):
        assert gathered.equal(whole) and sums == [4.0, 6.0] and few is None


def test_orders_reach_everybody_whole() -> None:
    def work(group: Group) -> Any:
        if group.rank == 0:
            group.order("begin", {"rate": 0.1}, b"\0weights")
            return group.order("end")
        return group.next_order(), group.next_order()

    for first, last in side_by_side(3, work)[1:]:
        assert first == ("begin", {"rate": 0.1}, b"\0weights") and last == ("end", {}, b"")


def test_each_process_does_some_of_the_items_and_all_get_all_results() -> None:
    def work(group: Group) -> tuple[list[int], list[float], list[np.ndarray]]:
        own: list[int] = []

        def half(item: int) -> np.ndarray:
            own.append(item)
            return np.full((item, 2), item / 2, np.float32)

        generator, shares = group.each(half, range(5)), []
        try:
            while True:
                shares.append(next(generator))
        except StopIteration as done:
            return own, shares, done.value

    first, second, third = side_by_side(3, work)
    assert (first[0], second[0], third[0]) == ([0, 3], [1, 4], [2])
    assert (first[1], third[1]) == ([0.5, 1.0], [1.0])
    for _, _, results in (first, second, third):
        assert [each.shape for each in results] == [(item, 2) for item in range(5)]
        assert all((each == item / 2).all() for item, each in enumerate(results))


def test_validation_is_shared_with_averaged_weights(text: Path, tmp_path: Path) -> None:
    run = make_run(
        text, tmp_path, NeuralConfig(cell="gru", layers=1, embedding_size=6, hidden_size=5), batch=5, rate=0.1
    )
    run = begun_with(run, make_training(run).weights())

    def averaged(group: Any = ALONE) -> float:
        training = Training(run.objective, run.plan, group)
        training.update()
        training.average_from_here()
        training.update()
        training.update()
        return training.validate()

    def work(group: Group) -> Any:
        if group.rank == 0:
            return averaged(group)
        training = Training(run.objective, type(run.plan).from_json(group.next_order().facts), group)
        steps = {"update": training.update, "average": training.average_from_here, "validate": training.validate}
        return [steps[group.next_order().what]() for _ in range(5)][-1]

    assert side_by_side(2, work) == pytest.approx([averaged()] * 2, rel=1e-5)
