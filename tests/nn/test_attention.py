"""Attention against its equations, written by hand in NumPy."""

import numpy as np
import pytest
import torch

from elman.nn.attention import Attention

SIZES = {"queries": 4, "values": 3, "keys": 4}


def by_hand(attention, query, values):
    """One query over one source, in loops: weights ``[S]`` and context ``[D]``."""
    w = {name: parameter.detach().double().numpy() for name, parameter in attention.named_parameters()}
    scores = []
    for h in values:
        if "score" in w:
            scores.append(w["score"] @ np.tanh(w["query"] @ query + w["key"] @ h))
        else:
            scores.append(query @ w["key"] @ h / np.sqrt(len(w["key"])))
    weights = np.exp(scores) / np.exp(scores).sum()
    return weights, sum(weight * h for weight, h in zip(weights, values, strict=True))


@pytest.mark.parametrize("additive", [True, False])
def test_weights_and_context_are_those_of_the_papers(additive):
    torch.manual_seed(1)
    attention = Attention(additive=additive, **SIZES).double()
    queries, values, lengths = torch.randn(2, 5, 4).double(), torch.randn(2, 6, 3).double(), torch.tensor([6, 2])
    context, weights = attention(queries, attention.keys(values), values, lengths)
    for row, length in enumerate(lengths.tolist()):
        for time in range(5):
            wanted, mean = by_hand(attention, queries[row, time].numpy(), values[row, :length].numpy())
            np.testing.assert_allclose(weights[row, time, :length].detach(), wanted, rtol=1e-9)
            np.testing.assert_allclose(context[row, time].detach(), mean, rtol=1e-9)
    assert not weights[1, :, 2:].any()


# v = 1, W = U = 1, q = 0: the scores are tanh(h); q = 1 of dot products: the scores are h.
def test_two_outputs_worked_out_by_hand():
    values, query = torch.tensor([[[0.0], [1.0]]]), torch.tensor([[[1.0]]])
    for additive, score in ((True, np.tanh(2.0) - np.tanh(1.0)), (False, 1.0)):
        attention = Attention(additive=additive, queries=1, values=1, keys=1)
        for parameter in attention.parameters():
            parameter.data.fill_(1.0)
        context, _ = attention(query, attention.keys(values), values, torch.tensor([2]))
        assert float(context.detach()) == pytest.approx(1 / (1 + np.exp(-score)), abs=1e-6)


@pytest.mark.parametrize("additive", [True, False])
def test_padding_has_no_gradient(additive):
    attention = Attention(additive=additive, **SIZES)
    values = torch.randn(1, 4, 3, requires_grad=True)
    context, _ = attention(torch.randn(1, 2, 4), attention.keys(values), values, torch.tensor([2]))
    context.sum().backward()
    assert values.grad is not None and values.grad[0, :2].abs().min() > 0 and not values.grad[0, 2:].any()
