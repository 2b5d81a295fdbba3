"""What is kept of a model's probabilities against the plain chain of log_probs and advance."""

import numpy as np
import pytest

from elman.export.expected_counts import LEAST, make_up, predictions
from elman.models.ngram.expected_counts import EVERY, SMALL
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = ["the cat sat", "the dog sat on the cat", "a cat", "on the mat", "the dog"] * 8


@pytest.fixture(scope="module")
def bigram():
    words = Tokenizer.fit(LINES, config=TokenizerConfig(pretokenized=True))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in LINES])
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=2)), ids


class Alone:
    """A model of one row at a time whose memory crosses line ends: it expects the tokens it has
    read again.
    """

    batchable = False

    def __init__(self, model) -> None:
        self.model, self.tokenizer = model, model.tokenizer

    def start(self, batch: int = 1):
        from elman.models.protocol import State

        assert batch == 1
        return State("alone", {"seen": np.ones((1, self.tokenizer.size))})

    def log_probs(self, state):
        assert state.batch == 1
        seen = state.parts["seen"] ** 3
        return np.log(seen / seen.sum(axis=1, keepdims=True)).astype(np.float32)

    def advance(self, ids, state):
        from elman.models.protocol import State

        assert state.batch == 1
        return State("alone", {"seen": state.parts["seen"] + np.eye(self.tokenizer.size)[ids]})


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("most", [10**6, 37, 1])
def test_what_is_kept_is_what_the_model_says(bigram, alone: bool, most: int, monkeypatch) -> None:
    monkeypatch.setattr("elman.export.expected_counts._ROWS", 3)
    model, ids = bigram
    model = Alone(model) if alone else model
    documents = np.array([0, 4, 11, len(ids)])
    found = predictions(model, ids, documents, most=most)
    assert len(found.ids) == len(ids) if most > len(ids) else most <= len(found.ids) < most + 3
    # Rows are put the longest first; where each came from shows in its tokens.
    size, unigrams, kept = model.tokenizer.size, np.zeros(model.tokenizer.size), {}
    ends = [*found.documents[1:], len(found.ids)]
    positions = zip(found.positions.tolist(), found.words.tolist(), found.probs.tolist(), strict=True)
    said = {(place, word): prob for place, word, prob in positions}
    used = np.zeros(len(ids), bool)
    for begin, end in zip(found.documents, ends, strict=True):
        row = found.ids[begin:end]
        origins = [at for at in range(len(ids) - len(row) + 1) if (ids[at : at + len(row)] == row).all()]
        fitting = [at for at in origins if (at == 0 or ids[at - 1] == EOS_ID) and not used[at]]
        state, at = model.start(), fitting[0]
        used[at] = True
        for time, token in enumerate(row):
            if time and not alone and at + time in documents:
                state = model.start()
            probs = np.exp(model.log_probs(state)[0])
            unigrams += probs
            least = LEAST if time % EVERY == 0 else SMALL
            kept |= {(begin + time, word): probs[word] for word in range(size) if probs[word] >= least}
            state = model.advance(np.array([token]), state)
            if alone and at + time + 1 in documents:
                state = model.start()
    assert said.keys() == kept.keys() and len(said) >= most if most < 100 else len(said) > 300
    assert all(said[key] == pytest.approx(kept[key], rel=1e-5) for key in said)
    np.testing.assert_allclose(found.unigrams, unigrams, rtol=1e-4)


@pytest.mark.slow
def test_made_up_text_follows_the_model_line_by_line(bigram) -> None:
    model, _ = bigram
    found = make_up(model, tokens=30_000, seed=3)
    assert 30_000 <= len(found.ids) < 30_600
    before = np.concatenate([[EOS_ID], found.ids[:-1]])
    starts = before == EOS_ID
    starts[found.documents] = True
    probs = np.exp(model.log_probs(model.start())[0])
    counts = np.bincount(found.ids[starts], minlength=model.tokenizer.size)
    spread = 4 * np.sqrt(starts.sum() * probs * (1 - probs)) + 1
    assert (np.abs(counts - starts.sum() * probs) < spread).all()
    the = model.tokenizer.encode("the").ids[0]
    probs = np.exp(model.log_probs(model.advance(np.array([the]), model.start()))[0])
    after = np.flatnonzero((before == the) & ~starts)
    counts = np.bincount(found.ids[after], minlength=model.tokenizer.size)
    assert (np.abs(counts - len(after) * probs) < 4 * np.sqrt(len(after) * probs * (1 - probs)) + 1).all()
    np.testing.assert_allclose(found.unigrams.sum(), len(found.ids), rtol=1e-4)


def test_the_seed_makes_the_text(bigram) -> None:
    model, _ = bigram
    one, same, other = (make_up(model, tokens=500, seed=seed) for seed in (1, 1, 2))
    assert one.ids.tobytes() == same.ids.tobytes() != other.ids.tobytes()
    assert one.probs.tobytes() == same.probs.tobytes()
