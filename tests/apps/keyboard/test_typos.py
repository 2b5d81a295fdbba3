"""Mistyped beginnings, against the error model of `elman correct` and by hand."""

import itertools
import random

import pytest

from elman.apps.keyboard import typos
from elman.apps.keyboard.typos import ONE_EDIT, TWO_EDITS, TypoIndex
from elman.apps.keyboard.typos_kernel import least_costs
from elman.apps.spelling.error_model import ErrorModel
from elman.text.tokenizer import Tokenizer, TokenizerConfig

WORDS = "the then they because became beauty it's its island cat cart Paris naïve don't world would wild a i"
TYPED = (
    "teh",
    "thr",
    "becua",
    "bcause",
    "wrold",
    "dnot",
    "its",
    "pariss",
    "nsive",
    "waht",
    "tthe",
    "xhe",
    "cta",
    "dont",
)


@pytest.fixture(scope="module")
def index() -> TypoIndex:
    return TypoIndex(Tokenizer.fit([WORDS], config=TokenizerConfig(min_count=1)))


def found(index: TypoIndex, typed: str, *, whole: bool = False) -> dict[str, float]:
    tokenizer = Tokenizer.fit([WORDS], config=TokenizerConfig(min_count=1))
    tokens, nats = index.similar(typed, whole=whole)
    return {tokenizer.tokens[token].strip(): cost for token, cost in zip(tokens.tolist(), nats.tolist(), strict=True)}


def test_costs_by_hand(index: TypoIndex) -> None:
    # Exchanged 4; a neighbour 5, another letter 6.5, 1.5 more for the first one; left out 5;
    # doubled 3.5.
    assert found(index, "teh")["the"] == found(index, "teh")["then"] == 4.0
    assert found(index, "thr")["the"] == 5.0
    assert found(index, "tje")["they"] == 5.0
    assert found(index, "xhe")["the"] == 8.0
    assert found(index, "cta")["cat"] == 4.0
    assert found(index, "tthe")["the"] == 3.5
    assert found(index, "dont") == {"don't": 1.5}
    assert found(index, "zzz") == {}


@pytest.mark.parametrize("whole", [False, True])
def test_words_and_costs_are_those_of_the_error_model_without_sounds(index: TypoIndex, whole: bool) -> None:
    model, compared = ErrorModel({}), 0
    for typed in TYPED:
        most, costs = ONE_EDIT if len(typed) < 5 else TWO_EDITS, {}
        for word in WORDS.split():
            meant = word.lower()
            beginnings = [meant] if whole else [meant[:end] for end in range(len(meant) + 1)]
            cost = min(model.nats(beginning, typed) for beginning in beginnings)
            if 0 < cost <= most:
                costs[word] = pytest.approx(cost)
        assert found(index, typed, whole=whole) == costs, typed
        compared += len(costs)
    assert compared >= 14


def test_what_begins_just_so_is_no_correction(index: TypoIndex) -> None:
    assert "the" not in found(index, "th") and "they" not in found(index, "the")
    assert found(index, "THE", whole=True).keys() >= {"then", "they"}
    assert "the" not in found(index, "THE", whole=True)


@pytest.mark.parametrize("typed", ["", "t", "3rd", "...", "x" * 31, "😀"])
def test_what_is_no_word_has_no_corrections(index: TypoIndex, typed: str) -> None:
    assert found(index, typed) == {}


def test_machine_code_finds_what_the_arrays_find(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(1)
    made_up = ["".join(draw.choices("abehtu'", k=draw.randrange(1, 9))) for _ in range(500)]
    tokenizer = Tokenizer.fit([" ".join([WORDS, *made_up])], config=TokenizerConfig(min_count=1))
    index, kinds = TypoIndex(tokenizer), set[int]()
    for typed, whole in itertools.product((*TYPED, *made_up[:40], "aa", "é't"), (False, True)):
        found = []
        for kernel in (least_costs, None):
            monkeypatch.setattr(typos, "_kernel", lambda kernel=kernel: kernel)
            found.append([part.tolist() for part in index.similar(typed, whole=whole)])
        assert found[0] == found[1], (typed, whole)
        kinds.update(map(int, found[0][1]))
    assert len(kinds) > 5
