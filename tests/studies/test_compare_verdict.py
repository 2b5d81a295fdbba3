"""The verdict, case by case."""

import pytest

from elman.metrics.intervals import Interval
from elman.studies.compare_results import BITS
from elman.studies.compare_verdict import Contender, Verdict, decide

NGRAM = Contender("5-gram", 2.0, 5_000_000, 0.1, 2.0, network=False)
WORSE, BETTER, TIE = 2.2, 1.8, 1.99


def judged(bits: float, low: float, *, milliseconds: float = 0.5, units: int = 50) -> Verdict:
    """The 5-gram and an LSTM; ``low`` is the lower end of the interval of the worse one."""
    lstm = Contender("lstm", bits, 10_000_000, milliseconds, 60.0)
    loser = "lstm" if bits > 2.0 else "5-gram"
    gap = Interval(abs(bits - 2.0), low, 2 * abs(bits - 2.0) - low)
    return decide([NGRAM, lstm], {loser: gap}, measure=BITS, training_tokens=4000, units=units)


@pytest.mark.parametrize(
    ("bits", "low", "options", "use", "best", "said"),
    [
        (WORSE, 0.1, {}, "5-gram", "5-gram", "too small for anything else"),
        (TIE, -0.01, {}, "5-gram", "lstm", "cannot be told from none"),
        (BETTER, 0.1, {}, "lstm", "lstm", "more than chance"),
        (BETTER, 0.1, {"milliseconds": 10.0}, "lstm", "lstm", "100 times as slow as the 5-gram"),
        (BETTER, 0.1, {"units": 5}, "5-gram", "lstm", "only 5 parts"),
    ],
)
def test_the_table(bits: float, low: float, options: dict, use: str, best: str, said: str) -> None:
    found = judged(bits, low, **options)
    assert (found.use, found.best) == (use, best)
    assert said in found.words and found.words.startswith(f"Use the {use}:")


def test_prices_are_named_only_where_they_differ() -> None:
    assert "times as" not in judged(BETTER, 0.1).words
    # 0.2 of 1.8 bits per byte.
    assert "lose 11.1% in bits" in judged(BETTER, 0.1, milliseconds=10.0).words


def test_a_network_that_cannot_be_told_from_the_n_gram_leaves_open_what_learning_brings() -> None:
    assert "too small for anything else" not in judged(TIE, -0.01).words


def test_of_three_the_cheapest_of_the_equal_ones() -> None:
    small = Contender("gru", 1.82, 1_000_000, 0.05, 60.0)
    large = Contender("lstm", 1.80, 10_000_000, 0.5, 60.0)
    worse_by = {"gru": Interval(0.02, -0.01, 0.05), "5-gram": Interval(0.2, 0.1, 0.3)}
    found = decide([NGRAM, large, small], worse_by, measure=BITS, training_tokens=10**6, units=50)
    assert (found.use, found.best) == ("gru", "lstm")


def test_one_model_alone() -> None:
    words = decide([NGRAM], {}, measure=BITS, training_tokens=10, units=50).words
    assert "only model" in words and "too small" not in words  # no network was tried


def test_a_hair_is_no_reason_to_pay_more() -> None:
    """A mixture that gives all its weight to one part is a hair better than that part, and surely
    so; what a hair is, the user says."""
    rnn = Contender("rnn", 3.1871, 4_000_000, 0.02, 3.0)
    mixture = Contender("mixture", 3.1870, 4_300_000, 0.26, 3.0, made_of=2)
    found = decide(
        [rnn, mixture], {"rnn": Interval(0.0001, 0.00005, 0.0002)}, measure=BITS, training_tokens=4000, units=31
    )
    assert (found.use, found.best) == ("rnn", "mixture") and "0.0031% of the bits, and 1% or more matter" in found.words
    gap = {"rnn": Interval(0.05, 0.001, 0.1)}
    wide = decide([rnn, mixture], gap, measure=BITS, training_tokens=4000, units=31)
    assert wide.use == "mixture"
    assert decide([rnn, mixture], gap, measure=BITS, training_tokens=4000, units=31, matters=0.02).use == "rnn"
    hair = {"rnn": Interval(0.0001, 0.00005, 0.0002)}
    assert decide([rnn, mixture], hair, measure=BITS, training_tokens=4000, units=31, matters=0.0).use == "mixture"
