"""torch's optimisers without its compiler.

What they do first and at every step only tells the compiler to stay away, and loads it for that,
which takes as long as to load torch. Nothing here is compiled: training begins two seconds earlier.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch

_add = inspect.unwrap(torch.optim.Optimizer.add_param_group)


class Uncompiled(torch.optim.Optimizer):
    """The first base of an optimiser: its methods as they are without what torch wraps around
    them."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch does it."""
        _add(self, param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """As torch does it."""
        return inspect.unwrap(super().step.__func__)(self, closure)


class SGD(Uncompiled, torch.optim.SGD):
    """torch.optim.SGD."""


class Adam(Uncompiled, torch.optim.Adam):
    """torch.optim.Adam."""


class AdamW(Uncompiled, torch.optim.AdamW):
    """torch.optim.AdamW."""


class LBFGS(Uncompiled, torch.optim.LBFGS):
    """torch.optim.LBFGS."""
