"""The chunked loss against plain cross entropy, in value, gradients and memory."""

import copy
import math

import pytest
import torch
from tests.nn.largest import Largest
from torch import Tensor

from elman.nn import chunked as module
from elman.nn.embedding import Embedding
from elman.nn.output import Output

N, E, V = 23, 6, 11


@pytest.fixture(autouse=True)
def chunks_of_seven_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOGITS", 7 * V)
    monkeypatch.setattr(module, "_MOST_LOGITS", 7 * V)


def build(tied: bool) -> tuple[Output, Embedding]:
    torch.manual_seed(1)
    embedding = Embedding(V, E)
    torch.nn.init.normal_(embedding.weight)
    output = Output(E, V, tied=embedding if tied else None)
    torch.nn.init.normal_(output.bias)
    return output, embedding


def data(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    y = torch.randn(N, E, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    return y, torch.randint(V, (N,), generator=generator)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_chunked_loss_is_plain_cross_entropy(tied: bool, dtype: torch.dtype) -> None:
    output, embedding = build(tied)
    output.to(dtype)
    embedding.to(dtype)
    y, targets = data(dtype)
    inputs = torch.randint(V + 1, (N,))
    leaves = [y, output.bias, embedding.weight, *([] if tied else [output.weight])]

    def gradients(loss: object) -> tuple[Tensor, ...]:
        # A tied weight gets a gradient from both its uses.
        total, count = loss(y + embedding(inputs), targets)  # type: ignore[operator]
        assert count == N
        return (total.detach(), *torch.autograd.grad(total / 3, leaves))

    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for found, expected in zip(gradients(output.loss), gradients(output.plain_loss), strict=True):
        torch.testing.assert_close(found.to(expected), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tied", [False, True])
def test_its_gradients_are_those_of_finite_differences(tied: bool) -> None:
    output, embedding = build(tied)
    output.double()
    embedding.double()
    y, targets = data(torch.float64)
    weight = embedding.weight if tied else output.weight
    torch.autograd.gradcheck(lambda *_: output.loss(y, targets)[0], (y, weight, output.bias), fast_mode=True)


def test_under_bfloat16_autocast_it_stays_close_and_its_gradients_are_float32() -> None:
    output, embedding = build(True)
    y, targets = data()
    exact = torch.autograd.grad(output.plain_loss(y, targets)[0], [y, embedding.weight, output.bias])
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y, targets)
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(output.plain_loss(y, targets)[0].item(), rel=3e-3)
    low = torch.autograd.grad(total, [y, embedding.weight, output.bias])
    for found, expected in zip(low, exact, strict=True):
        assert found.dtype == torch.float32
        assert (found - expected).norm() / expected.norm() < 0.01


def test_bfloat16_inputs_get_bfloat16_gradients() -> None:
    output, _ = build(False)
    y, targets = data(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        total, _ = output.loss(y, targets)
    (gradient,) = torch.autograd.grad(total, [y])
    assert gradient.dtype == torch.bfloat16
    (expected,) = torch.autograd.grad(output.plain_loss(y.float(), targets)[0], [y])
    assert (gradient - expected).float().norm() / expected.float().norm() < 0.01


@pytest.mark.slow
def test_no_more_than_a_chunk_of_the_logits_ever_exists() -> None:
    output, _ = build(False)
    y, targets = data()
    with Largest() as plain:
        output.plain_loss(y, targets)[0].backward()
    with Largest() as chunked:
        output.loss(y, targets)[0].backward()
        output.log_prob_of(y, targets)
    assert plain.elements == N * V
    assert chunked.elements <= max(7 * V, N * E)


def test_hopeless_targets_cost_what_they_should() -> None:
    output, _ = build(False)
    with torch.no_grad():
        output.bias.zero_()
        output.bias[3] = -500
    y = torch.zeros(2, E)
    total, _ = output.loss(y, torch.tensor([3, 0]))
    # ln(10 + exp(-500)) for type 0; 500 more for type 3
    assert total.item() == pytest.approx(2 * math.log(10) + 500, rel=1e-6)


def test_padding_costs_nothing_and_is_not_counted() -> None:
    output, _ = build(False)
    y, targets = data()
    padded = targets.clone()
    padded[::3] = -1
    keep = padded >= 0
    total, count = output.loss(y, padded)
    expected, _ = output.plain_loss(y[keep], targets[keep])
    assert count == int(keep.sum())
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)
    (gradient,) = torch.autograd.grad(total, [y])
    assert (gradient[~keep] == 0).all()
    nothing, none = output.loss(y, torch.full_like(targets, -1))
    assert (nothing.item(), none) == (0, 0)
    assert torch.equal(torch.autograd.grad(nothing, [output.weight])[0], torch.zeros(V, E))


@pytest.mark.parametrize("time_first", [False, True])
def test_rows_and_times_may_lie_either_way(time_first: bool) -> None:
    output, _ = build(False)
    y = torch.randn(3, 5, E)
    if time_first:
        y = y.transpose(0, 1).contiguous().transpose(0, 1)
    targets = torch.randint(V, (3, 5))
    total, count = output.loss(y, targets)
    assert count == 15
    expected, _ = output.plain_loss(y.contiguous().view(15, E), targets.view(15))
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)
    each = output.log_probs(y).gather(2, targets.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(output.log_prob_of(y, targets), each)


def test_probabilities_sum_to_one_and_agree_with_the_loss() -> None:
    output, _ = build(True)
    y, targets = data()
    log_probs = output.log_probs(y)
    assert log_probs.shape == (N, V)
    torch.testing.assert_close(log_probs.double().exp().sum(-1), torch.ones(N, dtype=torch.float64), rtol=0, atol=1e-6)
    chosen = log_probs[torch.arange(N), targets]
    assert output.loss(y, targets)[0].item() == pytest.approx(-chosen.sum().item(), rel=1e-6)


def test_a_tied_weight_is_the_embedding_and_is_saved_once() -> None:
    output, embedding = build(True)
    assert list(output.state_dict()) == ["bias"]
    twin, twin_embedding = copy.deepcopy((output, embedding))
    with torch.no_grad():
        twin_embedding.weight.zero_()
    y, _ = data()
    expected = output.bias.log_softmax(0).expand(N, V)
    torch.testing.assert_close(twin.log_probs(y), expected)
    assert not torch.allclose(output.log_probs(y), expected)


def test_the_input_mark_is_no_type() -> None:
    output, embedding = build(True)
    y, targets = data()
    before = output.log_probs(y)
    with torch.no_grad():
        embedding.weight[V] = 100
    assert torch.equal(output.log_probs(y), before)
    total, _ = output.loss(y, targets)
    assert (torch.autograd.grad(total, [embedding.weight])[0][V] == 0).all()
