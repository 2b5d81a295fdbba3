"""The engine against the network, and its executors against each other: every registered cell, to
the last bit.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from tests.networks import SHAPES, cases

from elman.cells import operators
from elman.cells.evaluate import evaluate
from elman.cells.registry import CELLS
from elman.cells.symbol import Symbol
from elman.errors import FolderError, ModelError
from elman.inference.engine import Engine, along
from elman.inference.executor import Executor
from elman.inference.interpreter import Interpreter
from elman.inference.model import InferenceModel, inference_model
from elman.inference.network import network_program
from elman.inference.passes import optimise
from elman.inference.program import Function, Program
from elman.inference.weights import ProgramWeights, gain_of, groups_of, in_8_bits
from elman.models.network_config import NeuralConfig
from elman.models.protocol import State

CASES = cases(CELLS)


def engine_of(model: Any, *, int8: bool = True, patience: int = 0) -> InferenceModel:
    arrays = model.to_arrays()
    made = inference_model(
        arrays, model.config, model.tokenizer, model_hash=model.model_hash, about=model.describe(),
        int8=groups_of(arrays) if int8 else (),
    )  # fmt: skip
    return InferenceModel(arrays, model.tokenizer, made.config, patience=patience)


def drawn_state(lm: InferenceModel, rows: int, draw: np.random.Generator) -> dict[str, np.ndarray]:
    """Not zero, and more than tanh gives."""
    return {name: draw.normal(size=(rows, size)).astype(np.float32) for name, size in lm.program.states.items()}


def bits(arrays: Mapping[str, np.ndarray] | list[np.ndarray]) -> list[bytes]:
    return [np.ascontiguousarray(each).tobytes() for each in (arrays.values() if isinstance(arrays, dict) else arrays)]


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_float32_says_what_the_network_says(make_network: Any, cell: str, shape: str) -> None:
    model = make_network(cell, **SHAPES[shape])
    lm = engine_of(model, int8=False)
    ids = np.random.default_rng(1).integers(0, model.tokenizer.size, (5, 9))
    lengths = np.array([9, 0, 4, 9, 1])
    found, wanted = (each.trace(ids, lengths, each.start(5), whole=True) for each in (lm, model))
    np.testing.assert_allclose(found.scores, wanted.scores, atol=3e-5)
    real = np.arange(9) < lengths[:, None]
    np.testing.assert_allclose(found.log_probs[real], wanted.log_probs[real], atol=3e-5)
    assert found.state.parts.keys() == wanted.state.parts.keys()
    for name, part in wanted.state.parts.items():
        np.testing.assert_allclose(found.state.parts[name], part, atol=3e-5)


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_interpreter_and_kernels_give_the_same_bits(make_network: Any, cell: str, shape: str) -> None:
    lm = engine_of(make_network(cell, **SHAPES[shape]))
    draw = np.random.default_rng(2)
    step, output = lm.program.functions.values()
    assert step.is_exact and output.is_exact
    slow, fast = Interpreter(step, lm.weights), Executor(step, lm.weights)
    state, names = drawn_state(lm, 5, draw), list(step.outputs)
    for _ in range(4):
        ids = {"ids": draw.integers(0, lm.tokenizer.size + 1, 5)}
        found, wanted = fast.run(ids, state, names), slow.run(ids, state, names)
        assert bits(found) == bits(wanted)
        state = dict(zip(state, wanted[1:], strict=True))
    given = {"targets": draw.integers(0, lm.tokenizer.size, 5)}, {"top": wanted[0]}, ["log_probs", "chosen"]
    both = Executor(output, lm.weights).run(*given), Interpreter(output, lm.weights).run(*given)
    assert bits(both[0]) == bits(both[1])
    np.testing.assert_allclose(np.exp(both[0][0].astype(np.float64)).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(both[0][1][:, 0], both[0][0][np.arange(5), given[0]["targets"]])


@pytest.mark.parametrize("cell", CELLS)
def test_along_is_step_by_step_in_any_company(make_network: Any, cell: str) -> None:
    """Ragged lengths, fresh starts, more rows than run together, and in two chunks: the same
    bits.
    """
    lm = engine_of(make_network(cell))
    draw = np.random.default_rng(3)
    step = lm.program["step"]
    rows, time = 37, 6
    tokens, lengths = draw.integers(0, lm.tokenizer.size, (rows, time)), draw.integers(0, time + 1, rows)
    fresh, state = draw.random((rows, time)) < 0.2, drawn_state(lm, rows, draw)
    fast = Executor(step, lm.weights)
    tops, after = fast.along(tokens, lengths, fresh, state, "next.top")
    wanted, last = along(Interpreter(step, lm.weights), tokens, lengths, fresh, state, "next.top")
    assert bits([tops]) == bits([wanted]) and bits(after) == bits(last)
    assert not tops[np.arange(time) >= lengths[:, None]].any()
    first, between = fast.along(tokens[:, :2], np.minimum(lengths, 2), fresh[:, :2], state, "next.top")
    second, end = fast.along(tokens[:, 2:], np.maximum(lengths - 2, 0), fresh[:, 2:], between, "next.top")
    assert bits([np.concatenate([first, second], axis=1)]) == bits([tops]) and bits(end) == bits(after)
    order = draw.permutation(rows)
    moved, _ = fast.along(
        tokens[order], lengths[order], fresh[order], {k: v[order] for k, v in state.items()}, "next.top"
    )
    assert bits([moved]) == bits([tops[order]])


@pytest.mark.parametrize("cell", CELLS)
def test_rows_are_the_same_bits_in_any_company(make_network: Any, cell: str) -> None:
    lm = engine_of(make_network(cell))
    ids = np.random.default_rng(2).integers(0, lm.tokenizer.size, (70, 3))  # more rows than run together
    alone = [lm.score(row[None], np.array([3]), lm.start()) for row in ids]
    scores, state = lm.score(ids, np.full(70, 3), lm.start(70))
    assert np.concatenate([each for each, _ in alone]).tobytes() == scores.tobytes()
    assert [state.key(row) for row in range(70)] == [each.key() for _, each in alone]
    assert lm.log_probs(state).tobytes() == b"".join(lm.log_probs(each).tobytes() for _, each in alone)


def test_the_change_from_interpreter_to_kernels_is_not_seen(make_network: Any) -> None:
    model = make_network("gru")
    early, late = engine_of(model), engine_of(model, patience=6)
    state = [each.start(2) for each in (early, late)]
    for token in range(8):
        ids = np.array([token, token + 1])
        state = [each.advance(ids, own) for each, own in zip((early, late), state, strict=True)]
        assert state[0].key(0) == state[1].key(0) and state[0].key(1) == state[1].key(1)
    assert late._step._executor is not None and late._output._executor is None


def test_float32_functions_are_compiled_at_once(make_network: Any) -> None:
    """Their last digits depend on who computes them, which must not change while a model is in
    use.
    """
    lm = engine_of(make_network("lstm"), int8=False, patience=1000)
    assert isinstance(lm._step._chosen(1), Executor)
    assert isinstance(engine_of(make_network("lstm"), patience=1000)._step._chosen(1), Interpreter)


@pytest.mark.slow
def test_to_arrays_is_all_that_is_needed(make_network: Any) -> None:
    for cell, shape in (("lstm", "tied"), ("gru", "adaptive"), ("rglru", "adaptive, own weights")):
        model = make_network(cell, **SHAPES[shape])
        arrays = model.to_arrays()
        for int8 in (groups_of(arrays), groups_of(arrays)[::2], []):
            made = inference_model(
                arrays, model.config, model.tokenizer, model_hash=model.model_hash, about=model.describe(), int8=int8
            )
            kept = made.to_arrays()
            again = InferenceModel.from_arrays(kept, model.tokenizer, made.config)
            assert again.model_hash == made.model_hash
            assert bits(again.to_arrays()) == bits(kept)
            assert (
                made.precision
                == again.precision
                == ("int8" if int8 == groups_of(arrays) else "int8+fp32" if int8 else "fp32")
            )
            one, two = (each.advance(np.array([3]), each.start()) for each in (made, again))
            assert bits(dict(one.parts)) == bits(dict(two.parts))
            for name in list(kept):
                if not name.endswith(".scales"):  # without its scales a matrix is taken for one that is not rounded
                    with pytest.raises(FolderError):
                        InferenceModel(
                            {key: value for key, value in kept.items() if key != name}, model.tokenizer, made.config
                        )


def test_ids_out_of_bounds_are_an_error_and_no_memory_is_read(make_network: Any) -> None:
    for patience in (0, 1000):
        lm = engine_of(make_network("lstm"), patience=patience)
        size = lm.tokenizer.size
        lm.advance(np.array([size]), lm.start())  # `<s>`
        for wrong in (-1, size + 1, 2**40):
            with pytest.raises(ModelError, match="go from 0"):
                lm.advance(np.array([0, wrong]), lm.start(2))
            with pytest.raises(ModelError, match="go from 0"):
                lm.score(np.array([[0, wrong]]), np.array([2]), lm.start())


@pytest.mark.parametrize("lengths", [[-1, 2], [3, 0], [1], [1, 1, 1]])
def test_lengths_that_do_not_fit_are_an_error(make_network: Any, lengths: list[int]) -> None:
    lm = engine_of(make_network("rnn"))
    with pytest.raises(ModelError, match="there must be 2 of them, from 0 to 2"):
        lm.score(np.zeros((2, 2), np.int64), np.array(lengths), lm.start(2))


def test_numbers_that_are_not_finite_are_no_state(make_network: Any) -> None:
    lm = engine_of(make_network("lstm"))
    for number in (np.nan, np.inf):
        parts = {name: np.full_like(part, number) for name, part in lm.start().parts.items()}
        with pytest.raises(ModelError, match="not finite"):
            State.from_bytes(State(lm.model_hash, parts).to_bytes(), like=lm.start())


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["rglru"])
def test_the_deepest_network_that_is_allowed(cell: str) -> None:
    config = NeuralConfig(cell=cell, layers=64, embedding_size=2, hidden_size=2)
    program = optimise(network_program(config, 5, None), gain=2.0)
    symbols = [each for function in program.functions.values() for each in function.symbols()]
    named = {each.about[0]: each.shape for each in symbols if each.operator == "parameter"}
    weights = ProgramWeights({name: np.full(shape, 0.25, np.float32) for name, shape in named.items()})
    small = in_8_bits(program["step"], groups_of(weights.arrays))
    given = {"ids": np.array([5])}, {name: np.zeros((1, size), np.float32) for name, size in program.states.items()}
    found = [way(small, weights).run(*given, ["next.top"]) for way in (Interpreter, Executor)]
    assert bits(found[0]) == bits(found[1])


def test_constants_that_share_parts_take_no_longer() -> None:
    """Twice as many uses at each of forty steps: nobody may follow them all."""
    b = Symbol.parameter("b", (3,))
    for _ in range(40):
        b = b + b
    function = Function({"y": Symbol.input("x", 3) * b})
    weights = ProgramWeights({"b": np.full(3, 2.0**-40, np.float32)})
    (found,) = Interpreter(function, weights).run({}, {"x": np.ones((1, 3), np.float32)}, ["y"])
    assert found.tolist() == [[1, 1, 1]]


def test_matrices_of_numbers_stay_float32_and_are_told_apart() -> None:
    x = Symbol.input("x", 6)
    narrow = operators.linear(x, Symbol.constant(np.ones((3, 6))))
    function = in_8_bits(Function({"y": operators.linear(narrow, Symbol.constant(np.ones((6, 3))))}), ["w"])
    assert not function.is_exact
    given = {"x": np.arange(6, dtype=np.float32)[None]}
    for way in (Interpreter, Executor):
        assert way(function, ProgramWeights({})).run({}, given, ["y"])[0].tolist() == [[45.0] * 6]


def test_states_outlive_later_steps(make_network: Any) -> None:
    lm = engine_of(make_network("gru"))
    first = lm.advance(np.array([3]), lm.start())
    kept, before = first.to_bytes(), lm.log_probs(first)
    copied = before.copy()
    lm.log_probs(lm.advance(np.array([4]), first))
    assert first.to_bytes() == kept and np.array_equal(before, copied)
    assert State.from_bytes(kept, like=lm.start()).key() == first.key()


def test_threads_do_not_share_memory(make_network: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    lm = engine_of(make_network("lstm"))
    ids = np.random.default_rng(5).integers(0, lm.tokenizer.size, (8, 12))
    wanted = [lm.score(row[None], np.array([12]), lm.start())[0].tobytes() for row in ids]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda row: lm.score(row[None], np.array([12]), lm.start())[0].tobytes(), [*ids, *ids])
        assert list(found) == wanted * 2


def test_embeddings_are_made_as_large_as_states() -> None:
    table = np.full((4, 3), 0.1, np.float32)
    assert gain_of({"embedding.weight": table}) == 8.0
    assert gain_of({"embedding.table0": 4 * table}) == 2.0
    assert gain_of({}) == 1.0 and gain_of({"embedding.weight": 0 * table}) == 1.0


def test_a_gain_changes_float32_by_nothing(make_network: Any) -> None:
    """A power of two: what is multiplied and divided by it is the same number."""
    model = make_network("lstm")
    arrays = model.to_arrays()
    found = []
    for gain in (1.0, 4.0):
        made = inference_model(
            arrays, model.config, model.tokenizer, model_hash=model.model_hash, about={}, int8=()
        ).config.replace(gain=gain)
        lm = InferenceModel(arrays, model.tokenizer, made)
        found.append(lm.log_probs(lm.advance(np.array([3]), lm.start())).tobytes())
    assert found[0] == found[1]


def test_torch_is_not_asked(make_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lm = engine_of(make_network("lstm"))
    monkeypatch.setattr(torch.Tensor, "__matmul__", None)
    lm.score(np.array([[1, 2]]), np.array([2]), lm.start())


def test_a_function_without_ids() -> None:
    x = Symbol.input("x", 3)
    engine = Engine(Function({"y": operators.tanh(x) * 2.0}), ProgramWeights({}), patience=2)
    given = np.array([[0.0, 1, -2], [3, 0.5, 0]], np.float32)
    first, second = (engine.run({}, {"x": given}, ["y"])[0] for _ in range(2))
    assert isinstance(engine._executor, Executor)
    assert first.tobytes() == second.tobytes()
    np.testing.assert_allclose(first, 2 * np.tanh(given), rtol=1e-6)


def random_step(seed: int) -> tuple[Any, dict[str, tuple[int, ...]]]:
    """A cell of one layer with 6 inputs and 6 units, put together at random from the operators."""
    shapes: dict[str, tuple[int, ...]] = {}

    def step(x: Any, state: Any, w: ProgramWeights) -> Any:
        draw = np.random.default_rng(seed)
        values = [x, *state]

        def vector(name: str) -> Any:
            shapes[name] = (6,)
            return Symbol.parameter(name, (6,))

        for number in range(int(draw.integers(4, 12))):
            one, two = (values[draw.integers(len(values))] for _ in range(2))
            match draw.integers(11):
                case 0 | 1:
                    shapes[f"m{number}"] = (6, one.size)
                    made = operators.linear(one, Symbol.parameter(f"m{number}", (6, one.size)), vector(f"b{number}"))
                case 2:
                    shapes[f"l{number}"], shapes[f"r{number}"] = (6, one.size), (6, two.size)
                    left = operators.linear(one, Symbol.parameter(f"l{number}", (6, one.size)))
                    made = left + operators.linear(two, Symbol.parameter(f"r{number}", (6, two.size)))
                case 3:
                    unary = ("sigmoid", "tanh", "relu", "exp", "expm1", "erf")[draw.integers(6)]
                    made = getattr(operators, unary)(one * 0.5)
                case 4:
                    made = operators.split(operators.concat(one, vector(f"c{number}"), two), 3)[draw.integers(3)]
                case 5:
                    made = operators.norm(one, vector(f"g{number}"))
                case 6:
                    made = operators.softmax(one, int(draw.choice([1, 2, 3, 6])))
                case 7:
                    shares = operators.softmax(operators.dot(one, operators.concat(two, one), 2), 2)
                    made = operators.mix(shares, operators.concat(one, two), 2)
                case 8:
                    made = operators.dot(vector(f"q{number}"), operators.concat(one, two, one), 2)
                case 9:
                    made = one / (operators.exp(two * 0.1) + 1.0) - operators.sqrt(two * two + 0.5)
                case _:
                    made = operators.gelu(vector(f"e{number}")) * one + operators.softplus(vector(f"s{number}")) * two
            values.append(made)
        y, after = values[-1], values[draw.integers(len(values))]
        return operators.tanh(y), (operators.tanh(after),)

    return step, shapes


@pytest.mark.parametrize("seed", range(40))
def test_random_cells_give_the_same_bits(seed: int) -> None:
    step, shapes = random_step(seed)
    state = {"h": Symbol.input("h", 6)}
    output, after = step(Symbol.input("x", 6), tuple(state.values()), None)
    plain = Function({"y": output, "next": after[0]})
    optimised = optimise(Program({"step": plain}, {"h": 6}), gain=1.0)["step"]
    draw = np.random.default_rng(seed)
    weights = ProgramWeights({name: (draw.normal(size=shape) / 2).astype(np.float32) for name, shape in shapes.items()})
    given: dict[str, Any] = {name: draw.normal(size=(5, 6)).astype(np.float32) for name in ("x", "h")}
    names = ["y", "next"]
    wanted = evaluate([output, after[0]], {**given, **weights.arrays})
    for one, two in zip(Interpreter(optimised, weights).run({}, given, names), wanted, strict=True):
        np.testing.assert_allclose(one, np.broadcast_to(two, (5, 6)), rtol=1e-3, atol=1e-3)
    small = in_8_bits(optimised, groups_of(weights.arrays))
    assert small.is_exact
    found = [way(small, weights).run({}, given, names) for way in (Interpreter, Executor)]
    assert bits(found[0]) == bits(found[1])
