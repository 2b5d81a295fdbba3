"""The captioner in torch by its definition, the engine against it, and what pictures may not depend
on."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.cells.registry import CELLS
from elman.data.padding import pad
from elman.inference.captioner import InferenceCaptioner, InferenceCaptionerConfig, inference_captioner
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.inference.weights import groups_of
from elman.models.captioner import CaptionerNetwork
from elman.models.captioner_config import CaptionerConfig, CaptionerSizes
from elman.models.decoder import DecoderDrops
from elman.models.picture_batch import PictureBatch
from elman.nn.dropout import Masks
from elman.text.tokenizer import Tokenizer, TokenizerConfig

TOKENIZER = Tokenizer.fit(["abcdefghij"], config=TokenizerConfig(level="char", min_count=1))
SIZES = CaptionerSizes(5, TOKENIZER.size)
RNG = np.random.default_rng(2)
PICTURES = RNG.normal(size=(3, 2, 4, 5)).astype(np.float32)
TARGETS = [RNG.integers(0, SIZES.target, size) for size in (4, 6, 1)]
KINDS: dict[str, dict[str, Any]] = {
    **{cell: {"cell": cell} for cell in CELLS if cell in ("lstm", "gru", "mingru", "conv", "transformer")},
    "additive, two layers": {"attention": "additive", "layers": 2},
    "without attention": {"attention": "none", "bidirectional": False},
    "input feeding": {"input_feeding": True, "tied": False, "cell": "rnn"},
}


def network(**settings: Any) -> CaptionerNetwork:
    torch.manual_seed(5)
    config = CaptionerConfig(**{"embedding_size": 6, "hidden_size": 8, "layers": 1, **settings})
    return CaptionerNetwork(config, SIZES).eval()


def engine(net: CaptionerNetwork, *, int8: Any = ()) -> InferenceCaptioner:
    return inference_captioner(net.to_arrays(), net.config, SIZES, int8=int8)


def reading(captioner: InferenceCaptioner, pictures: Any = PICTURES) -> ConditionedDecoder:
    return ConditionedDecoder(captioner, TOKENIZER, list(pictures), "hash")


@pytest.mark.slow
def test_the_encoder_sweeps_over_rows_and_then_over_columns():
    """Line by line and step by step, as the module's docstring has it."""
    net = network()
    with torch.no_grad():
        found = net.read_batch(PictureBatch(PICTURES, *pad(TARGETS, fill=0)))
        for picture, values in zip(PICTURES, found.values, strict=True):
            e = net.patches(torch.from_numpy(picture)).tanh()
            r = torch.stack([both_ways(net.rows, row) for row in e])
            x = e + r @ net.between.weight.T
            h = torch.stack([both_ways(net.columns, x[:, column]) for column in range(4)], 1)
            torch.testing.assert_close(values, h.flatten(0, 1), atol=1e-5, rtol=0)


def both_ways(stacks: Any, line: torch.Tensor) -> torch.Tensor:
    """The outputs of both stacks along one line ``[S, E]``."""
    sides = []
    for stack, order in ((stacks.forward_stack, 1), (stacks.backward_stack, -1)):
        state, outputs = stack.initial_state(1), []
        for x in list(line)[::order]:
            y, state = stack.step(x[None], state)
            outputs.append(y[0])
        sides.append(torch.stack(outputs[::order]))
    return torch.cat(sides, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_computes_what_the_network_computes(kind):
    net = network(**KINDS[kind])
    ids, lengths = pad(TARGETS, fill=0)
    wanted, weights = net.log_probs(PictureBatch(PICTURES, ids, lengths))
    model = reading(engine(net))
    scores, _ = model.score(ids, lengths, model.start(condition=[0, 1, 2]))
    attention = model.attention(TARGETS)
    for row, length in enumerate(lengths.tolist()):
        own = wanted[row, np.arange(length), ids[row, :length]]
        np.testing.assert_allclose(scores[row, :length], own, atol=1e-5)
        if weights is not None:
            np.testing.assert_allclose(attention[row], weights[row, :length], atol=1e-6)


def test_in_8_bits_nothing_depends_on_neighbours_to_the_last_bit():
    net = network()
    together = reading(engine(net, int8=groups_of(net.to_arrays())))
    assert together.network.precision == "int8"
    state = together.start(condition=[2, 0, 1])
    for row, number in enumerate((2, 0, 1)):
        alone = reading(together.network, PICTURES[number : number + 1])
        one, other = alone.start(), state.take([row])
        for token in (4, 0, 7):
            assert np.array_equal(alone.log_probs(one), together.log_probs(other))
            one, other = alone.advance(np.array([token]), one), together.advance(np.array([token]), other)


def test_stored_arrays_are_enough():
    whole = engine(network(), int8=["embedding", "rows", "patches"])
    again = InferenceCaptioner(whole.to_arrays(), InferenceCaptionerConfig.from_json(whole.config.to_json()))
    states = [reading(captioner).start(condition=[0, 1]) for captioner in (whole, again)]
    assert np.array_equal(states[0].parts["vector"], states[1].parts["vector"])


def test_every_weight_learns_and_masks_belong_to_pictures():
    torch.manual_seed(1)
    drops = DecoderDrops(input=0.4, between=0.4, output=0.4)
    net = CaptionerNetwork(CaptionerConfig(embedding_size=6, hidden_size=8), SIZES, drops=drops)
    data = PictureBatch(PICTURES, *pad(TARGETS, fill=0))
    net.loss(data, (), Masks(1, 1)).total.backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())
    from elman.data.part import Part

    with torch.no_grad():
        whole = float(net.loss(data, (), Masks(1, 1)).total)
        parts = [Part(0, 1, 3), Part(1, 3, 3)]
        apart = sum(float(net.loss(data.part(part), (), Masks(1, 1, part)).total) for part in parts)
    assert apart == pytest.approx(whole, rel=1e-5)
