import math

import numpy as np
import pytest

from elman.decode.sampling import (
    check_repetition_penalty,
    generate,
    make_sampler,
    penalise_repetition,
    until,
    whole_characters,
)
from elman.errors import UsageError

GREEDY = make_sampler(temperature=0)


def log(*probs):
    with np.errstate(divide="ignore"):
        return np.log(np.array([probs], dtype=np.float32))


def shares(sampler, log_probs, draws=20_000):
    """How often each token is drawn, from one call with many equal rows."""
    ids = sampler(np.repeat(log_probs, draws, axis=0), np.random.default_rng(7))
    return np.bincount(ids, minlength=log_probs.shape[1]) / draws


# <unk> 0.5, </s> 0.2, then 0.15, 0.1, 0.05: without <unk> the shares are 0.4, 0.3, 0.2, 0.1.
FIVE = log(0.5, 0.2, 0.15, 0.1, 0.05)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0}, [0, 1, 0, 0, 0]),
        # Half the temperature squares: 16, 9, 4, 1 of 30.
        ({"temperature": 0.5}, [0, 16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"top_k": 2}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 99}, [0, 0.4, 0.3, 0.2, 0.1]),
        ({"top_k": 1}, [0, 1, 0, 0, 0]),
        # 0.4 is not 0.65 yet, 0.4 + 0.3 is.
        ({"top_p": 0.65}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.3}, [0, 1, 0, 0, 0]),
        ({"top_p": 0.0}, [0, 1, 0, 0, 0]),
        ({"top_p": 1.0}, [0, 0.4, 0.3, 0.2, 0.1]),
        # Of the best three (4/9, 3/9, 2/9) two make 0.7; of all four (0.4 + 0.3) they would too,
        # three make 0.75.
        ({"top_k": 3, "top_p": 0.75}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.75}, [0, 4 / 9, 3 / 9, 2 / 9, 0]),
        # Of 0.4, a share of 0.6 is 0.24: two tokens have it; at half the temperature 9/16 is less.
        ({"min_p": 0.6}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"min_p": 0.6, "temperature": 0.5}, [0, 1, 0, 0, 0]),
        ({"min_p": 0.0}, [0, 0.4, 0.3, 0.2, 0.1]),
        ({"min_p": 1.0}, [0, 1, 0, 0, 0]),
        ({"min_p": 0.6, "banned": ()}, [1, 0, 0, 0, 0]),
        ({"min_p": 0.3, "top_p": 0.65}, [0, 4 / 7, 3 / 7, 0, 0]),
        ({"banned": ()}, [0.5, 0.2, 0.15, 0.1, 0.05]),
        ({"banned": (0, 1), "temperature": 0}, [0, 0, 1, 0, 0]),
    ],
)
def test_tokens_are_drawn_with_the_shares_worked_out_by_hand(options, expected):
    assert shares(make_sampler(**options), FIVE) == pytest.approx(expected, abs=0.012)
    assert (shares(make_sampler(**options), FIVE)[np.array(expected) == 0] == 0).all()


def test_among_equals_the_lowest_ids_are_kept():
    equal = log(0.0, 0.25, 0.25, 0.25, 0.25)
    assert shares(make_sampler(top_k=2), equal) == pytest.approx([0, 0.5, 0.5, 0, 0], abs=0.012)
    assert shares(make_sampler(top_p=0.5), equal) == pytest.approx([0, 0.5, 0.5, 0, 0], abs=0.012)
    assert shares(make_sampler(temperature=0), equal)[1] == 1
    one_above = log(0.0, 0.2, 0.2, 0.4, 0.2)
    assert shares(make_sampler(top_k=2), one_above) == pytest.approx([0, 1 / 3, 0, 2 / 3, 0], abs=0.012)


def test_rows_of_a_batch_are_drawn_from_their_own_distributions():
    log_probs = np.concatenate([log(0, 1, 0, 0), log(0, 0, 0, 1), log(0, 0, 1, 0)])
    for sampler in (make_sampler(), make_sampler(top_k=1), make_sampler(top_p=0.5), GREEDY):
        assert sampler(log_probs, np.random.default_rng(0)).tolist() == [1, 3, 2]


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 1}, {"top_p": 0.1}, {"temperature": 1e-300}])
def test_unk_is_not_emitted_even_when_nothing_else_is_possible(options):
    ids = make_sampler(**options)(log(1, 0, 0), np.random.default_rng(0))
    assert ids[0] in (1, 2)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": -0.1}, "top_p"),
        ({"min_p": -0.1}, "min_p"),
        ({"min_p": 1.1}, "min_p"),
        ({"top_p": 1.5}, "top_p"),
    ],
)
def test_settings_out_of_range_are_refused(options, word):
    with pytest.raises(UsageError, match=word):
        make_sampler(**options)


def test_seen_tokens_are_penalised_once_whatever_their_number():
    # 0.2 to the power of 2 is 0.04, 0.1 is 0.01; the others stay.
    penalised = penalise_repetition(FIVE, {1, 3}, 2.0)
    assert np.exp(penalised[0]) == pytest.approx([0.5, 0.04, 0.15, 0.01, 0.05])
    assert np.exp(FIVE[0]) == pytest.approx([0.5, 0.2, 0.15, 0.1, 0.05])
    assert penalise_repetition(FIVE, {1, 3}, 1.0) is FIVE
    for penalty in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(UsageError, match="repetition_penalty"):
            check_repetition_penalty(penalty)


def test_the_prompt_and_the_text_count_as_seen(word_model):
    plain = "".join(write(word_model, "the cat", max_tokens=6))
    assert plain == " sat\nThe dog\nThe"
    varied = "".join(write(word_model, "the cat", max_tokens=5, repetition_penalty=50.0))
    words = ["the", "cat", *varied.split()]
    assert len(words) > 4 and len(set(words)) == len(words)


def write(model, prompt="", **options):
    return list(generate(model, prompt, **{"sampler": GREEDY, "max_tokens": 6, **options}))


def test_greedy_text_at_word_level(word_model):
    # the -> cat -> sat -> . (equal with </s>, whose id is lower) so </s>; then The, dog, </s>.
    assert write(word_model) == ["the", " cat", " sat", "\n", "The", " dog"]


def test_text_goes_on_exactly_where_the_prompt_ends(word_model):
    assert write(word_model, "the", max_tokens=2) == [" cat", " sat"]
    assert write(word_model, "the ", max_tokens=2) == ["cat", " sat"]
    assert write(word_model, "the\n", max_tokens=1) == ["The"]


def test_a_typed_space_excludes_what_cannot_follow_one(word_model):
    # After "dog" the line would end; after "dog " only a word can come, and " sat" and " can't" are
    # equal.
    sat, cant = (word_model.tokenizer.pieces.index(piece) for piece in (b" sat", b" can't"))
    first = "sat" if sat < cant else "can't"
    assert write(word_model, "the dog", max_tokens=1) == ["\n"]
    assert write(word_model, "the dog ", max_tokens=1) == [first]


def test_unknown_words_are_read_but_not_written(word_model):
    # After <unk>, " cat" and " sat" are equal.
    assert write(word_model, "the fish", max_tokens=1)[0] in (" cat", " sat")
    texts = {"".join(write(word_model, sampler=make_sampler(), seed=seed)) for seed in range(60)}
    assert len(texts) > 10
    assert not any("\ufffd" in text or "unk" in text for text in texts)


def test_the_same_seed_writes_the_same_text(word_model):
    texts = ["".join(write(word_model, sampler=make_sampler(), seed=seed, max_tokens=20)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_greedy_text_at_char_level(char_model):
    # a -> space -> a ...; the prompt's own space is consumed, so "a" comes right after it.
    assert "".join(write(char_model)) == "a a a "
    assert "".join(write(char_model, "b ")) == "a a a "
    assert "".join(write(char_model, "b.")) == "\na a a"


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["sat"], "the cat "),
        (["t s"], "the ca"),
        (["\n"], "the cat sat"),
        (["at\nThe"], "the cat s"),
        (["dog!", "at\nTho"], "the cat sat\nThe dog"),
        (["sat", "cat"], "the "),
        (["the"], ""),
        (["nowhere"], "the cat sat\nThe dog"),
    ],
)
def test_stop_strings_are_found_across_tokens_and_not_written(word_model, stop, expected):
    assert "".join(write(word_model, stop=stop)) == expected


def test_text_that_may_begin_a_stop_string_waits():
    assert list(until(["aab"], iter("aaab"))) == ["a"]
    assert list(until(["aab"], iter("aaac"))) == ["a", "aac"]
    assert list(until(["xy", "yz"], iter(["x", "z", "y", "z"]))) == ["xz"]
    assert list(until(["ab"], iter(["a"]))) == ["a"]
    assert list(until([], iter(["a", "b"]))) == ["a", "b"]


def test_generation_stops_reading_the_model_at_a_stop_string(word_model):
    drawn = []

    def counting(log_probs, rng):
        drawn.append(1)
        return GREEDY(log_probs, rng)

    assert "".join(write(word_model, sampler=counting, stop=["cat"], max_tokens=100)) == "the "
    assert len(drawn) == 2


EURO = "\u20ac".encode()


def byte_rows(*steps):
    """A byte chain: each byte surely follows the one before."""
    return {last: {after: 1.0} for last, after in zip([None, *steps[:-1]], steps, strict=True)}


def test_characters_are_never_cut_at_byte_level(make_table, make_tokenizer):
    tokenizer = make_tokenizer("byte")
    model = make_table(tokenizer, byte_rows(*(bytes([byte]) for byte in b"a" + EURO + b"b")))
    assert write(model, max_tokens=5) == ["a", "\u20ac", "b"]
    assert write(model, max_tokens=4) == ["a", "\u20ac"]
    # An unfinished character at the end is left out.
    assert write(model, max_tokens=3) == ["a"]
    assert write(model, max_tokens=1) == ["a"]


def test_broken_bytes_become_the_replacement_character(make_table, make_tokenizer):
    model = make_table(make_tokenizer("byte"), byte_rows(b"a", b"\xff", b"b"))
    assert "".join(write(model, max_tokens=3)) == "a\ufffdb"


def test_a_prompt_in_unicode_is_consumed_whole_at_byte_level(make_table, make_tokenizer):
    model = make_table(make_tokenizer("byte"), byte_rows(*(bytes([byte]) for byte in EURO + b"!")))
    assert write(model, "\u20ac", max_tokens=1) == ["!"]


def test_whole_characters_of_two_bytes_each_come_once_whole():
    data = "\u00e9\u00e8".encode()
    assert list(whole_characters(iter([data[:1], data[1:3], data[3:]]))) == ["\u00e9", "\u00e8"]


def test_wrong_requests_are_refused_before_the_first_token(word_model):
    with pytest.raises(UsageError, match="max_tokens"):
        generate(word_model, sampler=GREEDY, max_tokens=-1)
    with pytest.raises(UsageError, match="stop string"):
        generate(word_model, sampler=GREEDY, max_tokens=1, stop=[""])
    assert write(word_model, max_tokens=0) == []
