"""Muon: matrices move along their momentum made orthogonal (Jordan 2024), everything else by AdamW.

A gradient's few large singular values drown the many small ones; with all of them set to about one, every
direction of a matrix learns alike. That takes a Newton-Schulz iteration, matrix products only, for which all
matrices of one shape are stacked into one batch.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""p(s) = a s + b s^3 + c s^5: five rounds of it bring singular values of 0.002 .. 1 into 0.68 .. 1.21."""
_ROUNDS = 5
_MOMENTUM = 0.95
_BETAS = (0.9, 0.99)
_TINY = 1e-7


class Muon(torch.optim.Optimizer):
    """One optimiser for a whole network.

    A group's ``blocks`` says how many matrices, one above the other, each of its parameters is: 4 for the
    weights ``[4H, D]`` of an LSTM, whose gates have nothing in common but their place; 0 leaves the group to
    AdamW. Moves are scaled to the size that AdamW's have (0.2 sqrt(max(rows, columns)), Moonshot 2025), so
    that rates and decoupled weight decay mean the same in both.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> optimizer = Muon([{"params": [weight], "blocks": 2}], rate=0.1)
    >>> weight.grad = torch.tensor([[3.0, 4.0], [0.0, -1.0]])
    >>> optimizer.step()
    >>> weight.detach()[1, 0].item() == 0 and bool(weight.detach()[1, 1] > 0)  # the second row is its own matrix
    True
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, rate: float, dtype: torch.dtype = torch.float32) -> None:
        """``dtype`` is that of the iteration's products; momenta and weights keep their own."""
        self._dtype = dtype
        super().__init__(groups, {"lr": rate, "weight_decay": 0.0, "blocks": 0, "fused": True})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient."""
        assert closure is None
        moves: dict[tuple[int, int], list[_Move]] = {}
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            if not group["blocks"]:
                self._adamw(group, parameters)
                continue
            for parameter in parameters:
                move = _Move(parameter, self._direction(parameter), group)
                moves.setdefault(move.shape, []).append(move)
        for alike in moves.values():
            stacked = torch.cat([move.matrices for move in alike]).to(self._dtype)
            found = orthogonalise(stacked).split([len(move.matrices) for move in alike])
            for move, matrices in zip(alike, found, strict=True):
                move.apply(matrices)

    def _direction(self, parameter: Tensor) -> Tensor:
        """Nesterov's look ahead along the running mean of the gradients."""
        assert parameter.grad is not None
        memory = self.state[parameter]
        if not memory:
            memory["momentum_buffer"] = torch.zeros_like(parameter)
        momentum = memory["momentum_buffer"].lerp_(parameter.grad, 1 - _MOMENTUM)
        return parameter.grad.lerp(momentum, _MOMENTUM)

    def _adamw(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        for p in parameters:
            if not self.state[p]:
                self.state[p] = {
                    "step": torch.zeros((), dtype=torch.float32, device=p.device),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        memories = [[self.state[p][name] for p in parameters] for name in ("exp_avg", "exp_avg_sq", "step")]
        means, squares, steps = memories
        adamw(
            parameters, [p.grad for p in parameters if p.grad is not None], means, squares, [], steps,
            fused=True, amsgrad=False, beta1=_BETAS[0], beta2=_BETAS[1], lr=group["lr"],
            weight_decay=group["weight_decay"], eps=1e-8, maximize=False,
        )  # fmt: skip


class _Move:
    """One parameter's direction as matrices ``[n, rows, columns]`` lying down, no more rows than columns."""

    def __init__(self, parameter: Tensor, direction: Tensor, group: dict[str, Any]) -> None:
        rows, columns = parameter.shape[-2] // group["blocks"], parameter.shape[-1]
        assert parameter.shape[-2] == rows * group["blocks"], "blocks share the rows evenly"
        self._parameter, self._group = parameter, group
        self._upright = rows > columns
        self._view = (-1, rows, columns)
        matrices = direction.reshape(self._view)
        self.matrices = matrices.mT if self._upright else matrices
        self.shape = (min(rows, columns), max(rows, columns))

    def apply(self, matrices: Tensor) -> None:
        """Decay the weights, then move them along the orthogonal ``matrices``."""
        rate = self._group["lr"]
        found = matrices.mT if self._upright else matrices
        weights = self._parameter.view(self._view)
        weights.mul_(1 - rate * self._group["weight_decay"])
        weights.add_(found, alpha=-rate * 0.2 * math.sqrt(self.shape[1]))


def orthogonalise(matrices: Tensor) -> Tensor:
    """About U V' of each of ``[n, rows, columns]`` = U S V': its singular values brought to about 1.

    The iteration trades exactness for speed: they end between 0.68 and 1.21, those below 0.002 of the matrix's
    norm lower. ``polar`` is its exact twin.
    """
    a, b, c = _QUINTIC
    exact = torch.promote_types(matrices.dtype, torch.float32)
    norms = torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True, dtype=exact)
    x = matrices / norms.clamp(min=_TINY).to(matrices.dtype)
    for _ in range(_ROUNDS):
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x


def polar(matrices: Tensor) -> Tensor:
    """U V' of each of ``[n, rows, columns]`` = U S V' exactly, by singular values in float64: slow."""
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    return u @ v
