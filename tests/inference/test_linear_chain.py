"""Tags from scores against the enumeration of all sequences of short sentences, and against
torch."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from elman.inference.linear_chain import LinearChain
from elman.metrics.span_schemes import SCHEMES, invalid_at
from elman.metrics.span_schemes import allowed as may_follow
from elman.nn.crf import Crf

TAGS = 3
LENGTHS = (4, 0, 1, 2, 5)


def rules() -> np.ndarray:
    """Tag 1 never follows tag 0, no sentence begins with tag 2 or ends with tag 1."""
    found = np.ones((TAGS + 1, TAGS + 1), np.bool_)
    found[0, 1] = found[TAGS, 2] = found[1, TAGS] = False
    return found


def made(kind: str) -> tuple[LinearChain, list[np.ndarray]]:
    rng = np.random.default_rng(5)
    scores = [rng.normal(size=(length, TAGS)) for length in LENGTHS]
    crf: dict[str, Any] = {"transitions": rng.normal(size=(TAGS, TAGS))}
    crf |= {name: rng.normal(size=TAGS) for name in ("begin", "end")}
    allowed = None if kind == "softmax" else rules()
    return LinearChain(TAGS, allowed=allowed, **(crf if kind == "crf" else {})), scores


def every_sequence(chain: LinearChain, scores: np.ndarray, *, free: bool) -> list[tuple[float, tuple[int, ...]]]:
    """All valid sequences and their scores by the definition, the best first."""
    found = []
    for tags in itertools.product(range(TAGS), repeat=len(scores)):
        if tags and not free and not all(rules()[pair] for pair in itertools.pairwise((TAGS, *tags, TAGS))):
            continue
        score = sum(scores[place, tag] for place, tag in enumerate(tags))
        score += sum(chain.transitions[pair] for pair in itertools.pairwise(tags))
        found.append((score + chain.begin[tags[0]] + chain.end[tags[-1]] if tags else 0.0, tags))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("kind", ["softmax", "scheme", "crf"])
def test_everything_is_what_enumeration_gives(kind: str) -> None:
    chain, scores = made(kind)
    results = zip(scores, chain.best(scores), chain.marginals(scores), chain.log_partition(scores), strict=True)
    for own, best, marginals, total in results:
        every = every_sequence(chain, own, free=kind == "softmax")
        assert tuple(best.tolist()) == every[0][1]
        assert total == pytest.approx(np.logaddexp.reduce([score for score, _ in every]), abs=1e-12)
        expected = np.zeros((len(own), TAGS))
        for score, tags in every:
            expected[np.arange(len(own)), list(tags)] += np.exp(score - total)
        np.testing.assert_allclose(marginals, expected, atol=1e-12)
        for n in (1, 4, 1000):
            found = chain.n_best(own, n)
            assert [tuple(tags.tolist()) for tags, _ in found] == [tags for _, tags in every[:n]]
            np.testing.assert_allclose([score for _, score in found], [score for score, _ in every[:n]])
        assert chain.score(own, best.tolist()) == pytest.approx(every[0][0])


@pytest.mark.parametrize("kind", ["softmax", "scheme", "crf"])
def test_the_probability_of_a_piece_sums_over_all_other_words(kind: str) -> None:
    chain, scores = made(kind)
    own, tags = scores[4], chain.best(scores)[4]
    total = chain.log_partition([own])[0]
    every = every_sequence(chain, own, free=kind == "softmax")
    expected = sum(np.exp(score - total) for score, each in every if each[1:3] == tuple(tags[1:3].tolist()))
    assert chain.part_probability(own, tags)(1, 3) == pytest.approx(expected, rel=1e-9)


def test_many_sentences_and_one_give_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    scores = [rng.normal(size=(length, TAGS)) * 5 for length in rng.integers(0, 12, 60)]
    chain, _ = made("crf")
    for together, name in ((chain.best(scores), "best"), (chain.marginals(scores), "marginals")):
        for own, found in zip(scores, together, strict=True):
            assert np.array_equal(getattr(chain, name)([own])[0], found)


def test_scores_and_sums_are_those_of_torch() -> None:
    chain, scores = made("crf")
    crf = Crf(TAGS, rules()).double()
    with torch.no_grad():
        # Scores without what is forbidden, which both add.
        for name in ("transitions", "begin", "end"):
            getattr(crf, name).copy_(torch.from_numpy(np.maximum(getattr(chain, name), -50)))
    padded = torch.zeros(len(scores), 5, TAGS, dtype=torch.float64)
    for row, own in enumerate(scores):
        padded[row, : len(own)] = torch.from_numpy(own)
    found = crf.log_partition(padded, torch.tensor(LENGTHS))
    np.testing.assert_allclose(chain.log_partition(scores), found.detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_sequence_breaks_the_rules_of_its_scheme(scheme: str) -> None:
    prefixes = {"IO": "I", "BIOES": "BIES", "BILOU": "BILU"}.get(scheme, "BI")
    names = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in ("a", "b"))]
    places = (*names, None)
    allowed = np.array([[may_follow(before, tag, scheme) for tag in places] for before in places])
    rng = np.random.default_rng(1)
    scores = [rng.normal(size=(length, len(names))) * 3 for length in rng.integers(1, 9, 50)]
    for tags in LinearChain(len(names), allowed=allowed).best(scores):
        assert not invalid_at([names[tag] for tag in tags], scheme)


def test_a_sentence_without_any_valid_sequence_still_has_tags() -> None:
    allowed = np.zeros((TAGS + 1, TAGS + 1), np.bool_)
    chain = LinearChain(TAGS, allowed=allowed)
    assert len(chain.best([np.zeros((3, TAGS))])[0]) == 3
    assert np.isfinite(chain.marginals([np.zeros((3, TAGS))])[0]).all()


def test_a_temperature_divides_scores_but_not_what_is_forbidden() -> None:
    chain, scores = made("crf")
    cooled = chain.cooled(2.0)
    every = every_sequence(chain, scores[0], free=False)
    expected = np.logaddexp.reduce([score / 2 for score, _ in every])
    assert cooled.log_partition([scores[0] / 2])[0] == pytest.approx(expected, abs=1e-12)
