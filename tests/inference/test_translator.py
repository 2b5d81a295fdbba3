"""The engine's translator against the network in torch, and what its decoder may not depend on."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.data.padding import pad
from elman.errors import FolderError, ModelError
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.translator import InferenceTranslator, InferenceTranslatorConfig, inference_translator
from elman.inference.weights import groups_of
from elman.models.pair_batch import PairBatch
from elman.models.translator import TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.text.tokenizer import Tokenizer, TokenizerConfig

KINDS: dict[str, dict[str, Any]] = {
    "dot": {"layers": 2},
    "additive": {"attention": "additive", "cell": "gru"},
    "without attention": {"attention": "none", "bidirectional": False, "reverse_source": True},
    "input feeding": {"input_feeding": True, "cell": "rnn"},
    "own output, joint": {"tied": False, "joint": True, "cell": "mingru"},
    "window": {"cell": "conv", "window": 3},
}
TOKENIZER = Tokenizer.fit(["abcdefghij"], config=TokenizerConfig(level="char", min_count=1))
SIZES = TranslatorSizes(TOKENIZER.size, TOKENIZER.size)
RNG = np.random.default_rng(2)
SOURCES = [RNG.integers(0, SIZES.source, size) for size in (3, 1, 7)]
TARGETS = [RNG.integers(0, SIZES.target, size) for size in (4, 6, 1)]


def network(**settings: Any) -> TranslatorNetwork:
    torch.manual_seed(5)
    config = TranslatorConfig(**{"embedding_size": 6, "hidden_size": 8, "layers": 1, **settings})
    return TranslatorNetwork(config, SIZES).eval()


def engine(net: TranslatorNetwork, *, int8: Any = ()) -> InferenceTranslator:
    return inference_translator(net.to_arrays(), net.config, SIZES, int8=int8)


def reading(translator: InferenceTranslator, sources: Any = SOURCES) -> ConditionedDecoder:
    return ConditionedDecoder(translator, TOKENIZER, sources, "hash")


@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_what_the_network_computes(kind):
    net = network(**KINDS[kind])
    ids, lengths = pad(TARGETS, fill=0)
    wanted, weights = net.log_probs(PairBatch(*pad(SOURCES, fill=0), ids, lengths))
    model = reading(engine(net))
    scores, _ = model.score(ids, lengths, model.start(condition=[0, 1, 2]))
    attention = model.attention(TARGETS)
    for row, length in enumerate(lengths.tolist()):
        own = wanted[row, np.arange(length), ids[row, :length]]
        np.testing.assert_allclose(scores[row, :length], own, atol=1e-5)
        if weights is not None:
            np.testing.assert_allclose(attention[row], weights[row, :length, : len(SOURCES[row])], atol=1e-6)


def test_in_8_bits_nothing_depends_on_neighbours_to_the_last_bit():
    net = network(attention="additive")
    together = reading(engine(net, int8=groups_of(net.to_arrays())))
    assert together.network.precision == "int8"
    state = together.start(condition=[2, 0, 1])
    for row, number in enumerate((2, 0, 1)):
        alone = reading(together.network, [SOURCES[number]])
        one, other = alone.start(), state.take([row])
        for token in (4, 0, 7):
            assert np.array_equal(alone.log_probs(one), together.log_probs(other))
            one, other = alone.advance(np.array([token]), one), together.advance(np.array([token]), other)


def test_stored_arrays_are_enough():
    net = network(attention="additive")
    whole = engine(net, int8=["embedding", "stack.layers.0"])
    again = InferenceTranslator(whole.to_arrays(), InferenceTranslatorConfig.from_json(whole.config.to_json()))
    states = [reading(translator).start(condition=[0, 1]) for translator in (whole, again)]
    assert np.array_equal(states[0].parts["vector"], states[1].parts["vector"])
    arrays = {**whole.to_arrays(), "attention.score": np.zeros(3, np.float32)}
    with pytest.raises(FolderError, match=r"attention\.score"):
        InferenceTranslator(arrays, whole.config)


def test_states_belong_to_their_sources():
    translator = engine(network())
    one, other = reading(translator), reading(translator, SOURCES[::-1])
    with pytest.raises(ModelError, match="another model"):
        other.log_probs(one.start())
