import math

import pytest

from elman.metrics.language import Tally


def test_figures_follow_from_sums_by_hand() -> None:
    # Three tokens of probability 1/2, 1/4, 1/8 and one unknown word spelled for 2 bits, over 4
    # bytes (3 characters).
    tally = Tally(nats=6 * math.log(2), spelling_nats=2 * math.log(2), tokens=3, oov=1, bytes=4, chars=3, lines=1)
    assert tally.perplexity == pytest.approx(4.0)
    assert tally.bits_per_byte == pytest.approx(2.0)
    assert tally.bits_per_char == pytest.approx(8 / 3)
    assert tally.oov_rate == pytest.approx(1 / 3)


def test_a_sum_divides_once_at_the_end() -> None:
    one, three = Tally(nats=1.0, tokens=1, bytes=1), Tally(nats=9.0, tokens=3, bytes=7)
    assert math.log((one + three).perplexity) == pytest.approx(10 / 4)
    assert (one + three).bits_per_byte == pytest.approx(10 / 8 / math.log(2))


def test_hopeless_models_have_infinite_perplexity_and_nothing_overflows() -> None:
    assert Tally(nats=1e6, tokens=1, bytes=1).perplexity == math.inf
    assert Tally().perplexity == 1.0
