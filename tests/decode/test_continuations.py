"""Lines as continuations: the last tokens of the whole text, given all before them."""

import numpy as np
import pytest

from elman.decode.scoring import score_lines
from elman.errors import UsageError
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID

NONE = Speller.fit({})
TEXT = ["the cat sat, the dog", "The dog can't (sat)."]
# A prefix, a line, and the text of the tokens that the line pays for.
PAIRS = [
    ("", "the cat", "the cat"),
    ("the", "cat sat.", " cat sat."),
    ("the", " cat", " cat"),
    ("the ", "cat", " cat"),
    ("The dog\nthe", "cat", " cat"),
    ("The dog\n", "the cat", "the cat"),
    ("The dog\n\n\n", "the", "the"),
    ("the cat", ", the", ", the"),
    ("(", "sat)", "sat)"),
    ("the cat", "", ""),
    ("the fish", "fish cat", " fish cat"),
    ("the", "猫", " 猫"),
]


def plain(model, text):
    """The log-probability of each token of a text with a line end, one step at a time."""
    state, found = model.start(), []
    for line in text.split("\n"):
        for token in [*model.tokenizer.encode(line).ids, EOS_ID]:
            found.append(model.log_probs(state)[0, token])
            state = model.advance(np.array([token]), state)
    return found


@pytest.mark.parametrize("batchable", [True, False])
@pytest.mark.parametrize("level", ["word", "word-2", "subword", "char", "byte"])
def test_the_last_tokens_of_the_text_given_all_before(make_net, make_tokenizer, level, batchable):
    settings = {"subword": {"vocab_size": 270}, "word-2": {"rules": 2}}.get(level, {})
    model = make_net(make_tokenizer(level.removesuffix("-2"), *TEXT, **settings), batchable=batchable)
    prefixes, lines, paid = zip(*PAIRS, strict=True)
    together = list(score_lines(model, NONE, lines, prefix=prefixes, spelling=False))
    for prefix, line, text, scored in zip(prefixes, lines, paid, together, strict=True):
        whole = prefix.rstrip(" ") + text if prefix.endswith(" ") else prefix + text
        wanted = plain(model, whole)[-scored.tokens :]
        assert scored.token_log_probs == pytest.approx(np.array(wanted), abs=1e-5), (prefix, line)
        shown = b"".join(scored.token_texts[:-1]).decode().replace("<join>", "")
        # The space at a line's start, and one of a character model's prefix, are not the line's.
        assert shown.removeprefix(" ") == text.removeprefix(" "), (prefix, line)
        (alone,) = score_lines(model, NONE, [line], prefix=prefix, spelling=False, eos=False)
        assert alone.tokens == scored.tokens - 1
        assert alone.log_prob == pytest.approx(scored.log_prob - wanted[-1], abs=1e-5)


def test_a_word_that_lies_across_the_seam_belongs_to_the_line(make_net, make_tokenizer):
    model = make_net(make_tokenizer("word", *TEXT))
    (scored,) = score_lines(model, NONE, ["'t"], prefix="The dog can")
    assert [text for text, _ in scored.per_token] == [" can't", "\n"]
    assert scored.token_log_probs == pytest.approx(np.array(plain(model, "The dog can't")[2:]), abs=1e-5)


def test_by_hand(word_model, speller, spell_fish):
    # cat 8/16 after "the", . 4/16 after "cat", </s> 1.
    (scored,) = score_lines(word_model, speller, ["cat."], prefix="The dog\nthe")
    assert np.exp(scored.log_prob) == pytest.approx(8 / 16 * 4 / 16)
    # <unk> 2/16 after "the"; nothing else with neither spelling nor line end.
    free, full = (
        next(score_lines(word_model, speller, ["fish"], prefix="the", eos=False, spelling=spelling))
        for spelling in (False, True)
    )
    assert free.log_prob == pytest.approx(np.log(2 / 16), abs=1e-6) and free.oov == 1
    assert full.log_prob == pytest.approx(np.log(2 / 16) - spell_fish, abs=1e-6)


def test_as_many_prefixes_as_lines(word_model, speller):
    for prefixes in (["the"], ["the"] * 3):
        with pytest.raises(UsageError, match="one prefix for each line"):
            list(score_lines(word_model, speller, ["cat", "dog"], prefix=prefixes))
    with pytest.raises(UsageError, match="it must be text"):
        list(score_lines(word_model, speller, ["cat"], prefix=[None]))
