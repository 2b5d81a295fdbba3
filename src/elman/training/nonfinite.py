"""Find the layer where a non-finite number first appeared, by the name of its weights."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from elman.training.objective import TrainableNetwork


def first_nonfinite(network: nn.Module, data: Any, state: tuple[Tensor, ...]) -> str:
    """Name the first layer whose weights, output or gradient is not finite.

    Runs the batch once more, forwards, without masks and in fp32, watching every layer's output.
    """
    for name, parameter in network.named_parameters():
        if not torch.isfinite(parameter).all():
            return f"the weights {name}"
    found: list[str] = []

    def watch(name: str):
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            tensors = [t for t in _flatten(output) if t.is_floating_point()]
            if not found and not all(bool(torch.isfinite(t).all()) for t in tensors):
                found.append(name)

        return hook

    handles = [
        module.register_forward_hook(watch(name))
        for name, module in network.named_modules()
        if name and not list(module.children())
    ]
    try:
        with torch.no_grad():
            cast(TrainableNetwork, network).loss(data, state)
    finally:
        for handle in handles:
            handle.remove()
    if found:
        return f"the output of {found[0]}"
    # Gradients are computed from the output backwards: the last layer that is not finite was first.
    broken = [name for name, p in network.named_parameters() if p.grad is not None and not _is_finite(p.grad)]
    return f"the gradient of {broken[-1]}" if broken else "the loss"


def _is_finite(gradient: Tensor) -> bool:
    held = gradient.coalesce().values() if gradient.is_sparse else gradient
    return bool(torch.isfinite(held).all())


def _flatten(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in _flatten(part)]
    return []
