"""Optimisers by name, and their state as plain arrays."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from elman.nn.embedding import OneHot
from elman.training.muon import Muon

OptimizerName = Literal["sgd", "momentum", "adam", "adamw", "muon"]

DEFAULT_RATES: dict[str, float] = {"sgd": 15.0, "momentum": 1.5, "adam": 4e-3, "adamw": 8e-3, "muon": 1.5e-2}
"""Peak learning rates that train well with a clipped gradient of the mean loss per token."""
_MEMORY: dict[str, set[str]] = {
    "sgd": set(),
    "momentum": {"momentum_buffer"},
    "adam": {"step", "exp_avg", "exp_avg_sq"},
}
"""What is remembered of each parameter, by the way it moves."""


def make_optimizer(
    network: nn.Module,
    *,
    name: OptimizerName,
    rate: float,
    weight_decay: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> torch.optim.Optimizer:
    """The optimiser of a network.

    Weight decay holds for matrices only: a bias or a gain has no reason to be small. In ``adam`` and the SGDs it
    is added to the gradient, in ``adamw`` and ``muon`` it is decoupled (Loshchilov and Hutter 2019). ``muon``
    is for the matrices of the stack, one for each gate; the rest goes by AdamW. ``dtype`` is that of its products.
    """
    hidden = _hidden_matrices(network) if name == "muon" else {}
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            blocks, matrix = hidden.get(parameter, 0), parameter.ndim > 1
            decay = {"weight_decay": weight_decay if matrix else 0.0}
            group = groups.setdefault((blocks, matrix), {"params": [], **decay})
            group["params"].append(parameter)
            if name == "muon":
                group["blocks"] = blocks
    # Matrices first, as they have always been numbered.
    ordered = [groups[key] for key in sorted(groups, reverse=True)]
    if name == "muon":
        return Muon(ordered, rate=rate, dtype=dtype)
    if name == "sgd":
        return torch.optim.SGD(ordered, lr=rate)
    if name == "momentum":
        return torch.optim.SGD(ordered, lr=rate, momentum=0.9)
    # beta2 below the usual 0.999: short runs have no thousand updates to average over.
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(ordered, lr=rate, betas=(0.9, 0.99), eps=1e-8, fused=True)


def _hidden_matrices(network: nn.Module) -> dict[Tensor, int]:
    """The matrices that lead to hidden units, and of how many each consists: one for each H rows, so for each gate.

    One-hot input makes the lowest weights an embedding, whose columns are types; filters over time are no matrices.
    """
    one_hot = isinstance(getattr(network, "embedding", None), OneHot)
    found = {}
    for place, module in network.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            full = f"{place}.{name}"
            if not full.startswith("stack.") or parameter.ndim != 2:
                continue
            blocks, rest = divmod(len(parameter), getattr(module, "hidden_size", len(parameter)))
            if rest == 0 and not (one_hot and full == "stack.layers.0.weight_ih"):
                found[parameter] = blocks
    return found


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's memory as named tensors, ``3.exp_avg`` for parameter number 3."""
    arrays: dict[str, Tensor] = {}
    for number, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                arrays[f"{number}.{name}"] = value
    return arrays


def fits_optimizer(optimizer: torch.optim.Optimizer, arrays: dict[str, Tensor]) -> bool:
    """Whether ``arrays`` can be the memory of this optimiser: names and shapes, all of a parameter or nothing."""
    wanted: list[dict[str, torch.Size]] = []
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            names = _MEMORY[_way(optimizer, group)]
            wanted.append({name: torch.Size() if name == "step" else parameter.shape for name in names})
    found: dict[str, dict[str, torch.Size]] = {}
    for key, value in arrays.items():
        number, _, name = key.partition(".")
        found.setdefault(number, {})[name] = value.shape
    known = {str(number): memory for number, memory in enumerate(wanted)}
    return all(memory == known.get(number) for number, memory in found.items())


def _way(optimizer: torch.optim.Optimizer, group: dict[str, Any]) -> str:
    if isinstance(optimizer, Muon):
        return "momentum" if group["blocks"] else "adam"
    if isinstance(optimizer, torch.optim.SGD):
        return "momentum" if group["momentum"] else "sgd"
    return "adam"


def restore_optimizer(optimizer: torch.optim.Optimizer, arrays: dict[str, Tensor]) -> None:
    """Give an optimiser of the same network back the memory that ``optimizer_arrays`` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in arrays.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value.clone()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
