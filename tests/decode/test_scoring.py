import dataclasses
import math
from contextlib import contextmanager

import numpy as np
import pytest

from elman.decode import scoring
from elman.decode.scoring import evaluate, score_lines, token_log_probs, token_stream
from elman.errors import UsageError
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID

LINES = ["the cat sat.", "The dog", "", "the fish", "can't fox fish", "the cat sat.", "The dog can't."]


def nats(*probabilities):
    return -sum(math.log(probability) for probability in probabilities)


def test_a_line_worked_out_by_hand(word_model, speller):
    # the 8/16, cat 8/16, sat 8/16, . 8/16, </s> 1.
    (score,) = score_lines(word_model, speller, ["the cat sat. \t"])
    assert score.text == "the cat sat."
    assert score.log_prob == pytest.approx(-math.log(16), abs=1e-6)
    assert (score.tokens, score.oov) == (5, 0)
    assert [text for text, _ in score.per_token] == [" the", " cat", " sat", ".", "\n"]
    assert [log_prob for _, log_prob in score.per_token] == pytest.approx([math.log(0.5)] * 4 + [0], abs=1e-6)


def test_unknown_words_cost_their_spelling_too(word_model, speller, spell_fish):
    # <unk> after "the" 2/16, "cat" after <unk> 8/16, </s> after "cat" 1/16.
    (score,) = score_lines(word_model, speller, ["the fish cat"])
    assert score.log_prob == pytest.approx(-nats(8 / 16, 2 / 16, 8 / 16, 1 / 16) - spell_fish, abs=1e-5)
    assert (score.tokens, score.oov) == (4, 1)
    text, log_prob = score.per_token[1]
    assert text == " fish"
    assert log_prob == pytest.approx(math.log(2 / 16) - spell_fish, abs=1e-6)
    assert sum(figure for _, figure in score.per_token) == pytest.approx(score.log_prob, abs=1e-12)


def test_a_line_that_begins_with_an_unknown_word(word_model, speller, spell_fish):
    (score,) = score_lines(word_model, speller, ["fish"])
    assert score.per_token[0] == (" fish", pytest.approx(math.log(2 / 16) - spell_fish, abs=1e-6))


def test_an_empty_line_is_its_line_end(word_model, speller):
    (score,) = score_lines(word_model, speller, [""])
    assert (score.log_prob, score.tokens) == (pytest.approx(math.log(1 / 16)), 1)


def test_pretokenized_unk_is_predicted_and_not_spelled(make_table, make_tokenizer, speller, spell_fish):
    tokenizer = make_tokenizer("word", "<unk> N", pretokenized=True)
    half = {"<unk>": 0.5, " N": 0.25, "</s>": 0.25}
    model = make_table(tokenizer, {None: half, "<unk>": half, " N": half, "</s>": half})
    score, other = score_lines(model, speller, ["N <unk>", "N fish"])
    assert score.log_prob == pytest.approx(-nats(0.25, 0.5, 0.25), abs=1e-6)
    assert (score.tokens, score.oov) == (3, 0)
    assert [text for text, _ in score.per_token] == [" N", " <unk>", "\n"]
    assert other.log_prob == pytest.approx(-nats(0.25, 0.5, 0.25) - spell_fish, abs=1e-5)
    tally = evaluate(model, speller, [["N <unk> fish"]], context="document")
    assert (tally.tokens, tally.oov, tally.spelling_nats) == (4, 1, pytest.approx(spell_fish))


def test_lines_with_a_line_end_inside_are_refused(word_model, speller):
    with pytest.raises(UsageError, match="line end"):
        list(score_lines(word_model, speller, ["the cat\nsat"]))


def test_scoring_streams(word_model, speller, monkeypatch):
    monkeypatch.setattr(scoring, "_WINDOW_LINES", 3)
    taken = []

    def lines():
        for text in ["the", "the cat", "", "The", "dog"]:
            taken.append(text)
            yield text

    scores = score_lines(word_model, speller, lines())
    assert taken == []
    assert next(scores).text == "the"
    assert taken == ["the", "the cat", ""]
    assert [score.text for score in scores] == ["the cat", "", "The", "dog"]


@pytest.mark.parametrize("batchable", [True, False])
def test_lines_scored_together_are_lines_scored_alone(make_net, make_tokenizer, speller, batchable):
    model = make_net(make_tokenizer("char", *LINES), batchable=batchable)
    lines = [*LINES, "x" * 50, *("the cat"[:size].strip() for size in range(8))] * 3
    together = list(score_lines(model, speller, lines))
    alone = [next(score_lines(model, speller, [line])) for line in lines]
    assert [score.text for score in together] == lines
    for score, other in zip(together, alone, strict=True):
        assert score.log_prob == pytest.approx(other.log_prob, abs=1e-4)
        assert score.token_log_probs == pytest.approx(other.token_log_probs, abs=1e-5)


def test_rows_of_similar_length_share_a_batch_and_others_do_not(make_net, make_tokenizer, speller):
    model = make_net(make_tokenizer("char", "ab"))
    list(score_lines(model, speller, ["a" * 40, "ab", "ba", "b" * 39]))
    assert sorted(rows for rows, _ in model.calls) == [2, 2]


def test_a_tally_worked_out_by_hand(word_model, speller, spell_fish):
    documents = [["the cat sat.", "The dog"], ["the fish cat"]]
    first = nats(8 / 16, 8 / 16, 8 / 16, 8 / 16, 1)
    third = nats(8 / 16, 2 / 16, 8 / 16, 1 / 16)
    expected = {
        # "The" after </s> is 12/16, at a document start 4/16; "the" is 4/16 and 8/16.
        "carry": first + nats(12 / 16, 12 / 16, 12 / 16) + third - nats(8 / 16) + nats(4 / 16),
        "document": first + nats(12 / 16, 12 / 16, 12 / 16) + third,
        "independent": first + nats(4 / 16, 12 / 16, 12 / 16) + third,
    }
    for context, figure in expected.items():
        tally = evaluate(word_model, speller, documents, context=context)
        assert tally.nats == pytest.approx(figure, abs=1e-5)
        assert tally.spelling_nats == pytest.approx(spell_fish)
        assert (tally.tokens, tally.oov, tally.lines) == (5 + 3 + 4, 1, 3)
        assert (tally.bytes, tally.chars) == (13 + 8 + 13, 13 + 8 + 13)
        assert tally.perplexity == pytest.approx(math.exp(figure / 12), rel=1e-6)
        assert tally.bits_per_byte == pytest.approx((figure + spell_fish) / math.log(2) / 34, rel=1e-6)


def test_bytes_and_characters_are_counted_apart(make_net, make_tokenizer, speller):
    model = make_net(make_tokenizer("byte"))
    tally = evaluate(model, speller, [["\u20ac5", ""]], context="carry")
    assert (tally.bytes, tally.chars, tally.lines, tally.tokens) == (4 + 1 + 1, 3 + 1, 2, 4 + 1 + 1)


def plain(model, documents, context):
    """Every token's log-probability, one step at a time."""
    found = []
    state = model.start()
    for document in documents:
        state = model.start() if context == "document" else state
        for line in document:
            state = model.start() if context == "independent" else state
            for token in [*model.tokenizer.encode(line).ids, EOS_ID]:
                found.append(model.log_probs(state)[0, token])
                state = model.advance(np.array([token]), state)
    return found


DOCUMENTS = [LINES, [], ["the " * 30, "x"], [""], ["The dog"], LINES[::-1], *([line] for line in LINES)]


@pytest.mark.parametrize("batchable", [True, False])
@pytest.mark.parametrize("window", [1, 7, 100, 1 << 16])
@pytest.mark.parametrize("context", ["carry", "document", "independent"])
def test_windows_chunks_and_batches_change_nothing(
    make_net, make_tokenizer, speller, monkeypatch, context, window, batchable
):
    monkeypatch.setattr(scoring, "_WINDOW_TOKENS", window)
    monkeypatch.setattr(scoring, "_WINDOW_CHARS", 5 * window)
    monkeypatch.setattr("elman.decode.rows.CHUNK", 16)
    model = make_net(make_tokenizer("word", *LINES[:-2], min_count=2), batchable=batchable)
    expected = plain(model, DOCUMENTS, context)
    arrays = list(token_log_probs(model, token_stream(model.tokenizer, DOCUMENTS, context=context)))
    assert np.concatenate(arrays) == pytest.approx(np.array(expected), abs=1e-5)
    tally = evaluate(model, speller, iter(DOCUMENTS), context=context)
    assert tally.nats == pytest.approx(-sum(map(float, expected)), rel=1e-5)
    assert tally.tokens == len(expected)
    assert max(rows * width for rows, width in model.calls) <= 64


def test_marked_lines_are_the_same_as_documents(make_net, make_tokenizer, speller):
    model = make_net(make_tokenizer("char", *LINES))
    documents = [["a b", "c"], ["d"], ["e", "f"]]
    marked = [("a b", True), ("c", False), ("d", True), ("e", True), ("f", False)]
    for context in ("carry", "document", "independent"):
        first, second = (evaluate(model, speller, text, context=context) for text in (documents, marked))
        assert dataclasses.astuple(first) == dataclasses.astuple(second)


def test_a_very_long_line_is_scored_in_small_chunks(make_table, make_tokenizer):
    class Sums(make_table):
        """Half a nat a token, without loops."""

        def score(self, ids, lengths, state):
            self.calls.append(ids.shape)
            real = np.arange(ids.shape[1]) < lengths[:, None]
            return np.where(real, np.float32(-0.5), np.float32(0)), self.advance(ids[:, -1], state)

    model = Sums(make_tokenizer("word", "ab cd"), {})
    tally = evaluate(model, Speller.fit({}), [["ab cd " * 99_999 + "ab"]], context="document")
    assert tally.nats == (2 * 99_999 + 2) / 2
    assert max(rows * width for rows, width in model.calls) <= 1024


def test_the_two_kinds_of_stream_and_nothing_else(word_model, speller):
    with pytest.raises(UsageError, match="context is 'line'"):
        evaluate(word_model, speller, [["the"]], context="line")
    with pytest.raises(UsageError, match="plain strings"):
        evaluate(word_model, speller, ["the cat"], context="carry")
    assert evaluate(word_model, speller, [], context="carry").figures()["tokens"] == 0


def test_progress_adds_up_to_the_bytes(word_model, speller, monkeypatch):
    monkeypatch.setattr(scoring, "_WINDOW_TOKENS", 4)

    seen = []

    class Recording(Progress):
        @contextmanager
        def stage(self, name, *, total=None, unit=""):
            assert (total, unit) == (13 + 8, "bytes")
            yield seen.append

    evaluate(
        word_model,
        speller,
        [["the cat sat.", "The dog"]],
        context="carry",
        progress=Recording(),
        total_bytes=21,
    )
    assert sum(seen) == 21
    assert len(seen) > 1
