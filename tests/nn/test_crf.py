"""The CRF against the enumeration of all sequences of short sentences."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.nn.crf import Crf

TAGS = 3
LENGTHS = torch.tensor([4, 1, 0, 2])


def allowed() -> np.ndarray:
    """Tag 1 never follows tag 0, no sentence begins with tag 2 or ends with tag 1."""
    found = np.ones((TAGS + 1, TAGS + 1), np.bool_)
    found[0, 1] = found[TAGS, 2] = found[1, TAGS] = False
    return found


def made(rules: np.ndarray | None) -> tuple[Crf, Tensor]:
    torch.manual_seed(3)
    crf = Crf(TAGS, rules).double()
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    return crf, torch.randn(len(LENGTHS), 4, TAGS, dtype=torch.float64)


def sequence_score(crf: Crf, emissions: Tensor, tags: tuple[int, ...]) -> Tensor:
    """By the definition."""
    score = emissions.new_zeros(())
    for place, tag in enumerate(tags):
        score = score + emissions[place, tag]
        score = score + (crf.transitions[tags[place - 1], tag] if place else crf.begin[tag])
    return score + crf.end[tags[-1]] if tags else score


def valid(tags: tuple[int, ...], rules: np.ndarray) -> bool:
    return not tags or all(rules[pair] for pair in itertools.pairwise((TAGS, *tags, TAGS)))


def enumerated(crf: Crf, emissions: Tensor, rules: np.ndarray) -> Tensor:
    """The log partition of each sentence, summed over all its valid sequences."""
    totals = []
    for row, length in zip(emissions, LENGTHS.tolist(), strict=True):
        every = [tags for tags in itertools.product(range(TAGS), repeat=length) if valid(tags, rules)]
        totals.append(torch.logsumexp(torch.stack([sequence_score(crf, row, tags) for tags in every]), 0))
    return torch.stack(totals)


@pytest.mark.parametrize("rules", [None, allowed()], ids=["free", "rules"])
def test_log_partition_is_the_sum_over_all_sequences_in_value_and_gradients(rules: np.ndarray | None) -> None:
    crf, emissions = made(rules)
    found, expected = (emissions.clone().requires_grad_() for _ in range(2))
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    fast = crf.log_partition(found, LENGTHS)
    slow = enumerated(crf, expected, np.ones((TAGS + 1, TAGS + 1), np.bool_) if rules is None else rules)
    torch.testing.assert_close(fast, slow)
    gradients = []
    for total, leaf in ((fast, found), (slow, expected)):
        gradients.append(torch.autograd.grad((total * weights).sum(), [leaf, *crf.parameters()]))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_scores_of_sequences_follow_the_definition() -> None:
    crf, emissions = made(None)
    tags = torch.tensor([[2, 0, 1, 1], [1, 9, 9, 9], [9, 9, 9, 9], [0, 2, 9, 9]])
    found = crf.score(emissions, tags, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        expected = sequence_score(crf, emissions[row], tuple(tags[row, :length].tolist()))
        torch.testing.assert_close(found[row], expected)


def test_nats_are_minus_the_log_probability() -> None:
    crf, emissions = made(allowed())
    every = torch.tensor([tags for tags in itertools.product(range(TAGS), repeat=2) if valid(tags, allowed())])
    nats = crf.nats(emissions[:1, :2].expand(len(every), -1, -1), every, torch.full((len(every),), 2))
    torch.testing.assert_close((-nats).exp().sum(), torch.ones((), dtype=torch.float64))


def test_padding_changes_nothing() -> None:
    crf, emissions = made(allowed())
    tags = torch.tensor([[0, 0, 2, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    padded = torch.cat([emissions, torch.full((4, 3, TAGS), 1e3, dtype=torch.float64)], 1)
    padded[1, 1:] = padded[3, 2:] = -1e3
    longer = torch.cat([tags, torch.full((4, 3), 7)], 1)
    assert torch.equal(crf.nats(padded, longer, LENGTHS), crf.nats(emissions, tags, LENGTHS))


def test_forbidden_sequences_have_no_probability_in_single_precision_either() -> None:
    crf = Crf(TAGS, allowed())
    emissions = torch.tensor([[[50.0, 0.0, 0.0], [0.0, 50.0, 0.0]]]).requires_grad_()
    nats = crf.nats(emissions, torch.tensor([[0, 2]]), torch.tensor([2]))
    assert 0 < nats.item() < 100
    nats.sum().backward()
    assert emissions.grad is not None and torch.isfinite(emissions.grad).all()
    assert crf.nats(emissions, torch.tensor([[0, 1]]), torch.tensor([2])).item() > 5000
