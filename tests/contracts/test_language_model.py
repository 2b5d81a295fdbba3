"""What every language model promises, checked on each kind."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.subjects import LINES, MODELS, Case, ngram

from elman.errors import ModelError
from elman.inference.conditioned_decoder import ConditionedDecoder
from elman.models.combine import Mixture
from elman.models.protocol import LanguageModel, State
from elman.models.registry import entry, kind_of, known
from elman.models.trace import step_trace, trace
from elman.storage.language import load, write_model
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, UNK_ID


# `make quick` takes one model in eight.
@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] if n % 8 else []) for n, name in enumerate(MODELS)])
def case(request: pytest.FixtureRequest) -> Case:
    return _built(request.param)


@cache
def _built(name: str) -> Case:
    return MODELS[name]()


def histories(model: LanguageModel) -> list[np.ndarray]:
    """The nothing, known lines with and without their end, and random tokens: contexts seen and
    unseen."""
    draw = np.random.default_rng(7)
    found = [np.empty(0, dtype=np.int64), np.array([EOS_ID]), np.array([UNK_ID, UNK_ID])]
    for line in LINES[:2]:
        ids = model.tokenizer.encode(line).ids
        found += [ids, np.append(ids, EOS_ID), ids[: len(ids) // 2]]
        found.append(draw.integers(0, model.tokenizer.size, 9))
    return found


def begin_no_other(histories: list[np.ndarray]) -> list[np.ndarray]:
    """Without those that others begin with: all states on their way are on the others' way too."""
    return [
        each
        for each in histories
        if not any(len(each) < len(other) and np.array_equal(each, other[: len(each)]) for other in histories)
    ]


def one_text(model: LanguageModel) -> np.ndarray:
    """All histories one after the other."""
    return np.concatenate([[*history, EOS_ID] for history in begin_no_other(histories(model))])


def states_on_the_way(model: LanguageModel, history: np.ndarray) -> Iterator[State]:
    """The states before, between and after the tokens of a history, one token at a time."""
    yield (state := model.start())
    for token in history:
        yield (state := model.advance(np.array([token]), state))


def after(model: LanguageModel, history: np.ndarray) -> State:
    """The state after a history."""
    *_, last = states_on_the_way(model, history)
    return last


@cache
def reached(model: LanguageModel) -> list[State]:
    """The states after all histories; a state is a value, so that many tests may begin with
    them."""
    return [after(model, history) for history in histories(model)]


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
    for state in reached(case.model):
        log_probs = case.model.log_probs(state)
        assert log_probs.shape == (1, case.model.tokenizer.size) and log_probs.dtype == np.float32
        assert np.isfinite(log_probs).all() and (log_probs <= 0).all()
        if case.model.exact:
            assert np.exp(log_probs.astype(np.float64)).sum() == pytest.approx(1.0, abs=1e-5)


def test_score_is_the_chain_of_log_probs_and_advance(case):
    model = case.model
    ids = one_text(model)
    state, expected = model.start(), []
    for token in ids:
        expected.append(model.log_probs(state)[0, token])
        state = model.advance(np.array([token]), state)
    scores, final = score_one(model, ids, model.start())
    assert_close(case, scores, np.array(expected))
    assert_same(case, final, state)


def test_score_in_two_chunks_is_score_in_one(case):
    model = case.model
    for history in begin_no_other(histories(model)):
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
    for history in begin_no_other(histories(model)):
        for state in states_on_the_way(model, history):
            groups[state.key()].append(state)
    assert any(len(group) > 1 for group in groups.values())
    for first, *others in groups.values():
        if not others:
            continue
        steps = [np.array([token]) for token in (UNK_ID, EOS_ID, model.tokenizer.size - 1)]
        wanted, keys = model.log_probs(first), [model.advance(step, first).key() for step in steps]
        for other in others:
            assert_close(case, model.log_probs(other), wanted)
            assert [model.advance(step, other).key() for step in steps] == keys


def test_who_forgets_lines_is_at_the_start_after_each(case):
    model = case.model
    for before in reached(model):
        state = model.advance(np.array([EOS_ID]), before)
        if model.forgets_lines:
            assert state.key() == model.start().key()
    if not model.forgets_lines and model.features(model.start()) is not None:
        assert state.key() != model.start().key()


def test_stacked_rows_are_separate_rows(case):
    model = case.model
    states = reached(model)
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
    states = reached(model)[:8]
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
    model, ids = case.model, one_text(case.model)
    rows = 3 if model.batchable else 1
    lengths = np.array([len(ids), 0, 7])[:rows]
    read = np.stack([ids] * rows)
    begun = model.score(read[:, :3], np.minimum(lengths, 3), model.start(rows))[1]
    wanted = step_trace(model, read, lengths, begun, whole=True)
    for whole in (False, True):
        found = trace(model, read, lengths, begun, whole=whole)
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
    for state in reached(model):
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
    for state in reached(model):
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
    assert {kind_of(_built(name).model) for name in MODELS} == {
        kind for kind in known() if entry(kind).task == "language"
    }


def test_a_saved_model_loads_exactly(case: Case, tmp_path: Path) -> None:
    if isinstance(case.model, ConditionedDecoder):
        pytest.skip("it lives while its sources are translated")
    if isinstance(case.model, Mixture) and any(own is not None for own in case.model._translations):
        with pytest.raises(ModelError, match="number their types differently"):
            write_model(tmp_path, case.model, Speller.fit({}))
        return
    write_model(tmp_path, case.model, Speller.fit({}))
    loaded, _ = load(tmp_path, torch=True)
    assert loaded.model_hash == case.model.model_hash
    rows = 3 if case.model.batchable else 1
    ids = np.random.default_rng(1).integers(0, case.model.tokenizer.size, (rows, 9))
    lengths = np.array([9, 4, 0])[:rows]
    scores, state = case.model.score(ids, lengths, case.model.start(rows))
    again, after = loaded.score(ids, lengths, loaded.start(rows))
    assert np.array_equal(scores, again)
    assert [state.key(row) for row in range(rows)] == [after.key(row) for row in range(rows)]
