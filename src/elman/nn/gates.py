"""The coefficients of the parallel cells: ``a`` and ``b`` of ``h = a * h + b``, for all steps at
once.

    minGRU   a = 1 - z;          b = z v                 z = sigmoid(.)       (Feng et al. 2024)
    minLSTM  a = f / (f + i);    b = i / (f + i) v       i, f = sigmoid(.)    (Feng et al. 2024)
    RG-LRU   a = e^(-rate r);    b = sqrt(1 - a^2) i u   r, i = sigmoid(.)    (De et al. 2024)

The type of the inputs decides the cell. These functions work on any device and with autograd;
``gated_kernels.py`` has them fused with the scan for CPUs.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALLEST = torch.finfo(torch.float32).tiny


class MinGruInputs(NamedTuple):
    """Of minGRU."""

    gates: Tensor
    """Blocks ``z v`` before the sigmoid, ``[T, B, 2H]``; the values v are used as they are."""

    def coefficients(self) -> tuple[Tensor, Tensor]:
        z, value = self.gates.chunk(2, dim=-1)
        return torch.sigmoid(-z), torch.sigmoid(z) * value


class MinLstmInputs(NamedTuple):
    """Of minLSTM."""

    gates: Tensor
    """Blocks ``i f v`` before the sigmoid, ``[T, B, 3H]``; the values v are used as they are."""

    def coefficients(self) -> tuple[Tensor, Tensor]:
        i, f, value = self.gates.chunk(3, dim=-1)
        # The sigmoid of log(f / i) is f / (f + i) without 0 / 0.
        odds = F.logsigmoid(f) - F.logsigmoid(i)
        return torch.sigmoid(odds), torch.sigmoid(-odds) * value


class RgLruInputs(NamedTuple):
    """Of the real-gated linear recurrent unit."""

    gates: Tensor
    """Blocks ``r i`` before the sigmoid, ``[T, B, 2H]``."""
    u: Tensor
    """The values to remember, ``[T, B, H]``."""
    rate: Tensor
    """Forgetting rate of each unit where r is 1, ``[H]``, above 0, in the type of the states."""

    def coefficients(self) -> tuple[Tensor, Tensor]:
        r, i = torch.sigmoid(self.gates).chunk(2, dim=-1)
        log_a = -self.rate * r
        # At 0 the square root's gradient would be infinite.
        input_scale = torch.sqrt((-torch.expm1(2 * log_a)).clamp(min=_SMALLEST))
        return torch.exp(log_a), input_scale * i * self.u


GateInputs = MinGruInputs | MinLstmInputs | RgLruInputs
