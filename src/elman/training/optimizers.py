"""Optimisers by name, and their state as plain arrays."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

OptimizerName = Literal["sgd", "momentum", "adam", "adamw"]

DEFAULT_RATES: dict[str, float] = {"sgd": 15.0, "momentum": 1.5, "adam": 4e-3, "adamw": 6e-3}
"""Peak learning rates that train well with a clipped gradient of the mean loss per token."""


def make_optimizer(
    network: nn.Module, *, name: OptimizerName, rate: float, weight_decay: float = 0.0
) -> torch.optim.Optimizer:
    """The optimiser of a network.

    Weight decay holds for matrices only: a bias or a gain has no reason to be small. In ``adam`` and the SGDs it
    is added to the gradient, in ``adamw`` it is decoupled (Loshchilov and Hutter 2019).
    """
    matrices = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=rate)
    if name == "momentum":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9)
    # beta2 below the usual 0.999: short runs have no thousand updates to average over.
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(groups, lr=rate, betas=(0.9, 0.99), eps=1e-8, fused=True)


def optimizer_arrays(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's memory as named tensors, ``3.exp_avg`` for parameter number 3."""
    arrays: dict[str, Tensor] = {}
    for number, memory in optimizer.state_dict()["state"].items():
        for name, value in memory.items():
            if isinstance(value, Tensor):
                arrays[f"{number}.{name}"] = value
    return arrays


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
