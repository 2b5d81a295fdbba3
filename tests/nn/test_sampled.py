"""Sampled softmax against its slow twin, against the full softmax, and against simulation."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.nn import sampled as module
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks
from elman.nn.embedding import Embedding
from elman.nn.sampled import SampledOutput

N, E, V = 23, 6, 60
CLUSTERS = Clusters(np.random.default_rng(0).permutation(V).astype(np.int32), (V,))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOGITS", 200)
    monkeypatch.setattr(module, "_ROUND", 7)


def build(tied: bool, *, samples: int = 25) -> tuple[SampledOutput, Embedding]:
    torch.manual_seed(1)
    embedding = Embedding(V, E, sparse=True)
    torch.nn.init.normal_(embedding.weight)
    output = SampledOutput(E, CLUSTERS, samples=samples, tied=embedding if tied else None)
    torch.nn.init.normal_(output.bias)
    return output, embedding


def data(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    y = torch.randn(N, E, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    return y, torch.randint(V, (N,), generator=generator)


def dense(gradient: Tensor) -> Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("samples", [1, 25, 200])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_is_that_of_rows_one_by_one(tied: bool, samples: int, dtype: torch.dtype) -> None:
    output, embedding = build(tied, samples=samples)
    output.to(dtype)
    embedding.to(dtype)
    y, targets = data(dtype)
    inputs = torch.randint(V + 1, (N,))
    leaves = [y, output.bias, embedding.weight, *([] if tied else [output.weight])]

    def gradients(loss: object) -> tuple[Tensor, ...]:
        masks = Masks(3, 4)
        total, count = loss(y + embedding(inputs, masks), targets, masks)  # type: ignore[operator]
        assert count == N
        return (total.detach(), *map(dense, torch.autograd.grad(total / 3, leaves)))

    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for found, expected in zip(gradients(output.loss), gradients(output.plain_loss), strict=True):
        torch.testing.assert_close(found.to(expected), expected, rtol=tolerance, atol=tolerance)


def test_the_twin_by_hand() -> None:
    output, _ = build(False)
    y, targets = data(torch.float64)
    output.double()
    drawn = output.draw(Masks(1, 2)).tolist()
    assert any(int(target) in drawn for target in targets) and any(int(target) not in drawn for target in targets)
    total, weight, bias = 0.0, output.weight.detach(), output.bias.detach()
    for row, target in zip(y.detach(), targets.tolist(), strict=True):
        scores = {}
        for k in {target, *drawn}:
            once = math.log((CLUSTERS.ranks[k] + 2) / (CLUSTERS.ranks[k] + 1)) / math.log(V + 1)
            scores[k] = float(weight[k] @ row + bias[k]) - math.log(1 - (1 - once) ** 25)
        total -= scores[target] - math.log(sum(map(math.exp, scores.values())))
    assert output.loss(y, targets, Masks(1, 2))[0].item() == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_with_all_types_drawn_it_is_the_full_softmax(tied: bool) -> None:
    output, embedding = build(tied, samples=V)
    y, targets = data()
    leaves = [y, output.bias, embedding.weight if tied else output.weight]
    sampled, _ = output.loss(y, targets, Masks(1, 1))
    full, _ = output.loss(y, targets)
    assert sampled.item() == pytest.approx(full.item(), rel=1e-6)
    for found, expected in zip(torch.autograd.grad(sampled, leaves), torch.autograd.grad(full, leaves), strict=True):
        torch.testing.assert_close(dense(found), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_types_are_drawn_as_often_as_expected() -> None:
    output, _ = build(False)
    rounds = 4000
    hits = torch.zeros(V)
    for update in range(rounds):
        drawn = output.draw(Masks(7, update))
        assert len(drawn.unique()) == len(drawn) <= 25
        hits[drawn] += 1
    expected = output.expected(torch.arange(V)).float()
    deviation = (hits / rounds - expected) / (expected * (1 - expected) / rounds).sqrt()
    assert deviation.abs().max() < 4.5
    # Frequent types nearly always, the rarest seldom.
    by_rank = expected[torch.from_numpy(CLUSTERS.ranks).argsort()]
    assert (by_rank.diff() < 0).all() and by_rank[0] > 0.98 and by_rank[-1] < 0.12


def test_the_weighted_sum_over_a_sample_is_unbiased() -> None:
    output, _ = build(False)
    scores = torch.randn(V, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    weights = scores.exp() / output.expected(torch.arange(V))
    sums = torch.tensor([float(weights[output.draw(Masks(9, update))].sum()) for update in range(4000)])
    assert sums.mean().item() == pytest.approx(scores.exp().sum().item(), abs=4.5 * sums.std().item() / 4000**0.5)


def test_only_rows_that_took_part_have_a_gradient() -> None:
    output, embedding = build(True)
    y, targets = data()
    inputs, masks = torch.tensor([[V, 3]]), Masks(1, 1)
    x = embedding(inputs, masks).sum()
    output.loss(y + x, targets, masks)[0].backward()
    gradient = embedding.weight.grad
    assert gradient is not None and gradient.is_sparse
    touched = set(gradient.coalesce().indices()[0].tolist())
    assert touched == {*output.draw(Masks(1, 1)).tolist(), *targets.tolist(), V, 3}


def test_the_sample_follows_seed_and_update() -> None:
    output, _ = build(False)
    assert torch.equal(output.draw(Masks(1, 5)), output.draw(Masks(1, 5)))
    assert not torch.equal(output.draw(Masks(1, 5)), output.draw(Masks(1, 6)))
    assert not torch.equal(output.draw(Masks(1, 5)), output.draw(Masks(2, 5)))


def test_without_masks_it_is_exact_and_its_gradient_dense() -> None:
    output, embedding = build(True)
    y, targets = data()
    total, _ = output.loss(y + embedding(targets), targets)
    expected = -output.log_probs(y + embedding(targets)).gather(1, targets.unsqueeze(1)).sum()
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)
    assert not torch.autograd.grad(total, [embedding.weight])[0].is_sparse


def test_under_bfloat16_autocast_it_stays_close_and_its_gradients_are_float32() -> None:
    output, embedding = build(True)
    y, targets = data()
    leaves = [y, embedding.weight, output.bias]
    exact, _ = output.plain_loss(y, targets, Masks(1, 1))
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y, targets, Masks(1, 1))
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(exact.item(), rel=3e-3)
    for found, expected in zip(torch.autograd.grad(total, leaves), torch.autograd.grad(exact, leaves), strict=True):
        assert found.dtype == torch.float32
        assert (dense(found) - dense(expected)).norm() / dense(expected).norm() < 0.02


def test_bfloat16_rows_get_bfloat16_gradients() -> None:
    output, _ = build(False)
    y, targets = data(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y, targets, Masks(1, 1))
    (gradient,) = torch.autograd.grad(total, [y])
    assert gradient.dtype == torch.bfloat16
    (expected,) = torch.autograd.grad(output.plain_loss(y.float(), targets, Masks(1, 1))[0], [y])
    assert (gradient - expected).float().norm() / expected.float().norm() < 0.02


def test_padding_costs_nothing_and_is_not_counted() -> None:
    output, _ = build(False)
    y, targets = data()
    padded = targets.clone()
    padded[::3] = -1
    keep = padded >= 0
    total, count = output.loss(y, padded, Masks(1, 1))
    assert count == int(keep.sum())
    assert total.item() == pytest.approx(output.plain_loss(y[keep], targets[keep], Masks(1, 1))[0].item(), rel=1e-6)
    assert (torch.autograd.grad(total, [y])[0][~keep] == 0).all()
    assert output.loss(y, torch.full_like(targets, -1), Masks(1, 1))[1] == 0
