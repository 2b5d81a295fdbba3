"""The search for words against plain enumeration of all token paths, and against figures by
hand.
"""

import re

import numpy as np
import pytest

from elman.decode.completion import complete
from elman.decode.search import Effort
from elman.text.tokenizer import EOS_ID, UNK_ID

THOROUGH = Effort(floor=1e-8, slack=1e-4, paths=20_000)


def words(completion):
    return dict(completion.words)


def approx(**expected):
    return pytest.approx(expected, abs=1e-5)


FIRST_WORD = re.compile(r" ?([^\W\d_]+(?:'[^\W\d_]+)*|\d+|(.)\2*)")


def enumerate_words(model, state, *, typed=b"", firsts=None, space=False, depth):
    """P(word) and P(typed) by trying every path: a word is over when text after it shows so."""
    pieces = model.tokenizer.pieces
    sums: dict[str, float] = {}
    given = 0.0

    def follow(spelled, mass, state, depth, covered):
        nonlocal given
        if mass < 1e-13 or depth == 0:
            return
        probs = np.exp(model.log_probs(state)[0].astype(float))
        for token in np.flatnonzero(probs).tolist():
            total = mass * probs[token]
            if not spelled and firsts is not None and token not in firsts:
                continue
            text = spelled + pieces[token] if token != EOS_ID else spelled
            fits = text.startswith(typed) or (typed.startswith(text) and token != EOS_ID)
            if token == UNK_ID or not fits:
                continue
            now = text.startswith(typed)
            if now and not covered:
                given += total
            over = word_over(text, ended=token == EOS_ID, space=space)
            if over:
                sums[over] = sums.get(over, 0.0) + total
            elif over is None and token != EOS_ID:
                follow(text, total, model.advance(np.array([token]), state), depth - 1, now)

    follow(b"", 1.0, state, depth, False)
    given = given if typed or firsts else 1.0
    return {word: mass / given for word, mass in sums.items()}, given


def word_over(spelled, *, ended, space):
    """The first word of bytes if it is over, None if it may go on, "" if there is none."""
    try:
        text = spelled.decode()
    except UnicodeDecodeError as error:
        if ended or error.reason != "unexpected end of data":
            return ""
        text = spelled[: error.start].decode()
    if space and text[:2] == "  " or not space and text[:1] == " ":
        return ""
    match = FIRST_WORD.match(text)
    if match is None or match[1].isspace():
        return "" if ended else None
    rest = text[match.end() :]
    undecided = rest in ("", "'") and match[1][-1].isalpha() or not rest
    return None if undecided and not ended else match[1]


def start_of(model, *pieces):
    state = model.start()
    for piece in pieces:
        state = model.advance(np.array([model.tokenizer.pieces.index(piece)]), state)
    return state


def best(sums, n):
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:n])


def test_enumeration_agrees_with_figures_by_hand(char_model):
    sums, _ = enumerate_words(char_model, start_of(char_model, b"b", b" "), depth=14)
    # After "a" a word ends with 8/16 + 2/16 + 2/16 * 8/16, after "b" with 2/16 + 4/16.
    assert best(sums, 3) == approx(a=1 / 2 * 11 / 16, b=1 / 4 * 6 / 16, ba=1 / 4 * 1 / 2 * 11 / 16)


@pytest.mark.parametrize("seed", range(4))
def test_search_is_enumeration_at_char_level(make_net, make_tokenizer, seed):
    model = make_net(make_tokenizer("char", "ab ."), seed=seed, sharpness=1.0)
    sums, _ = enumerate_words(model, start_of(model, b"a", b" "), depth=9)
    found = complete(model, "a ", n=4, repeats=True)
    assert words(found) == pytest.approx(best({w: p for w, p in sums.items() if w.isalpha()}, 4), abs=2e-4)
    sums, _ = enumerate_words(model, model.start(), typed=b"ab", depth=9)
    found = complete(model, "ab", n=4, partial=True)
    assert words(found) == pytest.approx(best({w: p for w, p in sums.items() if w.isalpha()}, 4), abs=2e-4)


def test_paths_to_the_same_word_are_added_at_subword_level(pieces_model):
    completion = complete(pieces_model, "", n=3, repeats=True, effort=THOROUGH)
    # "ab" is " ab" 1/4 * 3/4, " a" "b" 1/4 * 1/2 * 1/2, " " "a" "b" 1/4 * 3/4 * 1/2 * 1/2.
    ab = 1 / 4 * 3 / 4 + 1 / 4 * 1 / 2 * 1 / 2 + 1 / 4 * 3 / 4 * 1 / 2 * 1 / 2
    # "a" is " a" 1/4 * 1/2 or " " "a" 1/4 * 3/4 * 1/2.
    a = 1 / 4 * 1 / 2 + 1 / 4 * 3 / 4 * 1 / 2
    found = words(completion)
    assert (found["ab"], found["a"]) == pytest.approx((ab, a), abs=1e-6)
    sums, _ = enumerate_words(pieces_model, pieces_model.start(), space=True, depth=14)
    assert found == pytest.approx(best(sums, 3), abs=1e-6)


@pytest.mark.parametrize("prompt", ["a ", "a", "ab ", "a.\n"])
def test_search_is_enumeration_for_new_words_at_subword_level(pieces_model, prompt):
    tokenizer = pieces_model.tokenizer
    pieces = [tokenizer.pieces[token] for token in tokenizer.encode(prompt.strip()).ids]
    if prompt.endswith("\n"):
        pieces.append(b"\n")
    state = start_of(pieces_model, *pieces)
    space = {"typed": b" "} if prompt.endswith(" ") else {}
    if prompt == "a":
        # All but what goes on with the word.
        space = {"firsts": {1} | {i for i, piece in enumerate(tokenizer.pieces) if not piece[:1].isalpha()}}
    sums, _ = enumerate_words(pieces_model, state, space=True, depth=14, **space)
    found = complete(pieces_model, prompt, n=4, partial=False, repeats=True, effort=THOROUGH)
    assert words(found) == pytest.approx(best(sums, 4), abs=1e-6)


def test_half_typed_words_are_matched_over_all_cuts_at_subword_level(pieces_model):
    # " ab" 1/4, " a" "b" 1/4 * 1/2, " " "a" "b" 1/4 * 3/4 * 1/2.
    sums, given = enumerate_words(pieces_model, pieces_model.start(), typed=b" ab", space=True, depth=14)
    assert given == pytest.approx(1 / 4 + 1 / 8 + 3 / 32)
    completion = complete(pieces_model, "ab", n=3, partial=True, repeats=True, effort=THOROUGH)
    assert completion.partial == "ab"
    assert words(completion) == pytest.approx(best(sums, 3), abs=1e-6)


def test_whether_a_piece_is_a_word_is_asked_of_all_that_begins_so(make_table, make_tokenizer):
    tokenizer = make_tokenizer("subword", "ab ab ab aba aba", "a b", vocab_size=263, min_count=1)
    rows = {None: {" ab": 0.9, " a": 0.05, "</s>": 0.05}, " a": {" ab": 1.0}, " ab": {"</s>": 1.0}}
    # After the piece " a" the word is surely over; but of what begins with "a" that is 1 in 19.
    completion = complete(make_table(tokenizer, rows), "a", n=1)
    assert (completion.partial, words(completion)) == ("a", approx(ab=18 / 19))


# Bytes: é is c3 a9, × is c3 97, 猫 is e7 8c ab, 座 is e5 ba a7.


@pytest.fixture
def byte_model(make_table, make_tokenizer):
    rows = {
        None: {"c": 1.0},
        "c": {b"\xc3": 0.5, " ": 0.5},
        b"\xc3": {b"\xa9": 0.5, b"\x97": 0.5},
        b"\xa9": {" ": 1.0},
        b"\x97": {"</s>": 1.0},
        " ": {"c": 0.75, b"\xe7": 0.25},
        b"\xe7": {b"\x8c": 1.0},
        b"\x8c": {b"\xab": 1.0},
        b"\xab": {b"\xe5": 0.5, "</s>": 0.25, b"\xff": 0.25},
        b"\xe5": {b"\xba": 1.0},
        b"\xba": {b"\xa7": 1.0},
        b"\xa7": {"</s>": 1.0},
    }
    return make_table(make_tokenizer("byte"), rows)


def test_what_a_byte_begins_is_known_when_the_character_is_whole(byte_model):
    # After "c" a space 1/2 or "×" 1/4 shows that the word is over; "é" 1/4 goes on with it.
    assert words(complete(byte_model, "")) == approx(**{"c": 0.75, "c\u00e9": 0.25})


def test_a_whole_word_is_over_at_byte_level(byte_model):
    # Of a space 1/2 and "×" 1/4.
    found = complete(byte_model, "c", partial=False, punctuation=True, repeats=True)
    after_space = {"c": 2 / 3 * 0.75 * 0.75, "c\u00e9": 2 / 3 * 0.75 * 0.25, "\u732b": 2 / 3 * 0.25 * 0.75}
    assert words(found) == approx(**{"\u00d7": 1 / 3}, **after_space)


def test_scripts_without_spaces_have_words_of_one_character(byte_model):
    # 座 is certain once e5 follows, and that with 1/2; the broken byte ff shows nothing.
    found = complete(byte_model, "c \u732b", n=1)
    assert (found.partial, words(found)) == ("", approx(**{"\u5ea7": 1 / 2 / (1 / 2 + 1 / 4)}))

    assert complete(byte_model, "c \u732b", partial=True).partial == ""


def test_half_typed_words_end_inside_no_character(byte_model):
    found = complete(byte_model, "c\u00e9", partial=True)
    assert (found.partial, words(found)) == ("c\u00e9", approx(**{"c\u00e9": 1}))


def test_effort_bounds_the_paths_that_are_followed(char_model):
    asked = []
    plain = char_model.log_probs
    char_model.log_probs = lambda state: asked.append(state.batch) or plain(state)
    complete(char_model, "", effort=Effort(width=3, paths=7, floor=0.0, slack=0.0))
    # The document start, its three letters, then batches of three until seven paths are reached.
    assert asked == [1, 3, 3, 3]
