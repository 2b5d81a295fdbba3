"""Dynamic evaluation against arithmetic of its own: finite differences, plain autograd, and what it
must not touch.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import FolderError, ModelError, UsageError
from elman.models.dynamic import DynamicEvaluation, gradient_rms
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.parameter_vector import ParameterVector
from elman.text.tokenizer import Tokenizer, TokenizerConfig

WORDS = Tokenizer(["<unk>", "</s>", *(f" {letter}" for letter in "abcdefg")], config=TokenizerConfig(pretokenized=True))
V = WORDS.size


def network(**shape: Any) -> NeuralModel:
    torch.manual_seed(3)
    config = NeuralConfig(**{"cell": "lstm", "embedding_size": 4, "hidden_size": 5, **shape})
    built = Network(config, V)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(2)
    return NeuralModel(built, WORDS, config)


SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "untied": {"tied": False},
    "one-hot": {"tied": False, "input": "one-hot", "layers": 1},
    "gru": {"cell": "gru", "layers": 3},
    "adaptive": {"softmax": "adaptive", "cell": "rnn"},
    "sampled": {"softmax": "sampled", "tied": False, "samples": 3},
}


def text(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, V, count)


def test_one_update_by_finite_differences() -> None:
    """Elman's own network, 1 unit, in NumPy: the gradient from differences, the update from the
    formula.
    """
    model = network(cell="rnn", embedding_size=1, hidden_size=1, layers=1, tied=False)
    weights = {name: array.astype(np.float64) for name, array in model.to_arrays().items()}

    def cost(given: dict[str, np.ndarray]) -> float:
        h, nats = 0.0, 0.0
        for token, target in ((V, 2), (2, 5)):
            x = given["embedding.weight"][token, 0]
            h = math.tanh(
                given["stack.layers.0.weight_ih"][0, 0] * x
                + given["stack.layers.0.weight_hh"][0, 0] * h
                + given["stack.layers.0.bias_ih"][0]
                + given["stack.layers.0.bias_hh"][0]
            )
            scores = given["output.weight"][:, 0] * h + given["output.bias"]
            nats += math.log(np.exp(scores).sum()) - scores[target]
        return nats / 2

    rms = np.linspace(0.1, 0.6, sum(array.size for array in weights.values())).astype(np.float32)
    dynamic = DynamicEvaluation(model, rms, rate=0.3, decay=0.0, floor=0.5, bptt=2)
    state = dynamic.score(np.array([[2, 5]]), np.array([2]), dynamic.start())[1]
    place, wanted = 0, []
    for name, parameter in model.network.named_parameters():
        for index in np.ndindex(*parameter.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = {key: array.copy() for key, array in weights.items()}
                moved[name][index] += step
                ends.append(cost(moved))
            gradient = (ends[0] - ends[1]) / 2e-5
            wanted.append(weights[name][index] - 0.3 * gradient / (rms[place] + 0.5 * rms.mean()))
            place += 1
    np.testing.assert_allclose(state.parts["weights"][0], wanted, rtol=1e-4, atol=1e-5)
    # The next segment begins with the second target as its input, and has read nothing else.
    assert state.parts["inputs"].tolist() == [[5, -1]]


def plainly(
    model: NeuralModel, ids: np.ndarray, rms: np.ndarray, *, rate: float, decay: float, bptt: int
) -> np.ndarray:
    """What each token costs, by autograd over whole networks and the formula weight by weight: the
    slow twin.
    """
    vector = Network(model.config, V, clusters=model.network.clusters)
    vector.load_arrays(model.to_arrays())
    trained = {name: parameter.detach().clone() for name, parameter in vector.named_parameters()}
    inputs = torch.from_numpy(np.concatenate([[V], ids[:-1]]))
    state, scores, mean = vector.initial_state(1), [], float(rms.mean())
    for start in range(0, len(ids), bptt):
        targets = torch.from_numpy(ids[start : start + bptt])
        y, state = vector(inputs[None, start : start + bptt], state)
        log_probs = vector.output.log_probs(y[0])[torch.arange(len(targets)), targets]
        scores.append(log_probs.detach().numpy())
        if len(targets) < bptt:
            break
        vector.zero_grad()
        (-log_probs.mean()).backward()
        state = tuple(part.detach() for part in state)
        place, size = 0, math.sqrt(sum(float(p.grad.to_dense().square().sum()) for p in vector.parameters()))
        share = min(2 * float(np.linalg.norm(rms)) / size, 1.0)
        with torch.no_grad():
            for name, parameter in vector.named_parameters():
                usual = torch.from_numpy(rms[place : place + parameter.numel()]).view(parameter.shape)
                place += parameter.numel()
                assert parameter.grad is not None
                step = share * rate * parameter.grad.to_dense() / (usual + 0.3 * mean)
                back = (decay * usual / mean).clamp(max=1) * (trained[name] - parameter)
                parameter.add_(back - step)
    return np.concatenate(scores)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("bptt", "count"), [(1, 6), (4, 14), (7, 17), (50, 9)])
def test_scores_are_those_of_the_slow_twin(shape: str, bptt: int, count: int) -> None:
    model, ids = network(**SHAPES[shape]), text(count)
    rms = np.random.default_rng(5).uniform(0.01, 0.5, sum(p.numel() for p in model.network.parameters()))
    options = {"rate": 0.05, "decay": 0.6, "bptt": bptt}
    wanted = plainly(model, ids, rms.astype(np.float32), **options)  # type: ignore[arg-type]
    dynamic = DynamicEvaluation(model, rms.astype(np.float32), **options)  # type: ignore[arg-type]
    for cuts in ([count], [1, 5, count], list(range(1, count + 1))):
        state, found, begin = dynamic.start(), [], 0
        for end in cuts:
            scores, state = dynamic.score(ids[None, begin:end], np.array([end - begin]), state)
            found.append(scores[0])
            begin = end
        np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-4, atol=1e-4)
    static = model.score(ids[None], np.array([count]), model.start())[0][0]
    assert bptt > count or np.abs(wanted - static).max() > 0.01


def test_a_surprise_is_shortened() -> None:
    """Gradients many times as large as usual."""
    model, ids = network(), text(21)
    rms = np.full(sum(p.numel() for p in model.network.parameters()), 1e-3, np.float32)
    options = {"rate": 1e-3, "decay": 0.1, "bptt": 4}
    wanted = plainly(model, ids, rms, **options)  # type: ignore[arg-type]
    dynamic = DynamicEvaluation(model, rms, **options)  # type: ignore[arg-type]
    scores = dynamic.score(ids[None], np.array([21]), dynamic.start())[0][0]
    np.testing.assert_allclose(scores, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_lesson_is_what_autograd_says(shape: str) -> None:
    vector = ParameterVector(network(**SHAPES[shape]).network)
    draw = torch.Generator().manual_seed(1)
    inputs = torch.randint(0, V + 1, (3, 5), generator=draw)
    inputs[1, 2] = V
    targets = torch.randint(0, V, (3, 5), generator=draw)
    state = tuple(torch.randn(part.shape, generator=draw) for part in vector.network.initial_state(3))
    vector.weights.mul_(1.3)
    found, gradient = vector.learn(inputs, targets, state), vector.gradient.clone()
    vector.gradient.fill_(7.0)
    wanted = vector.autograd(inputs, targets, state)
    torch.testing.assert_close(gradient, vector.gradient, rtol=1e-4, atol=1e-6)
    assert gradient.abs().max() > 0.01
    for one, other in zip(
        (found.y, found.log_probs, *found.state), (wanted.y, wanted.log_probs, *wanted.state), strict=True
    ):
        torch.testing.assert_close(one, other)
        assert not one.requires_grad


def test_gradient_rms_by_a_loop() -> None:
    model, ids = network(), text(43)
    # 43 tokens are 10 segments of 4, so 10 rows of one segment each; with segments of 20, 2 rows of
    # one.
    for bptt, rows in ((4, 10), (20, 2)):
        vector, length = ParameterVector(model.network), 43 // rows
        targets = torch.from_numpy(ids[: rows * length].reshape(rows, length))
        before = torch.cat([torch.full((rows, 1), V), targets[:, :-1]], 1)
        vector.autograd(before[:, :bptt], targets[:, :bptt], model.network.initial_state(rows))
        wanted = vector.gradient.abs() * math.sqrt(rows)
        np.testing.assert_allclose(gradient_rms(model, ids, bptt=bptt), wanted, rtol=1e-3, atol=1e-7)
    # Segments one after the other, the state carried.
    vector, state = ParameterVector(model.network), model.network.initial_state(1)
    squares = torch.zeros_like(vector.gradient)
    steady = np.tile(ids[:20], 16)
    rms = gradient_rms(model, steady, bptt=10)
    inputs, targets = torch.from_numpy(np.concatenate([[V], ids[:19]]))[None], torch.from_numpy(ids[:20])[None]
    for start in (0, 10):
        state = vector.autograd(inputs[:, start : start + 10], targets[:, start : start + 10], state).state
        squares += vector.gradient**2
    # Sixteen equal rows have the gradient of one; distant places would not, and the root of 16 is
    # for them.
    np.testing.assert_allclose(rms, 4 * (squares / 2).sqrt(), rtol=1e-3, atol=1e-7)
    with pytest.raises(ModelError, match="3 tokens: too few .* give 20 or more"):
        gradient_rms(model, ids[:3])


def learned(model: NeuralModel, **options: float) -> DynamicEvaluation:
    return DynamicEvaluation(model, gradient_rms(model, text(400), bptt=5), **{"rate": 0.02, "bptt": 5, **options})  # type: ignore[arg-type]


def test_what_repeats_is_learned_and_decay_forgets() -> None:
    model, ids = network(), np.tile([3, 4, 5, 2, 1], 40)
    static = model.score(ids[None], np.array([200]), model.start())[0][0]
    adapted, _ = learned(model).score(ids[None], np.array([200]), learned(model).start())
    assert -adapted[0, -50:].mean() < 0.85 * -static[-50:].mean()
    held, _ = learned(model, decay=0.5).score(ids[None], np.array([200]), learned(model, decay=0.5).start())
    assert -adapted[0, -50:].mean() < -held[0, -50:].mean() < -static[-50:].mean()


def test_without_a_rate_nothing_changes() -> None:
    model, ids = network(), text(33)
    still = learned(model, rate=0.0, decay=0.5)
    scores, state = still.score(ids[None], np.array([33]), still.start())
    static = model.score(ids[None], np.array([33]), model.start())[0]
    np.testing.assert_allclose(scores, static, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(state.parts["weights"], still.start().parts["weights"])


def test_reading_one_text_changes_neither_the_network_nor_another_text() -> None:
    model, ids = network(), text(60)
    before = {name: array.copy() for name, array in model.to_arrays().items()}
    dynamic = learned(model)
    begun = dynamic.score(ids[None, :13], np.array([13]), dynamic.start())[1]
    wanted = dynamic.score(ids[None, 13:], np.array([47]), begun)[0]
    # Another text in between, interrupted states and all.
    other = dynamic.start()
    for token in text(31, seed=9):
        other = dynamic.advance(np.array([token]), other)
    np.testing.assert_array_equal(dynamic.score(ids[None, 13:], np.array([47]), begun)[0], wanted)
    after = model.to_arrays()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_what_breaks_off_leaves_nothing_behind() -> None:
    dynamic, ids = learned(network()), text(12)
    state = dynamic.score(ids[None, :5], np.array([5]), dynamic.start())[1]
    wanted = dynamic.score(ids[None], np.array([12]), state)[0]
    with pytest.raises(IndexError):
        # Two segments are learned from before a token that there is not.
        dynamic.score(np.append(ids, V + 5)[None], np.array([13]), state)
    np.testing.assert_array_equal(dynamic.score(ids[None], np.array([12]), state)[0], wanted)


def test_one_row_at_a_time() -> None:
    dynamic = learned(network())
    with pytest.raises(ModelError, match="one text at a time, not 3"):
        dynamic.start(3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": -1.0}, "rate of dynamic evaluation is -1"),
        ({"rate": math.nan}, "rate"),
        ({"decay": 1.5}, "decay of dynamic evaluation is 1.5; it must be from 0 to 1"),
        ({"floor": 0.0}, "floor"),
        ({"bptt": 0}, "bptt of dynamic evaluation is 0"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        learned(network(), **options)


def test_damaged_statistics_are_refused() -> None:
    dynamic = learned(network())
    arrays = dynamic.to_arrays()
    for rms in (
        arrays["rms"][1:],
        arrays["rms"].astype(np.float64),
        -arrays["rms"],
        np.full_like(arrays["rms"], np.nan),
    ):
        with pytest.raises(FolderError, match="'rms' does not fit"):
            DynamicEvaluation.from_arrays({**arrays, "rms": rms}, WORDS, dynamic.config)
    del arrays["rms"]
    with pytest.raises(FolderError, match="'rms' does not fit"):
        DynamicEvaluation.from_arrays(arrays, WORDS, dynamic.config)
