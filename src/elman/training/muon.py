"""Muon (Jordan 2024) with each gate as a matrix of its own, in float32 too.

A gradient's few large singular values drown the many small ones. Muon sets all of them to about
one, so that every direction of a matrix learns alike.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from elman.training.uncompiled import Uncompiled


class Muon(Uncompiled, torch.optim.Muon):
    """torch.optim.Muon for weights that are several matrices one above the other.

    A group's ``blocks`` says how many: 4 for the weights ``[4H, D]`` of an LSTM. Updates have the
    size of AdamW's (``match_rms_adamw``), so that learning rates and decoupled weight decay mean
    the same in both.

    torch's own step computes in bfloat16 only. On processors without bfloat16 it takes over ten
    times as long as float32.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> optimizer = Muon([{"params": [weight], "blocks": 2}], rate=0.1)
    >>> weight.grad = torch.tensor([[3.0, 4.0], [0.0, -1.0]])
    >>> optimizer.step()
    >>> weight.detach()[1, 0].item() == 0 and bool(weight.detach()[1, 1] > 0)  # the second row is its own matrix
    True
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, rate: float, dtype: torch.dtype = torch.float32) -> None:
        """``dtype`` is that of the iteration's products; momenta and weights keep their own."""
        super().__init__(groups, lr=rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update all weights that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                mean = self.state[parameter].setdefault("momentum_buffer", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - momentum)
                matrices = parameter.view(group["blocks"], -1, parameter.shape[-1])
                direction = parameter.grad.lerp(mean, momentum).view_as(matrices).to(self._dtype)
                direction = orthogonalise(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
                matrices.mul_(1 - rate * group["weight_decay"])
                matrices.add_(direction, alpha=-rate * 0.2 * math.sqrt(max(matrices.shape[1:])))


def orthogonalise(matrices: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """About U V' of each of ``[n, rows, columns]`` = U S V', by Newton-Schulz iteration.

    A step replaces each singular value s, of a matrix of norm 1, by a s + b s^3 + c s^5. With
    torch's coefficients and five steps they end between 0.68 and 1.21, those below 0.002 lower.
    """
    a, b, c = coefficients
    exact = torch.promote_types(matrices.dtype, torch.float32)
    norms = torch.linalg.vector_norm(matrices, dim=(1, 2), keepdim=True, dtype=exact)
    x = matrices / norms.clamp(min=eps).to(matrices.dtype)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(steps):
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
