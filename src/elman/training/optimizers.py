"""Optimisers by name, and their state as plain arrays."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from elman.nn.embedding import OneHot
from elman.training.muon import Muon
from elman.training.uncompiled import SGD, Adam, AdamW

OptimizerName = Literal["sgd", "momentum", "adam", "adamw", "muon"]

DEFAULT_RATES: dict[str, float] = {"sgd": 15.0, "momentum": 1.5, "adam": 4e-3, "adamw": 8e-3, "muon": 1.5e-2}
"""Peak learning rates that train well with a clipped gradient of the mean loss per token."""


def make_optimizers(
    network: nn.Module,
    *,
    name: OptimizerName,
    rate: float,
    weight_decay: float = 0.0,
    dtype: torch.dtype = torch.float32,
    factor: Callable[[str], float] = lambda name: 1.0,
) -> list[torch.optim.Optimizer]:
    """The optimisers of a network. With ``muon``: Muon for the matrices of the stack and AdamW for
    the rest; otherwise a single one.

    Weight decay applies to matrices only: a bias or a gain has no reason to be small. In ``adam``
    and the SGDs it is added to the gradient, in ``adamw`` and ``muon`` it is decoupled (Loshchilov
    and Hutter 2019). ``dtype`` is that of Muon's products. ``factor`` gives the factor of a
    weight's learning rate, by its name.
    """
    hidden = _hidden_matrices(network) if name == "muon" else {}
    trained = [p for p in network.parameters() if p.requires_grad]
    factors: dict[Tensor, float] = {parameter: factor(name) for name, parameter in network.named_parameters()}
    found: list[torch.optim.Optimizer] = []
    if hidden:
        groups = [
            {"params": [p for p in trained if hidden.get(p) == blocks], "blocks": blocks, "weight_decay": weight_decay}
            for blocks in sorted(set(hidden.values()), reverse=True)
        ]
        found.append(Muon(_by_factor(groups, factors), rate=rate, dtype=dtype))
    # Matrices first, as they have always been numbered.
    rest = [
        {"params": [p for p in trained if p.ndim > 1 and p not in hidden], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name in ("sgd", "momentum"):
        return [SGD(_by_factor(rest, factors), lr=rate, momentum=0.9 if name == "momentum" else 0.0)]
    # beta2 below the usual 0.999: short runs have too few updates to average over a thousand.
    kind = Adam if name == "adam" else AdamW
    return [*found, kind(_by_factor(rest, factors), lr=rate, betas=(0.9, 0.99), eps=1e-8, fused=True)]


def _by_factor(groups: Sequence[dict[str, Any]], factors: Mapping[Tensor, float]) -> list[dict[str, Any]]:
    """Split the groups so that all weights of a group have the same factor of the rate."""
    return [
        {**group, "params": [p for p in group["params"] if factors[p] == factor], "factor": factor}
        for group in groups
        for factor in sorted({factors[p] for p in group["params"]} or {1.0}, reverse=True)
    ]


def _hidden_matrices(network: nn.Module) -> dict[Tensor, int]:
    """The matrices that lead to hidden units, with their numbers of blocks: one for each H rows,
    that is, for each gate.

    One-hot input makes the lowest weights an embedding, whose columns are types; filters over time
    do not count as matrices.
    """
    one_hot = isinstance(getattr(network, "embedding", None), OneHot)
    found: dict[Tensor, int] = {}
    for place, module in network.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            full = f"{place}.{name}"
            if not full.startswith("stack.") or parameter.ndim != 2:
                continue
            size: Any = getattr(module, "hidden_size", len(parameter))
            blocks, rest = divmod(len(parameter), size)
            if rest == 0 and not (one_hot and full == "stack.layers.0.weight_ih"):
                found[parameter] = blocks
    return found


def _numbered(optimizers: Sequence[torch.optim.Optimizer]) -> Iterator[tuple[str, torch.optim.Optimizer, Tensor]]:
    """All parameters in order with their number and optimiser."""
    pairs = [(optimizer, p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    for number, (optimizer, parameter) in enumerate(pairs):
        yield str(number), optimizer, parameter


def optimizer_arrays(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The optimisers' state as named tensors, ``3.exp_avg`` for parameter number 3."""
    return {
        f"{number}.{name}": value
        for number, optimizer, parameter in _numbered(optimizers)
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def fits_optimizer(optimizers: Sequence[torch.optim.Optimizer], arrays: dict[str, Tensor]) -> bool:
    """Whether ``arrays`` can be the state of these optimisers: names and shapes, all of a parameter
    or nothing."""
    known = {
        number: {name: torch.Size() if name == "step" else parameter.shape for name in _state(optimizer)}
        for number, optimizer, parameter in _numbered(optimizers)
    }
    found = {number: {name: value.shape for name, value in own.items()} for number, own in _by_number(arrays).items()}
    return all(shapes == known.get(number) for number, shapes in found.items())


def restore_optimizer(optimizers: Sequence[torch.optim.Optimizer], arrays: dict[str, Tensor]) -> None:
    """Give optimisers of the same network back the state that ``optimizer_arrays`` took."""
    state = _by_number(arrays)
    for number, optimizer, parameter in _numbered(optimizers):
        optimizer.state.pop(parameter, None)
        if number in state:
            own = {name: value.to(parameter.device, copy=True) for name, value in state[number].items()}
            optimizer.state[parameter] = own


def _state(optimizer: torch.optim.Optimizer) -> set[str]:
    """What the optimiser keeps of each parameter."""
    if "betas" in optimizer.defaults:
        return {"step", "exp_avg", "exp_avg_sq"}
    return {"momentum_buffer"} if optimizer.defaults["momentum"] else set()


def _by_number(arrays: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {}
    for key, value in arrays.items():
        number, _, name = key.partition(".")
        found.setdefault(number, {})[name] = value
    return found


def set_rate(optimizers: Sequence[torch.optim.Optimizer], rate: float) -> None:
    """Set the learning rate of all groups."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
