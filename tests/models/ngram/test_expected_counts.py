"""Expected counts against sums written out place by place."""

import numpy as np
import pytest

from elman.models.ngram.expected_counts import EVERY, SMALL, Predictions, expected_counts, joined
from elman.text.tokenizer import EOS_ID

V = 6


def random_predictions(seed: int, length: int = 60) -> Predictions:
    """Two documents of random tokens and random words said before them, some of them unlikely."""
    draw = np.random.default_rng(seed)
    ids = draw.choice(V, size=length, p=draw.dirichlet(np.ones(V)))
    count = 4 * length
    probs = draw.choice([0.9 * SMALL, SMALL, 0.007, 0.012, 0.03, 0.3], size=count)
    return Predictions(
        ids=ids,
        documents=np.array([0, length // 2]),
        positions=draw.integers(0, length, count).astype(np.uint32),
        words=draw.integers(0, V, count).astype(np.uint32),
        probs=probs.astype(np.float32),
        unigrams=draw.random(V) * length,
    )


def written_out(text: Predictions, order: int):
    """E of all n-grams, n of all contexts and the text's own n-grams."""
    expected, visits, own, line = {}, {}, set(), [V]
    said = list(zip(text.positions.tolist(), text.words.tolist(), text.probs.astype(float).tolist(), strict=True))
    for place, token in enumerate(text.ids.tolist()):
        line = [V] if place in text.documents else line
        for n in range(2, order + 1):
            if len(line) < n - 1:
                break
            context = tuple(line[len(line) - n + 1 :])
            visits[context] = visits.get(context, 0) + 1
            own.add((*context, token))
            for at, word, prob in said:
                if at == place and (n == 2 or prob >= np.float32(SMALL)):
                    weight = prob if prob >= np.float32(SMALL) else EVERY * prob
                    expected[(*context, word)] = expected.get((*context, word), 0.0) + weight
        line = [V] if token == EOS_ID else [*line, token]
    return expected, visits, own


def grams(keys, n: int):
    """The tokens of all n-grams of one order."""
    found = []
    for place in range(len(keys[n - 2])):
        gram = []
        for order in range(n, 1, -1):
            place, word = divmod(int(keys[order - 2][place]), V)
            gram.insert(0, word)
        found.append((place, *gram))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [2, 3, 4])
def test_sums_are_those_of_the_definition(seed: int, order: int) -> None:
    text = random_predictions(seed)
    expected, visits, own = written_out(text, order)
    found = expected_counts(text, order=order)
    assert found.sums[0].tobytes() == text.unigrams.tobytes()
    left_out = 0
    for n in range(2, order + 1):
        here = grams(found.keys, n)
        assert list(found.keys[n - 2]) == sorted(set(found.keys[n - 2]))
        for gram, total in zip(here, found.sums[n - 1].tolist(), strict=True):
            wanted = expected.get(gram, 0.0)
            assert total == pytest.approx(wanted if n == 2 or wanted >= 0.02 else 0.0, rel=1e-6), gram
        likely = {gram for gram, total in expected.items() if len(gram) == n and (n == 2 or total >= 0.02)}
        left_out += sum(len(gram) == n for gram in expected) - len(likely)
        contexts = {gram for gram in own if len(gram) == n} if n < order else set()
        assert set(here) == likely | contexts
        if n > 2:
            assert {gram[1:] for gram in here} <= set(grams(found.keys, n - 1))
    for n, counts in enumerate(found.visits, start=1):
        here = grams(found.keys, n) if n > 1 else [(token,) for token in range(V + 1)]
        assert dict(zip(here, counts.tolist(), strict=True)) == {gram: visits.get(gram, 0) for gram in here}
    assert order == 2 or left_out > 10


def test_texts_joined_are_summed_together() -> None:
    one, other = random_predictions(1), random_predictions(2, 31)
    both = expected_counts(joined([one, other]), order=3)
    assert both.visits[0].sum() == 91
    wanted = {}
    for text in (one, other):
        for gram, total in written_out(text, 3)[0].items():
            wanted[gram] = wanted.get(gram, 0.0) + total
    for n in (2, 3):
        for gram, total in zip(grams(both.keys, n), both.sums[n - 1].tolist(), strict=True):
            assert total == pytest.approx(wanted.get(gram, 0.0), rel=1e-6) or (n == 3 and wanted.get(gram, 0) < 0.02)


def test_many_parts_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = random_predictions(3)
    whole = expected_counts(text, order=3)
    monkeypatch.setattr("elman.models.ngram.chunks._CHUNK", 7)
    parts = expected_counts(text, order=3)
    for one, other in zip(whole.keys, parts.keys, strict=True):
        assert one.tolist() == other.tolist()
    for one, other in zip(whole.sums, parts.sums, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_nothing_said_leaves_the_contexts_of_the_text() -> None:
    none = np.empty(0, np.int64)
    text = Predictions(
        ids=np.array([2, 3, 1]), documents=np.array([0]), positions=none, words=none, probs=none.astype(float),
        unigrams=np.ones(V),
    )  # fmt: skip
    found = expected_counts(text, order=3)
    assert grams(found.keys, 2) == [(2, 3), (3, 1), (V, 2)] and grams(found.keys, 3) == []
    assert not found.sums[1].any()
