"""The adaptive softmax against its definition and against torch's own, in value, gradients and
memory.
"""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.nn.largest import Largest
from torch import Tensor

from elman.nn import adaptive as module
from elman.nn.adaptive import AdaptiveEmbedding, AdaptiveOutput
from elman.nn.clusters import Clusters
from elman.nn.dropout import Masks

N, E, V = 45, 40, 37
CLUSTERS = Clusters(np.random.default_rng(0).permutation(V).astype(np.int32), (5, 14, 17, V))
"""Head of 5; tails of 9, 3 and 20 types, of 32 numbers each; ids in no order."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOGITS", 2 * V)


def build(tied: bool) -> tuple[AdaptiveOutput, AdaptiveEmbedding]:
    generator = torch.Generator().manual_seed(1)
    embedding = AdaptiveEmbedding(CLUSTERS, E, generator=generator)
    output = AdaptiveOutput(E, CLUSTERS, tied=embedding if tied else None, generator=generator)
    with torch.no_grad():
        for parameter in (*embedding.parameters(), output.bias, output.mark_bias):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return output, embedding


def data(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    y = torch.randn(N, E, generator=generator, dtype=torch.float64).div(3).to(dtype).requires_grad_()
    return y, torch.randint(V, (N,), generator=generator)


@pytest.mark.parametrize("ends", [(7, 30), (7, 12, 30)])
def test_it_is_what_torch_calls_adaptive(ends: tuple[int, ...]) -> None:
    torch.manual_seed(4)
    size, vocab = 512, ends[-1]  # the widths 512, 128 and 32 are theirs too
    ranks = np.random.default_rng(3).permutation(vocab).astype(np.int32)
    ours = AdaptiveOutput(size, Clusters(ranks, ends))
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(size, vocab, list(ends[:-1]), div_value=4, head_bias=True)
    head = ends[0]
    pairs: list[tuple[Tensor, Tensor]] = []
    for number, tail in enumerate(theirs.tail, 1):
        pairs += [(ours.own.projection(number), tail[0].weight), (ours.own.table(number), tail[1].weight)]  # type: ignore[index]
    with torch.no_grad():
        ours.mark_bias.normal_()
        ours.bias[:head].normal_()  # their tails have no bias
        theirs.head.weight.copy_(torch.cat([ours.own.table(0), ours.mark_weight]))
        theirs.head.bias.copy_(torch.cat([ours.bias[:head], ours.mark_bias]))
        for own, other in pairs:
            other.copy_(own)
    y = torch.randn(20, size, requires_grad=True)
    targets = torch.randint(vocab, (20,))
    by_rank = torch.from_numpy(ranks).long()
    torch.testing.assert_close(ours.log_probs(y), theirs.log_prob(y)[:, by_rank])
    total, count = ours.loss(y, targets)
    expected = theirs(y, by_rank[targets]).loss * 20
    torch.testing.assert_close(total, expected)
    found = torch.autograd.grad(total, [y, ours.own.table(0), ours.mark_weight, *(own for own, _ in pairs)])
    wanted = torch.autograd.grad(expected, [y, theirs.head.weight, *(other for _, other in pairs)])
    torch.testing.assert_close(found[0], wanted[0])
    torch.testing.assert_close(torch.cat(found[1:3]), wanted[1])
    for own, other in zip(found[3:], wanted[2:], strict=True):
        torch.testing.assert_close(own, other)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_is_that_of_all_log_probabilities(tied: bool, dtype: torch.dtype) -> None:
    output, embedding = build(tied)
    output.to(dtype)
    embedding.to(dtype)
    y, targets = data(dtype)
    inputs = torch.randint(V + 1, (N,))
    leaves = [y, *output.parameters(), *embedding.parameters()]

    def gradients(loss: object) -> tuple[Tensor, ...]:
        # Tied tables get a gradient from both their uses.
        total, count = loss(y + embedding(inputs) / 3, targets)  # type: ignore[operator]
        assert count == N
        return (total.detach(), *torch.autograd.grad(total / 3, leaves))

    tolerance = 1e-12 if dtype == torch.float64 else 2e-5
    for found, expected in zip(gradients(output.loss), gradients(output.plain_loss), strict=True):
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(found.to(expected), expected, rtol=tolerance, atol=tolerance)


def test_its_gradients_are_those_of_finite_differences() -> None:
    output, embedding = build(True)
    output.double()
    embedding.double()
    y, targets = data(torch.float64)
    leaves = (y, *output.parameters(), *embedding.parameters())
    torch.autograd.gradcheck(lambda *_: output.loss(y + embedding(targets), targets)[0], leaves, fast_mode=True)


def test_tied_means_that_scores_are_products_with_the_embedded_types() -> None:
    output, embedding = build(True)
    y, _ = data()
    ids = torch.arange(V)
    scores = y @ embedding(ids).T + output.bias[torch.from_numpy(CLUSTERS.ranks).long()]
    log_probs = output.log_probs(y)
    for first, end in CLUSTERS.tails:
        inside = torch.from_numpy((CLUSTERS.ranks >= first) & (CLUSTERS.ranks < end))
        within, expected = log_probs[:, inside], scores[:, inside].log_softmax(1)
        torch.testing.assert_close(within - within.logsumexp(1, keepdim=True), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(N,), (9, 5), (3, 3, 5)])
def test_the_embedding_is_a_lookup_in_all_vectors(shape: tuple[int, ...]) -> None:
    _, embedding = build(False)
    ids = torch.randint(V + 1, shape, generator=torch.Generator().manual_seed(4))
    ids.view(-1)[:2] = V
    weights = torch.randn(*shape, E)
    start = embedding.table(0)[-1:]
    everything = torch.cat([embedding.vectors()[torch.from_numpy(CLUSTERS.ranks).long()], start])
    expected = F.embedding(ids, everything)
    found = embedding(ids)
    torch.testing.assert_close(found, expected)
    leaves = list(embedding.parameters())
    for own, other in zip(
        torch.autograd.grad((found * weights).sum(), leaves),
        torch.autograd.grad((expected * weights).sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(own, other)


def test_whole_types_are_dropped_from_the_embedding() -> None:
    embedding = AdaptiveEmbedding(CLUSTERS, E, type_drop=0.5)
    ids = torch.arange(V + 1).repeat(2).view(2, -1)
    dropped = embedding(ids, Masks(1, 1))
    gone = (dropped == 0).all(2)
    assert torch.equal(gone[0], gone[1]) and 5 < int(gone[0].sum()) < V - 5
    torch.testing.assert_close(dropped[~gone], embedding(ids)[~gone] * 2)


@pytest.mark.slow
def test_under_bfloat16_autocast_it_stays_close_and_its_gradients_are_float32() -> None:
    output, embedding = build(True)
    y, targets = data()
    leaves = [y, *output.parameters(), *embedding.parameters()]
    plain = output.plain_loss(y + embedding(targets) / 3, targets)[0]
    exact = torch.autograd.grad(plain, leaves)
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y + embedding(targets) / 3, targets)
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(plain.item(), rel=5e-3)
    for found, expected in zip(torch.autograd.grad(total, leaves), exact, strict=True):
        assert found.dtype == torch.float32
        assert (found - expected).norm() / expected.norm() < 0.03


def test_bfloat16_rows_get_bfloat16_gradients() -> None:
    output, _ = build(False)
    y, targets = data(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y, targets)
    (gradient,) = torch.autograd.grad(total, [y])
    assert gradient.dtype == torch.bfloat16
    (expected,) = torch.autograd.grad(output.plain_loss(y.float(), targets)[0], [y])
    assert (gradient - expected).float().norm() / expected.float().norm() < 0.03


@pytest.mark.slow
def test_nothing_of_n_times_v_nor_v_times_e_ever_exists() -> None:
    vocab, rows = 500, 60
    clusters = Clusters(np.arange(vocab, dtype=np.int32), (20, 100, vocab))
    embedding = AdaptiveEmbedding(clusters, E)
    output = AdaptiveOutput(E, clusters, tied=embedding)
    y = torch.randn(rows, E, requires_grad=True)
    targets = torch.randint(vocab, (rows,))
    with Largest() as plain:
        output.plain_loss(y, targets)[0].backward()
    with Largest() as chunked:
        output.loss(y + embedding(targets), targets)[0].backward()
        output.log_prob_of(y, targets)
    assert plain.elements == rows * vocab
    assert chunked.elements == 400 * 32  # the last tail's table, or 32 rows of its scores


def test_hopeless_targets_cost_what_they_should() -> None:
    output = AdaptiveOutput(2, Clusters(np.array([3, 0, 1, 2], np.int32), (2, 4)))
    with torch.no_grad():
        output.bias[3] = -500
        output.mark_bias[0] = -300
    total, _ = output.loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    # Type 0 is the last of the tail: 300 for the mark against ln 2, 500 within; type 1 is the
    # head's first.
    assert total.item() == pytest.approx(300 + math.log(2) + 500 + math.log(2), rel=1e-6)


def test_padding_costs_nothing_and_is_not_counted() -> None:
    output, _ = build(False)
    y, targets = data()
    padded = targets.clone()
    padded[::3] = -1
    keep = padded >= 0
    total, count = output.loss(y, padded)
    assert count == int(keep.sum())
    assert total.item() == pytest.approx(output.plain_loss(y[keep], targets[keep])[0].item(), rel=1e-6)
    (gradient,) = torch.autograd.grad(total, [y])
    assert (gradient[~keep] == 0).all()
    nothing, none = output.loss(y, torch.full_like(targets, -1))
    assert (nothing.item(), none) == (0, 0)
    assert torch.equal(torch.autograd.grad(nothing, [output.bias])[0], torch.zeros(V))


def test_tails_that_no_target_is_in_are_left_alone() -> None:
    output, _ = build(False)
    y, _ = data()
    frequent = torch.from_numpy(np.flatnonzero(CLUSTERS.ranks < 5))
    targets = frequent[torch.arange(N) % 5]
    total, _ = output.loss(y, targets)
    assert total.item() == pytest.approx(output.plain_loss(y, targets)[0].item(), rel=1e-6)
    total.backward()
    assert output.own.table(3).grad is None
    assert output.mark_weight.grad is not None and (output.mark_weight.grad != 0).all()


@pytest.mark.parametrize("time_first", [False, True])
def test_rows_and_times_may_lie_either_way(time_first: bool) -> None:
    output, _ = build(False)
    y = torch.randn(3, 5, E)
    if time_first:
        y = y.transpose(0, 1).contiguous().transpose(0, 1)
    targets = torch.randint(V, (3, 5))
    total, count = output.loss(y, targets)
    assert count == 15
    assert total.item() == pytest.approx(output.plain_loss(y.reshape(15, E), targets.view(15))[0].item(), rel=1e-6)
    each = output.log_probs(y).gather(2, targets.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(output.log_prob_of(y, targets), each)


@pytest.mark.parametrize("tied", [False, True])
def test_probabilities_sum_to_one(tied: bool) -> None:
    output, _ = build(tied)
    log_probs = output.log_probs(data()[0])
    assert log_probs.shape == (N, V) and log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.double().exp().sum(-1), torch.ones(N, dtype=torch.float64), rtol=0, atol=1e-6)


def test_tied_tables_are_the_embeddings_and_are_saved_once() -> None:
    output, embedding = build(True)
    assert sorted(output.state_dict()) == ["bias", "mark_bias", "mark_weight"]
    twin, twin_embedding = copy.deepcopy((output, embedding))
    with torch.no_grad():
        for parameter in (*twin_embedding.parameters(), twin.mark_weight):
            parameter.zero_()
    y, _ = data()
    assert torch.equal(twin.log_probs(y)[0], twin.log_probs(y)[1])  # biases alone are left
    assert not torch.allclose(output.log_probs(y)[0], output.log_probs(y)[1])


def test_the_input_mark_is_no_type() -> None:
    output, embedding = build(True)
    y, targets = data()
    before = output.log_probs(y)
    with torch.no_grad():
        embedding.table(0)[-1] = 100
    assert torch.equal(output.log_probs(y), before)
    assert (embedding(torch.tensor([V])) == 100).all()
    (gradient,) = torch.autograd.grad(output.loss(y, targets)[0], [embedding.table(0)])
    assert (gradient[-1] == 0).all() and (gradient[:-1] != 0).all()
