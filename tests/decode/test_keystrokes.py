"""Keystrokes: by hand, and the fast way against asking for completions at every key."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.decode.keystrokes import Keystrokes, count_keys, type_line, type_lines, words_of
from elman.errors import UsageError
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

LINES = [
    "Anna sees the old house in the morning.",
    'Ben follows a small bird, after lunch; "Clara" likes it!',
    "Zoe's unknown words don't help (much)",
    "",
    "the-quiet town, the green river",
    "   Emma hears  a tall tree",
    "the the old old house",
    "ANNA SEES The OLD river by anna",
    'Anna sees the river. the bird likes it! Ben (the dog) sees. "Clara." Emma follows.',
    "the bird sings. A tall tree grows.  anna sees etc. and the dog.",
]


@pytest.fixture(scope="module")
def models(lstm_folder: Path, ngram_folder: Path, text_file: Path) -> dict[str, Any]:
    found = {"lstm": elman.load(lstm_folder), "ngram": elman.load(ngram_folder)}
    return {**found, "mixture": elman.mix(list(found.values()), text_file)}


@pytest.mark.parametrize("kind", ["lstm", "ngram", "mixture"])
def test_the_fast_way_is_asking_at_every_key(models: dict[str, Any], kind: str) -> None:
    model = models[kind].lm
    fast = list(type_lines(model, [(line, True) for line in LINES]))
    for line, found in zip(LINES, fast, strict=True):
        assert found == type_line(model, line), line
    assert sum(found.words for found in fast) == 75
    assert any(found.offered[1:] for found in fast) and all(found.keys <= found.chars for found in fast)


def test_state_goes_on_from_line_to_line(models: dict[str, Any]) -> None:
    model = models["lstm"].lm
    fast = list(type_lines(model, [(LINES[0], True), (LINES[4], False)]))
    assert fast[1] == type_line(model, LINES[4], before=LINES[0] + "\n")


def test_by_hand() -> None:
    """After "the" comes "cat" 50 times, "cow" 30, "dog" 20, "eel" once: eel is offered after its
    first letter only.
    """
    text = ["the cat"] * 50 + ["the cow"] * 30 + ["the dog"] * 20 + ["the eel"]
    words = Tokenizer.fit(text, config=TokenizerConfig(min_count=1))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in text])
    model = fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=2))
    (cat, eel, other) = type_lines(model, [("the cat", True), ("the eel", True), ("the yak.", True)])
    # "the" is offered at once: one key instead of "the ". Then "cat": one key instead of three; the
    # line end.
    assert cat == Keystrokes(keys=3, chars=8, words=2, first=2, offered=(2,))
    # "e" and the offer; no space follows.
    assert eel == Keystrokes(keys=4, chars=8, words=2, first=1, offered=(1, 1))
    # Nothing begins with a y: it is typed, with the full stop.
    assert other == Keystrokes(keys=1 + 4 + 1, chars=9, words=2, first=1, offered=(1,))
    total = cat + eel + other
    assert (total.saved, total.recall_at_1, total.recall_at_3) == pytest.approx((12 / 25, 4 / 6, 4 / 6))
    assert total.figures()["offered_after_letters"] == pytest.approx([4 / 6, 5 / 6], abs=1e-6)


def test_the_word_just_written_is_offered_after_what_is_likelier_than_a_tenth_of_it() -> None:
    """After "old" comes "old" 50 times, and three others 30, 20 and 10 times."""
    text = ["old old"] * 50 + ["old cat"] * 30 + ["old dog"] * 20 + ["old eel"] * 10
    words = Tokenizer.fit(text, config=TokenizerConfig(min_count=1))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in text])
    model = fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=2))
    (found,) = type_lines(model, [("old old", True)])
    assert found == type_line(model, "old old")
    # The first one at once, the second after a letter.
    assert found.offered[:2] == (1, 1)


def test_a_space_that_came_with_a_word_is_taken_back_before_a_full_stop() -> None:
    tokenizer = Tokenizer.fit(["so. so on"], config=TokenizerConfig(min_count=1))
    words = words_of(tokenizer, "so. so on")
    offered = [(words[0], 0, 0), (words[1], 1, 2), (words[2], None, 0)]
    # (chip) . space, s (chip), o n, line end
    assert count_keys("so. so on", offered).keys == 1 + 2 + 2 + 2 + 1


@pytest.mark.slow
def test_other_levels_are_refused_in_one_line(text_file: Path, tmp_path: Path) -> None:
    sizes = {"embedding_size": 8, "hidden_size": 8, "updates": 2, "batch": 2, "bptt": 4, "threads": 1}
    model = elman.train(text_file, out=tmp_path / "char", level="char", **sizes)
    with pytest.raises(UsageError, match="char tokens: train with --level word"):
        model.keystrokes(text_file)
    # By its definition the measure is there for every level.
    assert type_line(model.lm, "Anna sees").words == 2


@pytest.mark.slow
def test_the_command_shows_a_row_for_each_model(
    cli: Any, ngram_folder: Path, lstm_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "some.txt").write_text("\n".join(LINES[:2]))
    call = ("evaluate", ngram_folder, tmp_path / "some.txt", "--keystrokes", "--mix", lstm_folder, "--tune", text_file)
    shown = cli(*call)
    assert shown.code == 0, shown.err
    assert "keys saved" in shown.out and "+ mix" in shown.out.split("keys saved")[1]
    import json

    found = json.loads(cli(*call, "--json").out)
    assert found["keystrokes"]["words"] == 18 and "adapted:none" in found["keystrokes"]["signature"]
    assert 0 < found["keystrokes"]["saved"] < 1
    assert found["adapted"]["keystrokes"]["words"] == 18 and "mixture" in found["adapted"]["keystrokes"]["signature"]
    assert [step["keystrokes"]["words"] for step in found["adapted"]["steps"]] == [18, 18]


def test_what_is_asked_wrongly_is_said(ngram_folder: Path, text_file: Path) -> None:
    model = elman.load(ngram_folder)
    with pytest.raises(UsageError, match="context is 'line'; it must be one of: carry"):
        model.keystrokes(text_file, context="line")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no text was given"):
        model.keystrokes()
