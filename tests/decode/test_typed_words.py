"""Half-typed words after quotes, blanks and signs, for models whose words are types whatever stands
before them.
"""

import numpy as np
import pytest

from elman.decode.completion import complete
from elman.decode.keystrokes import type_line, type_lines
from elman.decode.phrases import complete_phrase
from elman.decode.prefix import open_prompt
from elman.decode.prompts import read_prompt
from elman.decode.sampling import generate, make_sampler
from elman.models.ngram.query import fit_ngram
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES

LINES = [
    "Mila sent the mail to Ola at 10:30",
    "Ola didn't send (the parcel) home",
    "see https://ola.example/mail or ask @mila_k",
    "the mail went to Mila, and the mail came home",
] * 3


@pytest.fixture(scope="module")
def model():
    words = Tokenizer.fit(LINES, config=TokenizerConfig(min_count=1, rules=RULES))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in LINES])
    return fit_ngram(ids, np.array([0, len(ids)]), words)


@pytest.mark.parametrize(
    ("prompt", "partial", "word"),
    [
        ('Mila sent "Ol', "Ol", "Ola"),
        ("Mila\u00a0parc", "parc", "parcel"),
        ("Mila\tsent  th", "th", "the"),
        ("(\u201cpa", "pa", "parcel"),
        ("Ola didn\u2019", "didn\u2019", "didn\u2019t"),
        ("Ola didn\u02bc", "didn\u02bc", "didn\u02bct"),
        ("Ola did", "did", "didn't"),
        ("pa\u00adrc", "pa\u00adrc", "parcel"),
        ("see https:", "https:", "https://ola.example/mail"),
        ("at 10:", "10:", "10:30"),
        ("ask @mi", "@mi", "@mila_k"),
    ],
)
def test_the_word_is_found(model, prompt, partial, word) -> None:
    for asked in (None, True):
        found = complete(model, prompt, n=1, partial=asked)
        assert (found.partial, [text for text, _ in found.words]) == (partial, [word])
        assert found.words[0][1] == pytest.approx(1)


@pytest.mark.parametrize("prompt", ["the mail", "the mail,", "Ola didn\u2019t", "the mail...", "Mila'", '"', "home."])
def test_what_is_finished_is_not_completed(model, prompt) -> None:
    assert complete(model, prompt).partial == ""


def test_the_other_apostrophe_is_read_as_the_usual_one(model) -> None:
    usual, other = (complete(model, f"Ola didn{sign}t ", n=1) for sign in "'\u2019")
    assert usual.words[0][0] == other.words[0][0] == "send"
    assert other.oov == []


def test_a_word_known_in_another_case_is_not_unknown(model) -> None:
    # The second word shows what stands before the last space; the unknown one sends the line
    # through the splitter.
    assert complete(model, "mila Zyx OLA ").oov == ["Zyx"]
    assert complete(model, "the mila").oov == complete(model, "the mila ").oov == []


def test_after_a_sign_a_word_comes_with_a_space_or_without(model) -> None:
    """P(word) sums over both: the word itself, and the marker with the word after it."""
    state = open_prompt(model, "the mail.").state
    tokenizer = model.tokenizer
    probs = np.exp(model.log_probs(state)[0].astype(np.float64))
    marked = np.exp(model.log_probs(model.advance(np.array([tokenizer.join_id]), state))[0].astype(np.float64))
    word = tokenizer.tokens.index(" Mila")
    shown = dict(complete(model, "the mail.", n=99).words)
    assert shown["Mila"] == pytest.approx(probs[word] + probs[tokenizer.join_id] * marked[word])


@pytest.mark.parametrize(
    ("prompt", "typed", "read"),
    [
        ("the", b"", "the"),
        ("the ", b" ", "the"),
        ("the  ", b"", "the  "),
        ("the\u00a0", b"", "the\u00a0"),
        ("( ", b"", "( "),
    ],
)
def test_how_the_end_of_a_prompt_is_read(model, prompt, typed, read) -> None:
    found = read_prompt(model, prompt)
    assert (found.typed, found.line) == (typed, read)
    assert open_prompt(model, prompt).typed == (b" " if prompt != "the" else b"")


@pytest.mark.parametrize("prompt", ["Ola didn't send (", "Ola didn't send", "Ola didn't send (the "])
def test_what_is_written_goes_on_exactly(model, prompt) -> None:
    written = "".join(generate(model, prompt, sampler=make_sampler(temperature=0), max_tokens=9, stop=["\n"]))
    assert prompt + written == LINES[1]


def test_phrases(model) -> None:
    assert complete_phrase(model, "Ola didn't send (the par", n=1, words=2)[0][0] == "parcel) home"


@pytest.mark.parametrize(
    "line",
    ['the mail (to "Ola"): Ola didn\'t.send\u00a0home', "Ola went\tto @mila_k-mail, 10:30", *LINES[:4]],
)
def test_keystrokes_are_those_of_completions(model, line) -> None:
    assert type_line(model, line) == next(iter(type_lines(model, [(line, True)])))


def test_a_capital_sigma_at_the_end_of_what_is_typed() -> None:
    lines = ["ΟΔΥΣΣΕΥΣ ΟΔΟΣ οδος"] * 3
    words = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1, lowercase=True, rules=RULES))
    ids = np.concatenate([[*words.encode(line).ids, EOS_ID] for line in lines])
    greek = fit_ngram(ids, np.array([0, len(ids)]), words)
    assert [word for word, _ in complete(greek, "ΟΔΥΣ").words] == ["οδυσσευς"]
    assert [word for word, _ in complete(greek, "ΟΔΟΣ", partial=True).words] == ["οδος"]
    assert complete(greek, "ΟΔΟΣ").partial == ""
