"""Row-sparse gradients: clipping them, and steps of the optimiser that touch only their rows.

With a sampled softmax, or a large embedding next to an adaptive one, an update's gradient is zero
in all but a few rows of a matrix, and its gradient is a sparse tensor that holds those rows alone.
A pass over the whole matrix and the optimiser's memory of it would cost more than everything else.

So the optimiser is lent the rows that were touched, with its memory of them, as if they were the
whole matrix. A row that an update does not touch stays exactly as it is: no decay, no momentum
carries it on, and its running averages do not fade. Adam's correction for the first updates counts
the updates of the whole matrix.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


def clip_gradients(parameters: Iterable[Tensor], limit: float) -> float:
    """Scale all gradients down together when their norm is above ``limit``; returns the norm
    before.

    >>> table = torch.nn.Parameter(torch.zeros(9, 2))
    >>> vectors = torch.nn.functional.embedding(torch.tensor([4, 4]), table, sparse=True)
    >>> (vectors * torch.tensor([[1.0, 4.0], [2.0, 0.0]])).sum().backward()
    >>> clip_gradients([table], 1.0)  # one row, touched twice: (3, 4)
    5.0
    >>> table.grad.to_dense()[4]
    tensor([0.6000, 0.8000])
    """
    parameters = [p for p in parameters if p.grad is not None]
    if not any(p.grad.is_sparse for p in parameters if p.grad is not None):
        return float(torch.nn.utils.clip_grad_norm_(parameters, limit))
    values = []
    for parameter in parameters:
        assert parameter.grad is not None
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            values.append(parameter.grad.values())
        else:
            values.append(parameter.grad)
    norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in values])))
    if math.isfinite(norm) and norm > limit:
        for part in values:
            part.mul_(limit / norm)
    return norm


class _Loan(NamedTuple):
    parameter: Tensor
    rows: Tensor
    whole: Tensor
    memory: dict[str, Tensor]


@torch.no_grad()
def step(optimizer: torch.optim.Optimizer) -> None:
    """One step of any optimiser; where a gradient is row-sparse, of its rows only. These gradients
    are consumed."""
    loans = [
        _lend(optimizer, parameter)
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None and parameter.grad.is_sparse
    ]
    optimizer.step()
    for loan in loans:
        _take_back(optimizer, loan)


def _lend(optimizer: torch.optim.Optimizer, parameter: Tensor) -> _Loan:
    assert parameter.grad is not None
    gradient, whole, own = parameter.grad.coalesce(), parameter.data, optimizer.state[parameter]
    rows = gradient.indices()[0]
    memory = {name: kept for name, kept in own.items() if isinstance(kept, Tensor) and kept.shape == whole.shape}
    parameter.grad = None
    parameter.data = whole[rows]
    parameter.grad = gradient.values()
    own.update({name: kept[rows] for name, kept in memory.items()})
    return _Loan(parameter, rows, whole, memory)


def _take_back(optimizer: torch.optim.Optimizer, loan: _Loan) -> None:
    own = optimizer.state[loan.parameter]
    for name, part in list(own.items()):
        if isinstance(part, Tensor) and part.shape == loan.parameter.shape:
            kept = loan.memory[name] if name in loan.memory else torch.zeros_like(loan.whole)
            kept[loan.rows] = part
            own[name] = kept
    loan.whole[loan.rows] = loan.parameter.data
    loan.parameter.grad = None
    loan.parameter.data = loan.whole
