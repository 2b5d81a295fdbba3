"""Matrix products on CPUs through oneDNN, whatever library torch itself would use.

torch uses oneDNN for bfloat16 products but MKL for float32, which is half as fast on some
processors. Each product also packs its weights again, which takes a third of the time where a
recurrence multiplies a few rows by the same weights at every step; ``Packed`` packs them once.

For use inside hand-written passes: no gradients flow through these. Where oneDNN is missing or
switched off (``torch.backends.mkldnn.flags(enabled=False)``), the same calls are torch's plain
products.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

_LITTLE = 2**20
"""Multiplications below which torch's plain product is faster: setting up oneDNN's takes 10
microseconds."""
_FEW = 16
"""Fewest products with the same weights for which packing them can pay."""
_SMALL = {torch.float32: 2**16, torch.bfloat16: 2**19}
"""Number of weights below which packing does not pay. All limits were measured at 4 to 64 rows."""


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, *, buffer: Tensor | None = None) -> Tensor:
    """``x[N, D]`` times ``weight[H, D]`` transposed, and ``bias[H]`` added.

    The result may use the memory of ``buffer[N, H]``, or not.

    >>> weight, bias = torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([0.5, 0.0])
    >>> linear(torch.tensor([[1.0, 2.0]]), weight, bias)
    tensor([[11.5000, 17.0000]])
    """
    if x.dtype == torch.float32 and len(x) * weight.numel() >= _LITTLE and _through_onednn(x):
        return _linear(x, weight, bias)
    if buffer is None:
        return torch.nn.functional.linear(x, weight, bias)
    return torch.mm(x, weight.t(), out=buffer) if bias is None else torch.addmm(bias, x, weight.t(), out=buffer)


def transposed(left: Tensor, right: Tensor) -> Tensor:
    """``left[N, G]`` transposed times ``right[N, D]``, as ``[G, D]``: a sum over rows, the gradient
    of weights.

    >>> transposed(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0], [10.0]]))
    tensor([[31.],
            [42.]])
    """
    if left.dtype == torch.float32 and left.shape[1] * right.numel() >= _LITTLE and _through_onednn(left):
        return _linear(left.t(), right.t(), None)
    return left.t() @ right


class Packed:
    """Weights ``[H, D]`` packed for many products of ``rows`` rows each.

    >>> times = Packed(torch.tensor([[3.0, 4.0], [5.0, 6.0]]), rows=1, products=100)
    >>> times(torch.tensor([[1.0, 2.0]]))
    tensor([[11., 17.]])
    """

    def __init__(self, weight: Tensor, *, rows: int, products: int) -> None:
        """``products`` is their expected number; for few products or few weights, nothing is
        packed.
        """
        self._weight, self._packed = weight.t(), None
        large = weight.numel() >= _SMALL.get(weight.dtype, math.inf)
        if large and products >= _FEW and _through_onednn(weight):
            with torch.no_grad():
                self._packed = torch.ops.mkldnn._reorder_linear_weight.default(weight.detach(), rows)

    def __call__(self, x: Tensor) -> Tensor:
        """``x[rows, D]`` times the weights transposed, ``[rows, H]``, in new memory."""
        return x @ self._weight if self._packed is None else _linear(x, self._packed, None)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")


def _through_onednn(x: Tensor) -> bool:
    return x.device.type == "cpu" and bool(torch.backends.mkldnn.enabled) and _works(x.dtype)


@cache
def _works(dtype: torch.dtype) -> bool:
    """Whether torch's internal operators exist and give the right result on small numbers."""
    if dtype not in (torch.float32, torch.bfloat16) or not torch.backends.mkldnn.is_available():
        return False
    operators: Any = torch.ops.mkldnn
    x, weight = (torch.arange(size).remainder(7).sub(3).to(dtype) for size in (5 * 48, 33 * 48))
    x, weight = x.view(5, 48), weight.view(33, 48)
    expected = x @ weight.t()
    try:
        with torch.no_grad():
            packed = operators._reorder_linear_weight.default(weight, 5)
            results = [operators._linear_pointwise.default(x, form, None, "none", [], "") for form in (weight, packed)]
    except (AttributeError, RuntimeError):
        return False
    return all(torch.equal(result, expected) for result in results)
