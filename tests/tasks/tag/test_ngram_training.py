"""The linear part of a tagger: its passes as NumPy takes them, what it learns, its share."""

import numpy as np
from tests.tasks.tag.test_tag import agreement

from elman.data.tagged import TaggedSentence, read_tagged
from elman.inference.linear_chain import LinearChain
from elman.models.tag_regression import TagRegression, key_of
from elman.tasks.tag.data import fit_tags
from elman.tasks.tag.ngram_training import fit_regression, fit_share, one_pass, word_classes

_64 = (1 << 64) - 1


def _draws(seed: int, position: int, count: int) -> list[float]:
    """SplitMix64, from its definition."""

    def scrambled(number: int) -> int:
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _64
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _64
        return number ^ (number >> 31)

    state = scrambled(seed + position * 0xD1342543DE82EF95 & _64)
    return [scrambled(state + number * 0x9E3779B97F4A7C15 & _64) / 2.0**64 for number in range(1, count + 1)]


def test_a_pass_is_adagrad_word_by_word() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 9, (20, 5)).astype(np.int32)  # 8 features; row 8 is that of all others
    targets, order = rng.integers(0, 3, 20), rng.permutation(20)
    weights = rng.normal(size=(9, 3)).astype(np.float32)
    weights[-1] = 0
    squares = rng.uniform(size=(9, 3)).astype(np.float32)
    wanted, sums = weights.astype(np.float64), squares.astype(np.float64)
    for word in order.tolist():
        draws = _draws(7, word, 5)
        used = [row for row, draw in zip(rows[word].tolist(), draws, strict=True) if row < 8 and draw >= 0.4]
        scores = wanted[used].sum(axis=0)
        slopes = np.exp(scores) / np.exp(scores).sum() - np.eye(3)[targets[word]]
        for row in used:
            sums[row] += slopes**2
            wanted[row] -= 0.3 * slopes / np.sqrt(sums[row] + 1e-6)
    one_pass(rows, targets, order, weights, squares, 0.3, 0.4, 7)
    np.testing.assert_allclose(weights, wanted, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(squares, sums, rtol=1e-3)
    assert not weights[-1].any()


def test_words_have_the_class_of_their_usual_tags() -> None:
    tags = ["NOUN"] * 12 + ["VERB"] * 8 + ["ADJ"] * 2
    sentences = [TaggedSentence(words=("Run", "rare"), tags=(tag, "X")) for tag in tags[:19]]
    sentences += [TaggedSentence(words=("run",), tags=(tag,)) for tag in tags[19:]]
    sentences += [TaggedSentence(words=(str(number),), tags=("NUM",)) for number in range(10, 30)]
    forms, classes = word_classes(sentences)
    found = dict(zip(forms.tolist(), classes.tolist(), strict=True))
    assert found == {key_of("run"): key_of("NOUN/VERB"), key_of("00"): key_of("NUM")}  # "rare" is seen 19 times


def _right(model: TagRegression, sentences: list[TaggedSentence], names: tuple[str, ...]) -> float:
    scores = model.scores([sentence.words for sentence in sentences])
    found = [names[tag] for own in scores for tag in own.argmax(axis=1)]
    return float(np.mean([one == tag for one, tag in zip(found, (t for s in sentences for t in s.tags), strict=True)]))


def test_it_learns_and_goes_on(tmp_path) -> None:
    agreement(tmp_path / "data.conll", spans=False)
    sentences = list(read_tagged([str(tmp_path / "data.conll")]))
    tags = fit_tags(sentences)
    model = fit_regression(sentences[:250], tags, seed=1)
    assert model.digest == fit_regression(sentences[:250], tags, seed=1).digest
    # The word that decides stands three words behind, where no feature reaches: one of two in five
    # is a guess.
    assert 0.8 < _right(model, sentences[250:], tags.names) < 0.95
    new = [TaggedSentence(words=("Ann", "sleeps"), tags=("LEFT", "RIGHT"))]
    assert _right(model, new, tags.names) < 1
    later = fit_regression([*new * 20, *sentences[:80]], tags, seed=1, start=model)
    assert _right(later, new, tags.names) == 1
    assert _right(later, sentences[250:], tags.names) > 0.8
    np.testing.assert_array_equal(later.words.forms, model.words.forms)


def test_the_share_goes_to_the_better_part() -> None:
    rng = np.random.default_rng(0)
    tags = [rng.integers(0, 2, 40) for _ in range(10)]
    signal = [np.stack([0.5 - own, own - 0.5], axis=1) for own in tags]

    def noisy(amount: float) -> list[np.ndarray]:
        return [own + amount * rng.normal(size=own.shape) for own in signal]

    chain = LinearChain(2)
    assert fit_share(chain, noisy(4), noisy(0.3), tags) >= 0.8
    assert fit_share(chain, noisy(0.3), noisy(4), tags) <= 0.2
    assert 0.3 <= fit_share(chain, noisy(1), noisy(1), tags) <= 0.7
