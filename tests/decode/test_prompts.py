import numpy as np
import pytest

from elman.decode.prompts import read_prompt
from elman.decode.rows import CHUNK, row_advance, row_log_probs, row_score


def state_after(model, *pieces):
    """The state after tokens given by their text, one step at a time."""
    state = model.start()
    for piece in pieces:
        token = {"</s>": 1, "<unk>": 0}.get(piece)
        token = model.tokenizer.pieces.index(piece.encode()) if token is None else token
        state = model.advance(np.array([token]), state)
    return state


@pytest.mark.parametrize(
    ("text", "pieces", "oov"),
    [
        ("", [], []),
        ("the cat", [" the", " cat"], []),
        ("the cat\n", [" the", " cat", "</s>"], []),
        ("the cat\r\nThe dog", [" the", " cat", "</s>", " The", " dog"], []),
        ("the  \t\n\nThe", [" the", "</s>", "</s>", " The"], []),
        ("the cat ", [" the", " cat"], []),
        ("the cat \n\n", [" the", " cat", "</s>", "</s>"], []),
        ("fish sat\nthe fox fish", ["<unk>", " sat", "</s>", " the", "<unk>", "<unk>"], ["fish", "fox", "fish"]),
        ("\ufeffthe", [" the"], []),
    ],
)
def test_a_prompt_is_consumed_token_by_token(make_net, make_tokenizer, text, pieces, oov):
    model = make_net(make_tokenizer("word", "the The cat dog sat"))
    found = read_prompt(model, text)
    assert found.state.key() == state_after(model, *pieces).key()
    assert found.oov == oov


def test_a_space_at_the_end_waits_where_tokens_carry_theirs(make_net, make_tokenizer):
    word = make_net(make_tokenizer("word", "the cat"))
    assert read_prompt(word, "the ")[1:-1] == ([], b" ", False, "the")
    assert read_prompt(word, "the")[1:-1] == ([], b"", False, "the")
    assert read_prompt(word, "the\n")[1:-1] == ([], b"", True, "")
    char = make_net(make_tokenizer("char", "the cat"))
    assert read_prompt(char, "the ")[1:-1] == ([], b"", False, "the ")
    assert read_prompt(char, "the ").state.key() == state_after(char, "t", "h", "e", " ").key()


def test_pretokenized_unk_is_an_ordinary_type(make_net, make_tokenizer):
    model = make_net(make_tokenizer("word", "the <unk> N", pretokenized=True))
    assert read_prompt(model, "the <unk> N fish </s>").oov == ["fish", "</s>"]


def test_text_is_composed_first(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "\u00e9e"))
    assert read_prompt(model, "e\u0301").state.key() == state_after(model, "\u00e9").key()


def test_long_prompts_go_through_score_in_bounded_chunks(make_net, make_tokenizer):
    model = make_net(make_tokenizer("char", "ab"))
    text = "ab" * CHUNK
    state = read_prompt(model, text).state
    assert [shape for shape in model.calls] == [(1, CHUNK), (1, CHUNK)]
    assert state.key() == state_after(model, *text).key()


@pytest.mark.parametrize("batchable", [True, False])
def test_rows_are_independent_and_lengths_may_differ(make_net, make_tokenizer, batchable):
    model = make_net(make_tokenizer("char", "abc"), batchable=batchable)
    rows = [np.array(ids, dtype=np.int64) for ids in ([2, 3, 4, 2, 1], [], [4, 4])]
    start = model.start().take([0, 0, 0])
    scores, state = row_score(model, rows, start)
    for row, ids in enumerate(rows):
        alone = model.start()
        for place, token in enumerate(ids):
            assert scores[row][place] == pytest.approx(model.log_probs(alone)[0, token], abs=1e-6)
            alone = model.advance(np.array([token]), alone)
        assert len(scores[row]) == len(ids)
        assert state.parts["h"][row] == pytest.approx(alone.parts["h"][0], abs=1e-12)
        assert row_log_probs(model, state)[row] == pytest.approx(model.log_probs(alone)[0], abs=1e-6)
    moved = row_advance(model, [2, 3, 4], state)
    assert moved.parts["h"][1] == pytest.approx(state_after(model, model.tokenizer.tokens[3]).parts["h"][0], abs=1e-12)
