"""Row-sparse steps against loops over rows, and against the dense optimiser where all rows are
touched."""

import copy
import math
from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.training.optimizers import OptimizerName, make_optimizers, optimizer_arrays, restore_optimizer
from elman.training.sparse_updates import clip_gradients, step

ROWS, SIZE = 7, 3


class Two(nn.Module):
    """A table and a dense matrix, with a loss that touches given rows of the table."""

    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.sparse = sparse
        self.table = nn.Parameter(torch.randn(ROWS, SIZE, generator=generator))
        self.matrix = nn.Parameter(torch.randn(SIZE, 4, generator=generator))
        self.bias = nn.Parameter(torch.randn(4, generator=generator))

    def backward(self, ids: list[int]) -> None:
        self.zero_grad(set_to_none=True)
        vectors = F.embedding(torch.tensor(ids), self.table, sparse=self.sparse)
        ((vectors @ self.matrix + self.bias) ** 2).sum().backward()


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_with_all_rows_touched_it_is_the_dense_step(name: OptimizerName) -> None:
    lazy, dense = Two(sparse=True), Two(sparse=False)
    steps = [make_optimizers(each, name=name, rate=0.01, weight_decay=0.1)[0] for each in (lazy, dense)]
    for update in range(4):
        ids = [*np.random.default_rng(update).permutation(ROWS), 2, 2]
        lazy.backward(ids)
        dense.backward(ids)
        assert lazy.table.grad is not None and lazy.table.grad.is_sparse
        norms = [clip_gradients(each.parameters(), 5.0) for each in (lazy, dense)]
        assert norms[0] == pytest.approx(norms[1], rel=1e-6) and norms[0] > 5
        step(steps[0])
        steps[1].step()
        for own, other in zip(lazy.parameters(), dense.parameters(), strict=True):
            torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)


def test_adamw_row_by_row() -> None:
    """Loshchilov and Hutter's equations in plain Python; only touched rows know of an update."""
    network = Two(sparse=True)
    [optimizer] = make_optimizers(network, name="adamw", rate=0.02, weight_decay=0.3)
    weights = network.table.detach().double().numpy().copy()
    means, squares = np.zeros_like(weights), np.zeros_like(weights)
    for update, ids in enumerate([[0, 1, 1], [5], [1, 5, 0], [1], [2, 2, 2]], 1):
        network.backward(ids)
        gradient = network.table.grad
        assert gradient is not None
        full = gradient.to_dense().double().numpy()
        step(optimizer)
        for row in sorted(set(ids)):
            weights[row] *= 1 - 0.02 * 0.3
            means[row] = 0.9 * means[row] + 0.1 * full[row]
            squares[row] = 0.99 * squares[row] + 0.01 * full[row] ** 2
            mean, square = means[row] / (1 - 0.9**update), squares[row] / (1 - 0.99**update)
            weights[row] -= 0.02 * mean / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(network.table.detach().numpy(), weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_untouched_rows_stay_bit_for_bit_and_so_does_the_memory_of_them(name: OptimizerName) -> None:
    network = Two(sparse=True)
    [optimizer] = make_optimizers(network, name=name, rate=0.01, weight_decay=0.1)
    network.backward(list(range(ROWS)))
    step(optimizer)
    weights, memory = network.table.detach().clone(), memory_of(optimizer, network.table)
    network.backward([1, 4, 4])
    step(optimizer)
    untouched = [0, 2, 3, 5, 6]
    assert torch.equal(network.table[untouched], weights[untouched])
    assert (network.table[[1, 4]] != weights[[1, 4]]).all()
    for before, after in zip(memory, memory_of(optimizer, network.table), strict=True):
        assert torch.equal(after[untouched], before[untouched]) and (after[[1, 4]] != before[[1, 4]]).all()


def memory_of(optimizer: torch.optim.Optimizer, parameter: Tensor) -> list[Tensor]:
    return [part.clone() for part in optimizer.state[parameter].values() if part is not None and part.ndim]


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_going_on_from_saved_memory_gives_the_same_bits(name: OptimizerName) -> None:
    whole = Two(sparse=True)
    [optimizer] = make_optimizers(whole, name=name, rate=0.01)
    for ids in ([0, 1], [1, 2]):
        whole.backward(ids)
        step(optimizer)
    parts = copy.deepcopy(whole)
    [again] = make_optimizers(parts, name=name, rate=0.01)
    restore_optimizer([again], optimizer_arrays([optimizer]))
    for network, own in ((whole, optimizer), (parts, again)):
        for ids in ([2, 0], [6]):
            network.backward(ids)
            step(own)
    for one, two in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("sparse", [True, False])
def test_clipping_by_hand(sparse: bool) -> None:
    network = Two(sparse=sparse)
    network.backward([3, 3, 1])
    gradients = [p.grad.to_dense().clone() for p in network.parameters() if p.grad is not None]
    norm = math.sqrt(sum(float((part.double() ** 2).sum()) for part in gradients))
    assert clip_gradients(network.parameters(), math.inf) == pytest.approx(norm, rel=1e-6)
    assert clip_gradients(network.parameters(), norm * 2) == pytest.approx(norm, rel=1e-6)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad.to_dense(), gradient)
    assert clip_gradients(network.parameters(), 0.5) == pytest.approx(norm, rel=1e-6)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad.to_dense(), gradient * (0.5 / norm), rtol=1e-5, atol=1e-6)


def test_a_gradient_that_is_not_finite_is_told_and_left() -> None:
    network = Two(sparse=True)
    network.backward([3])
    assert network.bias.grad is not None
    network.bias.grad[0] = math.nan
    assert math.isnan(clip_gradients(network.parameters(), 1.0))
