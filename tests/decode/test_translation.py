"""Decoding of targets on small translators: exhaustive search, penalties, beginnings, drawing,
fusion."""

import itertools

import numpy as np
import pytest
import torch

from elman.decode.forced_prefix import forced_prefix
from elman.decode.fusion import FusedModel
from elman.decode.translation import DecodingConfig, decode_targets
from elman.errors import ModelError, UsageError
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.translator import inference_translator
from elman.models.protocol import State
from elman.models.translator import TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LETTERS = Tokenizer.fit(["ab"], config=TokenizerConfig(level="char", min_count=1))
SIZES = TranslatorSizes(LETTERS.size, LETTERS.size)
SOURCES = [np.array(ids) for ids in ([2, 3, 2, EOS_ID], [EOS_ID], [3, 3, EOS_ID])]
LENGTHS = np.array([4, 1, 3])


def translator(seed=0, **settings):
    torch.manual_seed(seed)
    config = TranslatorConfig(embedding_size=6, hidden_size=7, layers=1, **settings)
    network = TranslatorNetwork(config, SIZES)
    with torch.no_grad():  # a network that was never trained would say the same of everything
        for parameter in network.parameters():
            parameter *= 3
    engine = inference_translator(network.to_arrays(), config, SIZES, int8=())
    return ConditionedDecoder(engine, LETTERS, SOURCES, "hash")


def every_target(model, number, most):
    """All targets of a source with their log-probabilities and the coverage when they end, by brute
    force."""
    found = {}
    for length in range(1, most + 1):
        for ids in itertools.product(range(SIZES.target), repeat=length):
            if EOS_ID in ids[:-1] or (ids[-1] != EOS_ID and length < most):
                continue
            state, total = model.start(condition=[number]), 0.0
            for token in ids:
                covered = state.parts["coverage"][0]
                total += float(model.log_probs(state)[0, token])
                state = model.advance(np.array([token]), state)
            found[ids] = total, covered
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_a_wide_beam_is_exhaustive_search_for_every_source(seed):
    model = translator(seed)
    settings = DecodingConfig(
        beam_size=4**4, n_best=9, max_tokens=4, length_penalty=0.8, coverage_penalty=0.3, min_tokens=1
    )
    for number, found in enumerate(decode_targets(model, LENGTHS, settings)):
        scores = {}
        for ids, (total, covered) in every_target(model, number, 4).items():
            if ids[0] != EOS_ID:
                coverage = np.log(np.minimum(covered[: LENGTHS[number]], 1)).sum()
                scores[ids] = (total + 0.3 * coverage) / len(ids) ** 0.8
        best = sorted(scores, key=lambda ids: -scores[ids])[:9]
        assert [one.ids for one in found] == best
        assert [one.score for one in found] == pytest.approx([scores[ids] for ids in best], abs=1e-5)


def test_a_beam_of_one_takes_the_likeliest_token():
    model = translator()
    for number, (found,) in enumerate(decode_targets(model, LENGTHS, DecodingConfig(beam_size=1, max_tokens=6))):
        state = model.start(condition=[number])
        for token in found.ids:
            assert token == model.log_probs(state)[0].argmax()
            state = model.advance(np.array([token]), state)


def test_drawn_targets_do_not_depend_on_other_sources():
    model = translator()
    settings = DecodingConfig(sample=True, n_best=40, seed=5, min_tokens=2, max_tokens=5)
    together = decode_targets(model, LENGTHS, settings)
    alone = ConditionedDecoder(model.network, LETTERS, SOURCES[:1], "hash")
    assert [one.ids for one in decode_targets(alone, LENGTHS[:1], settings)[0]] == [one.ids for one in together[0]]
    assert all(2 < len(one.ids) <= 5 or not one.finished for found in together for one in found)
    assert len({one.ids for one in together[0]}) > 10
    scores = [one.score for one in together[0]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("level", ["subword", "char", "word"])
def test_a_given_beginning_is_kept_and_may_end_inside_a_word(level):
    lines = ["the cats sat", "the cat ran", "then he sat"] * 3
    size = 270 if level == "subword" else None
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(level=level, vocab_size=size, rules=2))
    begin = "the cat" if level == "word" else "the ca"
    rule = forced_prefix(tokenizer, begin)
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = ()
        while (only := rule(ids)) is not None:
            assert len(only)
            ids = (*ids, int(rng.choice(only)))
        assert tokenizer.decode(ids).startswith(begin)
    assert rule(tuple(tokenizer.encode("the cats").ids)) is None


@pytest.mark.parametrize("begin", ["a\nb", "a\r", "\n"])
def test_a_given_beginning_is_one_line(begin):
    with pytest.raises(UsageError, match="more than one line"):
        forced_prefix(Tokenizer.fit(["a b"], config=TokenizerConfig(level="char", min_count=1)), begin)


class Letters:
    """A language model that always gives the letters these probabilities."""

    batchable = False
    model_hash = "letters"

    def __init__(self, tokenizer, probs):
        self.tokenizer, self._nats = tokenizer, np.log(np.array([probs], np.float32))

    def start(self, batch=1):
        return State("letters", {"none": np.zeros((batch, 1))})

    def log_probs(self, state):
        return self._nats

    def advance(self, ids, state):
        return state

    def describe(self):
        return {"name": "letters"}


def test_fusion_adds_weighted_log_probabilities_by_the_text_of_tokens():
    swapped = Tokenizer([*LETTERS.tokens[:2], *LETTERS.tokens[:1:-1]], config=LETTERS.config)
    model = translator()
    fused = FusedModel(model, Letters(swapped, [0.1, 0.2, 0.3, 0.4]), 0.5)
    state = fused.advance(np.array([3, 2]), fused.start(2, condition=[2, 0]))
    plain = model.advance(np.array([3, 2]), model.start(2, condition=[2, 0]))
    wanted = model.log_probs(plain) + 0.5 * np.log([0.1, 0.2, 0.4, 0.3])
    np.testing.assert_allclose(fused.log_probs(state), wanted, atol=1e-6)
    settings = DecodingConfig(max_tokens=4, coverage_penalty=0.1)
    assert len(decode_targets(fused, LENGTHS, settings)) == 3
    other = Tokenizer.fit(["xyz"], config=TokenizerConfig(level="char", min_count=1))
    with pytest.raises(ModelError, match="other types"):
        FusedModel(model, Letters(other, [0.2] * 5), 0.5)


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(UsageError, match="add sample"):
        DecodingConfig(temperature=0.5)
    with pytest.raises(UsageError, match="length_penalty is -1"):
        DecodingConfig(length_penalty=-1.0)
    with pytest.raises(UsageError, match="max_tokens is 2"):
        DecodingConfig(max_tokens=2, min_tokens=5)
    with pytest.raises(UsageError, match="leave out begin"):
        decode_targets(translator(), LENGTHS, DecodingConfig(sample=True), begin="a")
