"""The small worlds are what they say, and the gated cells remember longer."""

import numpy as np
import pytest

from elman.errors import UsageError
from elman.studies.xray_tasks import (
    COUNTRIES,
    LANGUAGES,
    SUM_VARIANCE,
    TASKS,
    agreement_text,
    agreement_words,
    task_named,
)
from elman.studies.xray_training import Trial, Trials, run_trials, trials_json, trials_words


def test_the_answer_is_in_the_first_symbol_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    for name in ("recall", "brackets"):
        batch = TASKS[name].draw(rng, 500, 12)
        assert batch.inputs.shape == (500, 14, TASKS[name].inputs) and (batch.inputs.sum(axis=2) == 1).all()
        ids = batch.inputs.argmax(axis=2)
        np.testing.assert_array_equal(ids[:, 0], batch.answers)
        assert np.bincount(batch.answers, minlength=TASKS[name].answers).min() > 30
    # Between the first bracket and the end, all that opens closes in order.
    for row in ids[:50]:
        open_ones = []
        for each in row[1:-1]:
            if each < 4:
                open_ones.append(each)
            else:
                assert open_ones.pop() == each - 4
        assert not open_ones


def test_agreement_speaks_the_language_of_the_first_country() -> None:
    rng = np.random.default_rng(1)
    for lag in (0, 7, 30):
        words = agreement_words(rng, lag)
        assert words[:4] == ["I", "grew", "up", "in"] and words[-4:-1] == ["I", "speak", "fluent"]
        assert LANGUAGES.index(words[-1]) == COUNTRIES.index(words[4]) and len(words) == lag + 10
    assert any(country in agreement_words(rng, 40)[5:] for country in COUNTRIES)  # others, that mislead
    batch = TASKS["agreement"].draw(rng, 20, 9)
    assert batch.inputs.shape[:2] == (20, 18)
    text = agreement_text(30, lags=(2, 6), seed=3)
    assert text.count("\n") == 30 and text == agreement_text(30, lags=(2, 6), seed=3)


@pytest.mark.parametrize("lag", [2, 5, 40])
def test_adding_adds_two_numbers_far_from_the_end(lag: int) -> None:
    batch = TASKS["adding"].draw(np.random.default_rng(2), 4000, lag)
    values, marks = batch.inputs[:, :, 0], batch.inputs[:, :, 1]
    assert (marks.sum(axis=1) == 2).all()
    np.testing.assert_allclose((values * marks).sum(axis=1), batch.answers, rtol=1e-6)
    assert batch.answers.var() == pytest.approx(SUM_VARIANCE, rel=0.1)
    if lag == 40:
        assert marks[:, 25:].sum() == 0


@pytest.mark.slow
def test_an_lstm_remembers_twice_as_far_as_a_plain_rnn() -> None:
    """On the adding problem, with forget gates that begin open for the lag."""
    cells = ("rnn", "lstm-chrono")
    found = run_trials(TASKS["adding"], lags=[16, 8], updates=400, cells=cells)
    assert found.longest_solved("rnn") == 8
    assert found.longest_solved("lstm-chrono") >= 2 * found.longest_solved("rnn")
    assert max(found.scores("rnn", 16)) < 0.3 and min(found.scores("lstm-chrono", 16)) > 0.9
    listed = trials_json(found)
    assert [cell["cell"] for cell in listed["cells"]] == list(cells) and listed["lags"] == [8, 16]
    assert "rnn up to 8" in listed["words"] and "solved the longest that was tried" in listed["words"]


def test_solved_means_with_all_shorter_ones_and_in_the_median() -> None:
    scores = {(5, 1): 0.95, (5, 2): 0.2, (5, 3): 0.92, (10, 1): 0.5, (10, 2): 0.99, (10, 3): 0.89, (20, 1): 1.0,
              (20, 2): 1.0, (20, 3): 1.0}  # fmt: skip
    trials = [Trial("gru", lag, seed, 9, score) for (lag, seed), score in scores.items()]
    found = Trials("recall", [5, 10, 20], [1, 2, 3], 0.125, 0.9, 9, 48, trials)
    assert found.longest_solved("gru") == 5 and "gru up to 5" in trials_words(found)


@pytest.mark.slow
def test_a_run_is_repeatable_and_mistakes_are_said() -> None:
    one, two = (
        run_trials(TASKS["recall"], lags=[12], seeds=seeds, updates=60, cells=("gru",)) for seeds in ((1,), (2, 1))
    )
    assert [each.seed for each in two.trials] == [2, 1] and one.trials == two.trials[1:]
    assert two.trials[0].score != one.trials[0].score
    timed = run_trials(TASKS["recall"], lags=[3], minutes=0.01, cells=("gru",))
    assert timed.allowed >= 50
    with pytest.raises(UsageError, match="--lags is 1,5; lags must be between 2 and 1000"):
        run_trials(TASKS["recall"], lags=[5, 1], updates=1)
    with pytest.raises(UsageError, match="--task is 'sorting'; it must be one of: recall, brackets, agreement, adding"):
        task_named("sorting")
