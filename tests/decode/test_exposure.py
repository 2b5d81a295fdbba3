"""Exposure of secrets: ranks by hand, by scoring one text after the other, and of what was
memorised."""

import math
from pathlib import Path

import pytest
from tests.contracts.subjects import tokenizer

import elman
from elman.decode.exposure import FEWEST, LIMIT, Canary, exposure, parse_canary
from elman.errors import UsageError
from elman.text.speller import Speller


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> elman.Model:
    """Characters, each by itself; 7 is the most frequent digit, then 3; the others are equally
    frequent."""
    path = tmp_path_factory.mktemp("digits") / "text.txt"
    path.write_text("pin 7 7 7 7 3 3 0 1 2 4 5 6 8 9\n" * 40)
    return elman.train(path, model="ngram", order=1, level="char", valid=path)


@pytest.mark.parametrize(
    ("value", "rank"),
    [
        ("77", 1),
        ("73", 2.5),  # 77 is likelier, 37 as likely
        ("33", 4),  # 77, 73, 37 are likelier
        ("70", 4 + 1 + 15 / 2),  # so are 33 and the three before; 16 texts have a 7 and a rare digit
        ("01", 4 + 16 + 16 + 1 + 63 / 2),  # 64 texts have two rare digits
    ],
)
def test_ranks_by_hand(digits: elman.Model, value: str, rank: float) -> None:
    found = exposure(digits.lm, digits.speller, Canary("pin {digits:2}", value))
    assert (found.rank, found.among) == (rank, 100)
    assert found.bits == pytest.approx(math.log2(100 / rank))
    assert found.memorised is (value == "77")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ngram", "lstm", "mixture"])
def test_ranks_are_those_of_single_scores(
    kind: str, ngram_folder: Path, lstm_folder: Path, request: pytest.FixtureRequest
) -> None:
    ngram, lstm = elman.load(ngram_folder), elman.load(lstm_folder)
    model = {
        "ngram": ngram,
        "lstm": lstm,
        "mixture": elman.mix([ngram, lstm], tune=request.getfixturevalue("text_file")),
    }[kind]
    found = exposure(model.lm, model.speller, Canary("Anna sees {digits:2}", "42"))
    scores = {value: model.score(f"Anna sees {value:02}").log_prob for value in range(100)}
    assert found.log_prob == pytest.approx(scores[42], abs=1e-4)
    own = scores.pop(42)
    better = sum(score > own + 1e-6 for score in scores.values())
    same = sum(abs(score - own) <= 1e-6 for score in scores.values())
    assert 1 + better <= found.rank <= 1 + better + same


@pytest.mark.slow
def test_what_was_memorised_stands_out(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("my pin is 4831 today\n" * 3 + "my dog is at home today\nyour pin is safe\n" * 60)
    model = elman.train(text, model="ngram", order=4, level="char", valid=text)
    told = exposure(model.lm, model.speller, parse_canary("my pin is {digits:4}=4831"))
    assert (told.rank, told.among) == (1, 10_000) and told.bits == pytest.approx(math.log2(10_000)) and told.memorised
    # Never seen; and it does not share a character with the other one at any place.
    untold = exposure(model.lm, model.speller, parse_canary("my pin is {digits:4}=0275"))
    assert untold.bits < 4 and not untold.memorised


def test_of_many_values_random_ones_are_scored() -> None:
    canary = Canary("a {hex:12}", "00000000000f")
    others = list(canary.others(500, 1))
    assert len(set(others)) == 500 and canary.value not in others and others == list(canary.others(500, 1))
    assert others != list(canary.others(500, 2)) and all(len(each) == 12 for each in others)
    few = Canary("a {digits:2}", "11")
    assert sorted(few.others(99, 0)) == [f"{value:02}" for value in range(100) if value != 11]
    assert len(set(few.others(98, 0))) == 98
    assert math.log2(FEWEST) == LIMIT


def test_a_model_that_tells_nothing_exposes_nothing() -> None:
    words = tokenizer("word")
    from tests.contracts.subjects import ngram

    found = exposure(ngram("word", order=2), Speller.fit({"the": 1}), Canary("the {letters:2}", "qx"))
    assert words.size and found.among == 26 * 26 and found.bits < LIMIT


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("my pin is {digits:4}", "add the secret"),
        ("my pin is 4831=4831", "must have one of {digits:N}, {letters:N}, {hex:N} once"),
        ("{digits:4} {digits:4}=4831", "once"),
        ("{words:4}=abcd", "once"),
        ("{digits:0}=", "from 1 to 64"),
        ("{digits:65}=" + "1" * 65, "from 1 to 64"),
        ("my pin is {digits:4}=483", "must be 4 of 0123456789"),
        ("my pin is {digits:4}=48a1", "must be 4 of 0123456789"),
        ("my pin is {digits:1}=4", "has 10 values"),
    ],
)
def test_canaries_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_canary(text)
    assert says in str(error.value) and "\n" not in str(error.value)
