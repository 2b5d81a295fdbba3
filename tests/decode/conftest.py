"""Two small language models written out in NumPy: a bigram table worked out by hand, and a random
recurrent net.
"""

import numpy as np
import pytest

from elman.models.protocol import State
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer, TokenizerConfig


class TableModel:
    """A bigram model: rows of probabilities by the last token's text; None is the document
    start.
    """

    model_hash = "table"
    exact = True
    forgets_lines = False

    def __init__(self, tokenizer, rows, *, batchable=True):
        self.tokenizer = tokenizer
        self.batchable = batchable
        self.calls = []
        ids = {piece: token for token, piece in enumerate(tokenizer.pieces)}
        ids |= {b"<unk>": 0, b"</s>": 1}
        table = np.zeros((tokenizer.size + 1, tokenizer.size))
        for last, row in rows.items():
            place = tokenizer.size if last is None else ids[as_bytes(last)]
            for text, probability in row.items():
                table[place, ids[as_bytes(text)]] = probability
            assert abs(table[place].sum() - 1) < 1e-9, f"row {last!r} sums to {table[place].sum()}"
        with np.errstate(divide="ignore"):
            self._table = np.log(table).astype(np.float32)

    def start(self, batch=1):
        assert self.batchable or batch == 1
        return State(self.model_hash, {"last": np.full(batch, self.tokenizer.size)})

    def log_probs(self, state):
        assert self.batchable or state.batch == 1
        return self._table[state.parts["last"]]

    def advance(self, ids, state):
        assert self.batchable or state.batch == 1
        return State(self.model_hash, {"last": ids.copy()})

    def score(self, ids, lengths, state):
        return score_stepwise(self, ids, lengths, state)

    def features(self, state):
        return None

    def describe(self):
        return {"name": "table", "parameters": self._table.size, "size": "2"}


class TinyNet(TableModel):
    """A recurrent net with random weights: what comes next depends on all that came before."""

    model_hash = "net"

    def __init__(self, tokenizer, *, seed=0, batchable=True, hidden=5, sharpness=2.0):
        super().__init__(tokenizer, {}, batchable=batchable)
        rng = np.random.default_rng(seed)
        self._inner = rng.normal(size=(hidden, hidden))
        self._inputs = rng.normal(size=(tokenizer.size, hidden))
        self._outputs = sharpness * rng.normal(size=(hidden, tokenizer.size))

    def start(self, batch=1):
        assert self.batchable or batch == 1
        return State(self.model_hash, {"h": np.full((batch, len(self._inner)), 0.25)})

    def log_probs(self, state):
        assert self.batchable or state.batch == 1
        logits = state.parts["h"] @ self._outputs
        return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)

    def advance(self, ids, state):
        assert self.batchable or state.batch == 1
        return State(self.model_hash, {"h": np.tanh(state.parts["h"] @ self._inner + self._inputs[ids])})


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def score_stepwise(model, ids, lengths, state):
    model.calls.append(ids.shape)
    scores = np.zeros(ids.shape, dtype=np.float32)
    rows = [state.take([row]) for row in range(state.batch)]
    for row, length in enumerate(lengths):
        for place in range(length):
            scores[row, place] = model.log_probs(rows[row])[0, ids[row, place]]
            rows[row] = model.advance(ids[row, place : place + 1], rows[row])
    return scores, State.stack(rows)


def fit(level, *lines, **settings):
    if level in ("word", "char"):
        settings = {"min_count": 1, **settings}
    return Tokenizer.fit(lines, config=TokenizerConfig(level=level, **settings))


# Every row is in sixteenths; the same table read at word level.
WORD_ROWS = {
    None: {" the": 8 / 16, " The": 4 / 16, "<unk>": 2 / 16, " cat": 1 / 16, "</s>": 1 / 16},
    " the": {" cat": 8 / 16, " dog": 4 / 16, "<unk>": 2 / 16, ",": 1 / 16, "</s>": 1 / 16},
    " The": {" cat": 4 / 16, " dog": 12 / 16},
    " cat": {" sat": 8 / 16, ".": 4 / 16, " the": 2 / 16, " can't": 1 / 16, "</s>": 1 / 16},
    " dog": {" sat": 2 / 16, " can't": 2 / 16, "</s>": 12 / 16},
    " sat": {".": 8 / 16, "</s>": 8 / 16},
    " can't": {".": 8 / 16, "</s>": 8 / 16},
    "<unk>": {" sat": 8 / 16, " cat": 8 / 16},
    ",": {" the": 16 / 16},
    ".": {"</s>": 16 / 16},
    "</s>": {" the": 4 / 16, " The": 12 / 16},
}

# Words over a, b and, at the beginning, c, with apostrophes and full stops.
CHAR_ROWS = {
    None: {"a": 8 / 16, "b": 4 / 16, "c": 1 / 16, "</s>": 3 / 16},
    " ": {"a": 8 / 16, "b": 4 / 16, " ": 4 / 16},
    "a": {"b": 4 / 16, " ": 8 / 16, "'": 2 / 16, "</s>": 2 / 16},
    "b": {"a": 8 / 16, "b": 2 / 16, " ": 2 / 16, ".": 4 / 16},
    "c": {"a": 15 / 16, " ": 1 / 16},
    "'": {"a": 8 / 16, "'": 4 / 16, " ": 4 / 16},
    ".": {".": 4 / 16, "</s>": 8 / 16, " ": 4 / 16},
    "</s>": {"a": 16 / 16},
    "<unk>": {"a": 16 / 16},
}


@pytest.fixture
def make_tokenizer():
    return fit


@pytest.fixture
def make_table():
    return TableModel


@pytest.fixture
def make_net():
    return TinyNet


@pytest.fixture
def word_model():
    return TableModel(fit("word", "the, The cat dog sat. can't"), WORD_ROWS)


@pytest.fixture
def char_model():
    return TableModel(fit("char", "abc' ."), CHAR_ROWS)


@pytest.fixture
def speller():
    return Speller.fit({"fish": 2, "fox": 1})


@pytest.fixture
def spell_fish(speller):
    return speller.nats(" fish")


@pytest.fixture
def pieces_model():
    """Pieces of words, of which several ways lead to the same word."""
    tokenizer = fit("subword", "ab ab ab aba aba", "a b", vocab_size=263, min_count=1)
    assert {b" a", b" ab"} <= set(tokenizer.pieces)
    rows = {
        None: {" a": 0.25, " ab": 0.25, " ": 0.25, "</s>": 0.25},
        " ": {"a": 0.75, "b": 0.25},
        " a": {"b": 0.5, " a": 0.25, "</s>": 0.25},
        " ab": {"a": 0.25, " ab": 0.25, ".": 0.25, "</s>": 0.25},
        "a": {"b": 0.5, " a": 0.25, "</s>": 0.25},
        "b": {"a": 0.5, " ": 0.25, " ab": 0.25},
        ".": {"</s>": 1.0},
        "</s>": {" a": 1.0},
    }
    return TableModel(tokenizer, rows)
