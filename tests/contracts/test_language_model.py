"""What every language model promises, checked on each one in MODELS."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from elman import folder
from elman.errors import ModelError
from elman.export.onnx import build_program
from elman.export.products import groups_of
from elman.models.cache import NeuralCache
from elman.models.combine import Mixture
from elman.models.dynamic import DynamicEvaluation, gradient_rms
from elman.models.neural import Network, NeuralModel
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.models.protocol import LanguageModel, State
from elman.models.registry import MODELS as REGISTERED
from elman.models.registry import kind_of
from elman.models.runtime import RuntimeModel
from elman.models.shape import NeuralConfig
from elman.models.temperature import Tempered
from elman.models.trace import step_trace, trace
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig

LINES = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "",
    "the cat saw the dog and the dog saw the cat",
    "a cat and a dog sat on a mat",
    "the mat was on the log",
    "was the cat on the mat?",
] * 3 + ["once upon a time there was a cat", "the dog ran"]


class Case(NamedTuple):
    """A model, and how far its figures may depend on the rows and chunks they were computed with (nats)."""

    model: LanguageModel
    tolerance: float = 0.0


@cache
def tokenizer(level: str) -> Tokenizer:
    return Tokenizer.fit(LINES, config=TokenizerConfig.from_json({"level": level}))


def ngram(level: str, *, order: int, lines: Sequence[str] = LINES, words: Tokenizer | None = None) -> NgramModel:
    words = words or tokenizer(level)
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=order))


def mixture(level: str) -> Mixture:
    """Of three models, the last with the same types under other ids and from other text."""
    other = Tokenizer([*tokenizer(level).tokens[:2], *tokenizer(level).tokens[:1:-1]], config=tokenizer(level).config)
    third = ngram(level, order=2, lines=LINES[::5], words=other)
    return Mixture([ngram(level, order=3), ngram(level, order=1), third], weights=[0.5, 0.125, 0.375])


def smoothed(level: str, *, order: int, **settings: Any) -> NgramModel:
    """An n-gram that is pruned or quantised."""
    words = tokenizer(level)
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in LINES])
    return fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=order, **settings))


def arpa(level: str, *, order: int) -> NgramModel:
    """An n-gram as it comes back from ARPA's numbers."""
    model = ngram(level, order=order)
    return NgramModel.from_backoff(model.backoff_tables(), model.tokenizer)


def network(kind: str, level: str, **shape: Any) -> NeuralModel:
    """A network with weights large enough that everything it has read matters."""
    torch.manual_seed(len(kind))
    config = NeuralConfig(cell=kind, **{"embedding_size": 6, "hidden_size": 7, **shape})  # type: ignore[arg-type]
    built = Network(config, tokenizer(level).size)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(2)
    return NeuralModel(built, tokenizer(level), config)


def runtime(model: NeuralModel, *, int8: bool) -> RuntimeModel:
    """A network through onnxruntime, all of it in 8 bits or none."""
    arrays, about = model.to_arrays(), model.describe()
    chosen = frozenset(groups_of(arrays) if int8 else ())
    facts: dict[str, Any] = {"model_hash": model.model_hash, "about": about, "int8": chosen}
    program = build_program(arrays, model.config, model.tokenizer, **facts)
    return RuntimeModel(program, lambda: arrays, model.tokenizer)


def cached(model: LanguageModel, *, theta: float, window: int = 11) -> NeuralCache:
    """With a window that is full after a line or two."""
    return NeuralCache(model, share=0.3, theta=theta, recency=0.05, window=window)


def dynamic(model: NeuralModel, *, bptt: int) -> DynamicEvaluation:
    """At a rate that shows after one segment."""
    ids = np.concatenate([[*model.tokenizer.encode(line).ids, EOS_ID] for line in LINES])
    return DynamicEvaluation(model, gradient_rms(model, ids, bptt=bptt), rate=0.02, decay=0.05, bptt=bptt)


# One line makes one more model go through every test below.
MODELS: dict[str, Callable[[], Case]] = {
    "ngram order 1, words": lambda: Case(ngram("word", order=1)),
    "ngram order 2, words": lambda: Case(ngram("word", order=2)),
    "ngram order 3, words": lambda: Case(ngram("word", order=3)),
    "ngram order 5, words": lambda: Case(ngram("word", order=5)),
    "ngram order 1, characters": lambda: Case(ngram("char", order=1)),
    "ngram order 2, characters": lambda: Case(ngram("char", order=2)),
    "ngram order 3, characters": lambda: Case(ngram("char", order=3)),
    "ngram order 5, characters": lambda: Case(ngram("char", order=5)),
    "ngram from an ARPA file": lambda: Case(arpa("word", order=3)),
    "ngram pruned by counts": lambda: Case(smoothed("word", order=4, prune="0,0,1")),
    "ngram pruned by entropy": lambda: Case(smoothed("word", order=4, prune_entropy=1e-4)),
    "ngram in few bits": lambda: Case(smoothed("char", order=4, quantise=4, small=True)),
    "lstm, words": lambda: Case(network("lstm", "word"), tolerance=1e-5),
    "lstm, characters": lambda: Case(network("lstm", "char", tied=False), tolerance=1e-5),
    "lstm, one-hot": lambda: Case(network("lstm", "word", tied=False, input="one-hot"), tolerance=1e-5),
    "lstm, adaptive": lambda: Case(network("lstm", "word", softmax="adaptive"), tolerance=1e-5),
    "lstm, adaptive, own weights": lambda: Case(
        network("lstm", "char", softmax="adaptive", tied=False), tolerance=1e-5
    ),
    "lstm, adaptive, one-hot": lambda: Case(
        network("lstm", "word", softmax="adaptive", tied=False, input="one-hot"), tolerance=1e-5
    ),
    "lstm, sampled": lambda: Case(network("lstm", "word", softmax="sampled"), tolerance=1e-5),
    "gru, words": lambda: Case(network("gru", "word"), tolerance=1e-5),
    "rnn, words": lambda: Case(network("rnn", "word"), tolerance=1e-5),
    "mingru, words": lambda: Case(network("mingru", "word"), tolerance=1e-5),
    "minlstm, characters": lambda: Case(network("minlstm", "char", tied=False), tolerance=1e-5),
    "rglru, words": lambda: Case(network("rglru", "word"), tolerance=1e-5),
    "feed-forward, words": lambda: Case(network("feed-forward", "word", window=3, layers=1), tolerance=1e-5),
    "conv, characters": lambda: Case(network("conv", "char", window=2, tied=False), tolerance=1e-4),
    "conv, adaptive": lambda: Case(network("conv", "word", softmax="adaptive"), tolerance=1e-4),
    "transformer, words": lambda: Case(network("transformer", "word", window=5, heads=2, embedding_size=16), 1e-4),
    "transformer, characters": lambda: Case(network("transformer", "char", tied=False, embedding_size=16), 1e-3),
    "rnn-relu, characters": lambda: Case(network("rnn-relu", "char", layers=1), tolerance=1e-4),
    "mixture with a network": lambda: Case(
        Mixture([ngram("word", order=3), network("lstm", "word")], weights=[0.5, 0.5]), tolerance=1e-5
    ),
    "cache round a network": lambda: Case(cached(network("lstm", "word"), theta=0.7), tolerance=1e-5),
    "cache of one token": lambda: Case(cached(network("gru", "word"), theta=0.7, window=1), tolerance=1e-5),
    "cache without features": lambda: Case(cached(ngram("word", order=3), theta=0.0), tolerance=1e-6),
    "temperature of a network": lambda: Case(Tempered(network("lstm", "char", tied=False), temperature=1.5), 1e-5),
    "temperature of an ngram": lambda: Case(Tempered(ngram("word", order=3), temperature=0.5), tolerance=1e-6),
    "dynamic, tied": lambda: Case(dynamic(network("lstm", "word"), bptt=4), tolerance=1e-4),
    "dynamic, segments of one token": lambda: Case(dynamic(network("gru", "word"), bptt=1), tolerance=1e-4),
    "dynamic, one-hot": lambda: Case(
        dynamic(network("rnn", "word", tied=False, input="one-hot", layers=1), bptt=3), tolerance=1e-4
    ),
    "everything that adapts": lambda: Case(
        cached(Mixture([dynamic(network("lstm", "word"), bptt=5), ngram("word", order=3)]), theta=0.3), tolerance=1e-4
    ),
    # In 8 bits nothing may depend on neighbours, to the last bit.
    "runtime, int8 lstm": lambda: Case(runtime(network("lstm", "word"), int8=True)),
    "runtime, int8 gru": lambda: Case(runtime(network("gru", "char", tied=False), int8=True)),
    "runtime, int8 rnn-relu, one layer": lambda: Case(runtime(network("rnn-relu", "char", layers=1), int8=True)),
    "runtime, int8 rnn, one-hot": lambda: Case(runtime(network("rnn", "word", tied=False, input="one-hot"), int8=True)),
    "runtime, int8 mingru": lambda: Case(runtime(network("mingru", "word"), int8=True)),
    "runtime, int8 minlstm, adaptive": lambda: Case(
        runtime(network("minlstm", "word", softmax="adaptive", tied=False), int8=True)
    ),
    "runtime, int8 rglru": lambda: Case(runtime(network("rglru", "word"), int8=True)),
    "runtime, int8 feed-forward": lambda: Case(runtime(network("feed-forward", "char"), int8=True)),
    "runtime, int8 conv": lambda: Case(runtime(network("conv", "word"), int8=True)),
    "runtime, int8 transformer": lambda: Case(runtime(network("transformer", "word", window=6, heads=2), int8=True)),
    "runtime, fp32 transformer": lambda: Case(runtime(network("transformer", "word", window=3), int8=False), 1e-4),
    "runtime, fp32 lstm, adaptive": lambda: Case(
        runtime(network("lstm", "word", softmax="adaptive"), int8=False), 1e-5
    ),
    "runtime, fp32 gru, sampled": lambda: Case(runtime(network("gru", "word", softmax="sampled"), int8=False), 1e-5),
    "runtime, fp32 rglru, one-hot": lambda: Case(
        runtime(network("rglru", "word", tied=False, input="one-hot"), int8=False), tolerance=1e-4
    ),
    "runtime in a mixture": lambda: Case(
        Mixture([ngram("word", order=3), runtime(network("lstm", "word"), int8=True)], weights=[0.5, 0.5]), 1e-6
    ),
    "mixture, words": lambda: Case(mixture("word")),
    "mixture, characters": lambda: Case(mixture("char")),
}


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> Case:
    return _built(request.param)


@cache
def _built(name: str) -> Case:
    return MODELS[name]()


def histories(model: LanguageModel, *, count: int = 6) -> list[np.ndarray]:
    """The nothing, known lines with and without their end, and random tokens: contexts seen and unseen."""
    draw = np.random.default_rng(7)
    found = [np.empty(0, dtype=np.int64), np.array([EOS_ID]), np.array([UNK_ID, UNK_ID])]
    for line in LINES[:count]:
        ids = model.tokenizer.encode(line).ids
        found += [ids, np.append(ids, EOS_ID), ids[: len(ids) // 2]]
        found.append(draw.integers(0, model.tokenizer.size, 9))
    return found


def after(model: LanguageModel, history: np.ndarray) -> State:
    """The state after a history, one token at a time."""
    state = model.start()
    for token in history:
        state = model.advance(np.array([token]), state)
    return state


def score_one(model: LanguageModel, ids: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    scores, final = model.score(ids[None], np.array([len(ids)]), state)
    return scores[0], final


def assert_same(case: Case, found: State, wanted: State) -> None:
    """The two states hold the same, within the model's tolerance."""
    assert found.model_hash == wanted.model_hash == case.model.model_hash
    assert set(found.parts) == set(wanted.parts)
    for name, part in wanted.parts.items():
        assert found.parts[name].dtype == part.dtype
        np.testing.assert_allclose(found.parts[name], part, rtol=case.tolerance, atol=case.tolerance)
    if case.tolerance == 0:
        assert [found.key(row) for row in range(found.batch)] == [wanted.key(row) for row in range(wanted.batch)]


def assert_close(case: Case, found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.dtype == wanted.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=case.tolerance)


def test_it_is_a_language_model(case):
    model = case.model
    assert isinstance(model, LanguageModel)
    assert len(model.model_hash) >= 16 and int(model.model_hash, 16) >= 0
    assert {"name", "parameters", "size"} <= model.describe().keys()
    features = model.features(model.start())
    assert features is None or (features.dtype == np.float32 and features.shape[0] == 1 and features.ndim == 2)


def test_probabilities_sum_to_1_in_every_state(case):
    for history in histories(case.model):
        log_probs = case.model.log_probs(after(case.model, history))
        assert log_probs.shape == (1, case.model.tokenizer.size) and log_probs.dtype == np.float32
        assert np.isfinite(log_probs).all() and (log_probs <= 0).all()
        if case.model.exact:
            assert np.exp(log_probs.astype(np.float64)).sum() == pytest.approx(1.0, abs=1e-5)


def test_score_is_the_chain_of_log_probs_and_advance(case):
    model = case.model
    ids = np.concatenate([[*history, EOS_ID] for history in histories(model)])
    state, expected = model.start(), []
    for token in ids:
        expected.append(model.log_probs(state)[0, token])
        state = model.advance(np.array([token]), state)
    scores, final = score_one(model, ids, model.start())
    assert_close(case, scores, np.array(expected))
    assert_same(case, final, state)


def test_score_in_two_chunks_is_score_in_one(case):
    model = case.model
    for history in histories(model):
        ids = np.append(history, [EOS_ID, UNK_ID])
        whole, final = score_one(model, ids, model.start())
        for cut in (1, len(ids) // 2, len(ids)):
            first, between = score_one(model, ids[:cut], model.start())
            second, last = score_one(model, ids[cut:], between)
            assert_close(case, np.concatenate([first, second]), whole)
            assert_same(case, last, final)


def test_equal_keys_continue_equally(case):
    model = case.model
    groups: dict[object, list[State]] = defaultdict(list)
    for history in histories(model):
        for place in range(len(history) + 1):
            state = after(model, history[:place])
            groups[state.key()].append(state)
    assert any(len(group) > 1 for group in groups.values())
    for first, *others in groups.values():
        wanted = model.log_probs(first)
        for other in others:
            assert_close(case, model.log_probs(other), wanted)
            for token in (UNK_ID, EOS_ID, model.tokenizer.size - 1):
                step = np.array([token])
                assert model.advance(step, other).key() == model.advance(step, first).key()


def test_who_forgets_lines_is_at_the_start_after_each(case):
    model = case.model
    for history in histories(model):
        state = model.advance(np.array([EOS_ID]), after(model, history))
        if model.forgets_lines:
            assert state.key() == model.start().key()
    if not model.forgets_lines and model.features(model.start()) is not None:
        assert state.key() != model.start().key()


def test_stacked_rows_are_separate_rows(case):
    model = case.model
    states = [after(model, history) for history in histories(model)]
    together = State.stack(states)
    if not model.batchable:
        ids = np.full((len(states), 2), EOS_ID)
        for use in (
            lambda: model.start(2),
            lambda: model.log_probs(together),
            lambda: model.advance(ids[:, 0], together),
            lambda: model.score(ids, np.full(len(states), 2), together),
        ):
            with pytest.raises(ModelError, match="one text at a time"):
                use()
        return
    assert together.batch == len(states)
    assert_close(case, model.log_probs(together), np.concatenate([model.log_probs(state) for state in states]))
    draw = np.random.default_rng(3)
    tokens = draw.integers(0, model.tokenizer.size, len(states))
    advanced = [model.advance(tokens[row : row + 1], state) for row, state in enumerate(states)]
    assert_same(case, model.advance(tokens, together), State.stack(advanced))
    ids = draw.integers(0, model.tokenizer.size, (len(states), 7))
    lengths = draw.integers(0, 8, len(states))
    scores, final = model.score(ids, lengths, together)
    for row, state in enumerate(states):
        alone, last = score_one(model, ids[row, : lengths[row]], state)
        assert_close(case, scores[row, : lengths[row]], alone)
        assert (scores[row, lengths[row] :] == 0).all()
        assert_same(case, final.take([row]), last)


def test_take_picks_rows_in_order_with_repeats(case):
    model = case.model
    states = [after(model, history) for history in histories(model)[:8]]
    rows = [5, 0, 5, 7]
    taken = State.stack(states).take(rows)
    assert [taken.key(place) for place in range(4)] == [states[row].key() for row in rows]
    if not model.batchable:
        return
    assert_close(case, model.log_probs(taken), np.concatenate([model.log_probs(states[row]) for row in rows]))
    alike = model.start(3)
    assert [alike.key(row) for row in range(3)] == [model.start().key()] * 3
    assert_same(case, alike.take([1]), model.start())


def test_a_trace_is_what_log_probs_and_features_say_on_the_way(case):
    model, ids = case.model, np.concatenate([[*history, EOS_ID] for history in histories(case.model, count=2)])
    rows = 3 if model.batchable else 1
    lengths = np.array([len(ids), 0, 7])[:rows]
    read = np.stack([ids] * rows)
    begun = model.score(read[:, :3], np.minimum(lengths, 3), model.start(rows))[1]
    for whole in (False, True):
        found = trace(model, read, lengths, begun, whole=whole)
        wanted = step_trace(model, read, lengths, begun, whole=True)
        assert_close(case, found.scores, wanted.scores)
        assert_same(case, found.state, wanted.state)
        assert (found.log_probs is not None) or not whole
        for row, length in enumerate(lengths):
            if found.log_probs is not None:
                assert_close(case, found.log_probs[row, :length], wanted.log_probs[row, :length])
            if wanted.features is not None and found.features is not None:
                assert_close(case, found.features[row, :length], wanted.features[row, :length])


def test_nothing_to_read_changes_nothing(case):
    model = case.model
    for history in histories(model):
        state = after(model, history)
        for ids in (np.empty((1, 0), dtype=np.int64), np.array([[3, 2, 0]])):
            scores, final = model.score(ids, np.array([0]), state)
            assert scores.shape == ids.shape and scores.dtype == np.float32 and (scores == 0).all()
            assert_same(case, final, state)


def test_padding_never_matters(case):
    model = case.model
    rows = 3 if model.batchable else 1
    ids = np.random.default_rng(5).integers(0, model.tokenizer.size, (rows, 6))
    lengths = np.array([4, 0, 6])[:rows]
    real = np.arange(6) < lengths[:, None]
    wanted, final = model.score(np.where(real, ids, 0), lengths, model.start(rows))
    for pad in (-1, EOS_ID, model.tokenizer.size, 10**12, -(10**12)):
        scores, last = model.score(np.where(real, ids, pad), lengths, model.start(rows))
        assert scores.tobytes() == wanted.tobytes()
        assert [last.key(row) for row in range(rows)] == [final.key(row) for row in range(rows)]


def test_a_state_is_a_value(case):
    model = case.model
    state = after(model, histories(model)[3])
    before, predicted = {name: part.tobytes() for name, part in state.parts.items()}, model.log_probs(state)
    ids = np.array([[2, EOS_ID, 3]])
    results = [model.advance(ids[:, 0], state), model.score(ids, np.array([3]), state)[1], state.take([0])]
    for found in (state, model.start(), State.stack([state]), *results):
        assert not any(part.flags.writeable for part in found.parts.values())
    assert ids.tolist() == [[2, EOS_ID, 3]] and ids.flags.writeable
    assert {name: part.tobytes() for name, part in state.parts.items()} == before
    assert model.log_probs(state).tobytes() == predicted.tobytes()
    # What log_probs returns is the caller's own: spoiling it spoils nothing.
    model.log_probs(state)[:] = np.nan
    assert model.log_probs(state).tobytes() == predicted.tobytes()


def test_a_saved_state_goes_on_as_if_never_saved(case):
    model = case.model
    for history in histories(model):
        state = after(model, history)
        again = State.from_bytes(state.to_bytes(), like=model.start())
        assert_same(case, again, state)
        assert again.key() == state.key()
        assert not any(part.flags.writeable for part in again.parts.values())
        assert model.log_probs(again).tobytes() == model.log_probs(state).tobytes()


def test_a_damaged_state_is_refused(case):
    good = after(case.model, histories(case.model)[3]).to_bytes()
    spoilt = [good[:cut] for cut in (0, 7, 40, len(good) - 1)] + [good + b"\0"]
    for place in range(0, len(good), 11):
        spoilt.append(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
    for data in spoilt:
        with pytest.raises(ModelError):
            State.from_bytes(data, like=case.model.start())


def test_a_state_of_another_model_is_refused(case):
    stranger = ngram("char", order=4, lines=LINES[:3]).start()
    with pytest.raises(ModelError, match="another model"):
        State.from_bytes(stranger.to_bytes(), like=case.model.start())
    disguised = State(stranger.model_hash, dict(case.model.start().parts))
    ids = np.array([[EOS_ID]])
    for use in (
        lambda: case.model.log_probs(disguised),
        lambda: case.model.advance(ids[0], disguised),
        lambda: case.model.score(ids, np.array([1]), disguised),
    ):
        with pytest.raises(ModelError, match="another model"):
            use()
    with pytest.raises(ModelError, match="different models"):
        State.stack([stranger, case.model.start()])


def test_every_registered_kind_is_here() -> None:
    assert {kind_of(_built(name).model) for name in MODELS} == set(REGISTERED)


def test_a_saved_model_loads_exactly(case: Case, tmp_path: Path) -> None:
    if isinstance(case.model, Mixture) and any(own is not None for own in case.model._translations):
        with pytest.raises(ModelError, match="number their types differently"):
            folder.save(tmp_path, case.model, Speller.fit({}))
        return
    folder.save(tmp_path, case.model, Speller.fit({}))
    loaded, _ = folder.load(tmp_path)
    assert loaded.model_hash == case.model.model_hash
    rows = 3 if case.model.batchable else 1
    ids = np.random.default_rng(1).integers(0, case.model.tokenizer.size, (rows, 9))
    lengths = np.array([9, 4, 0])[:rows]
    scores, state = case.model.score(ids, lengths, case.model.start(rows))
    again, after = loaded.score(ids, lengths, loaded.start(rows))
    assert np.array_equal(scores, again)
    assert [state.key(row) for row in range(rows)] == [after.key(row) for row in range(rows)]
