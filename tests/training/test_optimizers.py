"""Which weights go which way, and the optimiser's memory on its way through a checkpoint."""

import inspect
import sys

import pytest
import torch

from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.training.optimizers import (
    DEFAULT_RATES,
    OptimizerName,
    fits_optimizer,
    make_optimizers,
    optimizer_arrays,
    restore_optimizer,
)
from elman.training.uncompiled import LBFGS

NAMES = list(DEFAULT_RATES)


def network(**shape: object) -> Network:
    torch.manual_seed(5)
    settings = {"cell": "gru", "layers": 2, "embedding_size": 4, "hidden_size": 6, "tied": False, **shape}
    return Network(NeuralConfig(**settings), 9)  # type: ignore[arg-type]


def train(net: Network, optimizers: list[torch.optim.Optimizer], steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for parameter in net.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for optimizer in optimizers:
            optimizer.step()


def groups_by_name(net: Network, optimizers: list[torch.optim.Optimizer]) -> dict[str, dict]:
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    return {names[id(p)]: group for group in groups for p in group["params"]}


def test_muon_takes_the_matrices_of_the_stack_gate_by_gate_and_adamw_the_rest() -> None:
    net = network()
    found = groups_by_name(net, make_optimizers(net, name="muon", rate=0.1, weight_decay=0.2))
    assert set(found) == {name for name, _ in net.named_parameters()}
    for name, group in found.items():
        matrix = name.endswith(".weight") or "weight_" in name
        gates = 3 if name.startswith("stack.layers.") else int(name.startswith("stack."))
        assert group.get("blocks", 0) == (gates if matrix else 0), name
        assert group["weight_decay"] == (0.2 if matrix else 0.0), name


def test_one_hot_columns_are_types_and_go_by_adamw() -> None:
    net = network(input="one-hot")
    found = groups_by_name(net, make_optimizers(net, name="muon", rate=0.1))
    assert "blocks" not in found["stack.layers.0.weight_ih"]
    assert found["stack.layers.0.weight_hh"]["blocks"] == found["stack.layers.1.weight_ih"]["blocks"] == 3


@pytest.mark.parametrize(
    ("cell", "gates"),
    [
        ("lstm", {"weight_ih": 4, "weight_hh": 4}),
        ("rnn", {"weight_ih": 1, "weight_hh": 1}),
        ("mingru", {"weight_ih": 2}),
        ("minlstm", {"weight_ih": 3}),
        ("rglru", {"weight_ih": 2, "weight_gates": 2, "weight_out": 1, "weight_conv": 0}),
        ("transformer", {"weight_ih": 3, "weight_out": 1, "weight_up": 3, "weight_down": 1}),
    ],
)
def test_each_cell_has_its_gates(cell: str, gates: dict[str, int]) -> None:
    net = network(cell=cell)
    found = groups_by_name(net, make_optimizers(net, name="muon", rate=0.1))
    names = {name: p for name, p in net.named_parameters() if name.startswith("stack.layers.1.") and p.ndim > 1}
    assert {name.rsplit(".")[-1]: found[name].get("blocks", 0) for name in names} == gates


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_memory_goes_on_bit_for_bit(name: OptimizerName) -> None:
    whole = network()
    one = make_optimizers(whole, name=name, rate=0.05, weight_decay=0.01)
    train(whole, one, 3, seed=1)
    parts = network()
    two = make_optimizers(parts, name=name, rate=0.05, weight_decay=0.01)
    with torch.no_grad():
        for target, source in zip(parts.parameters(), whole.parameters(), strict=True):
            target.copy_(source)
    memory = optimizer_arrays(one)
    assert bool(memory) == (name != "sgd")
    assert fits_optimizer(two, memory)
    restore_optimizer(two, memory)
    train(whole, one, 2, seed=2)
    train(parts, two, 2, seed=2)
    for target, source in zip(parts.parameters(), whole.parameters(), strict=True):
        assert torch.equal(target, source)


@pytest.mark.parametrize("name", NAMES)
def test_a_memory_that_is_not_this_optimisers_is_refused(name: OptimizerName) -> None:
    net = network()
    optimizers = make_optimizers(net, name=name, rate=0.05)
    assert fits_optimizer(optimizers, {})  # before the first update
    train(net, optimizers, 1, seed=1)
    memory = optimizer_arrays(optimizers)
    assert fits_optimizer(optimizers, memory)
    for key in ("99.exp_avg", "x.step", "0.exp_avg_odd", "0", "-1.step"):
        assert not fits_optimizer(optimizers, {**memory, key: torch.ones(1)}), key
    for key, value in memory.items():
        assert not fits_optimizer(optimizers, {**memory, key: torch.ones(*value.shape, 1)}), key
        if not key.endswith("step"):
            assert not fits_optimizer(optimizers, {**memory, key: torch.tensor(1.0)}), key
        if not key.endswith("momentum_buffer"):  # the rest of what is remembered of this parameter
            rest = {other: kept for other, kept in memory.items() if other != key}
            assert not fits_optimizer(optimizers, rest), key


def test_muon_and_adamw_do_not_take_each_others_memory() -> None:
    memories = {}
    for name in ("muon", "adamw", "momentum"):
        net = network()
        optimizers = make_optimizers(net, name=name, rate=0.05)
        train(net, optimizers, 1, seed=1)
        memories[name] = (optimizers, optimizer_arrays(optimizers))
    for name, (optimizers, _) in memories.items():
        for other, (_, arrays) in memories.items():
            assert fits_optimizer(optimizers, arrays) == (name == other), (name, other)


def test_no_optimizer_loads_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    # What another test may have kept.
    monkeypatch.delattr(inspect.unwrap(torch.optim.Optimizer.add_param_group), "__dynamo_disable", raising=False)
    with pytest.raises(ImportError):
        torch.optim.SGD(network().parameters())
    for name in NAMES:
        net = network()
        train(net, make_optimizers(net, name=name, rate=0.1), 1, seed=1)
    LBFGS(network().parameters()).step(lambda: torch.zeros(()))
