"""A word costs the same however its apostrophe is typed, and the sign what a fair coder pays."""

import math

import numpy as np
import pytest

from elman.decode.bulk import score_texts
from elman.decode.completion import complete
from elman.decode.scoring import evaluate, follow_lines, score_lines
from elman.models.ngram.query import fit_ngram
from elman.text.apostrophes import sign_nats, usual_share
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

TEXT = ["I don't know", "we'll ask Ann's dogs' vet", "don't ask"] * 40
WORDS = Tokenizer.fit(TEXT, config=TokenizerConfig(rules=3))
IDS = np.array([token for line in TEXT for token in (*WORDS.encode(line).ids, EOS_ID)])
MODEL = fit_ngram(IDS, np.array([0, len(IDS)]), WORDS)
SPELLER = Speller.fit({" Zoe": 3})
# 160 apostrophes of one kind: 161/162 is more than the most that a text can say about others.
USUAL, OTHER = -math.log(0.99), -math.log(0.01 / 2)


def nats(*lines: str, **settings) -> list[float]:
    return [-score.log_prob for score in score_lines(MODEL, SPELLER, lines, **settings)]


def test_the_signs_of_a_text_are_a_distribution() -> None:
    for usual, share in (("'", 0.99), ("’", usual_share(3, 2)), ("ʼ", 0.1)):
        assert sum(math.exp(-cost) for cost in sign_nats(usual, share).values()) == pytest.approx(1)


@pytest.mark.parametrize("line", ["I don't know", "we'll ask Ann's dogs' vet", "Zoe's don't"])
def test_only_the_sign_costs(line: str) -> None:
    count = line.count("'")
    plain, curly, bare = nats(line, line.replace("'", "’"))[:2] + nats(line, spelling=False)
    assert curly - plain == pytest.approx(count * (OTHER - USUAL))
    if "Zoe" not in line:
        assert plain - bare == pytest.approx(count * USUAL)
    assert nats(line.replace("'", "’"), spelling=False) == [bare]


def test_tokens_show_the_sign_of_the_text_and_bear_its_cost() -> None:
    (score,) = score_lines(MODEL, SPELLER, ["we’ll ask Ann's dogsʼ"])
    (plain,) = score_lines(MODEL, SPELLER, ["we'll ask Ann's dogsʼ"])
    assert [text for text, _ in score.per_token] == [" we’ll", " ask", " Ann's", " dogsʼ", "\n"]
    differences = plain.token_log_probs - score.token_log_probs
    assert differences.tolist() == pytest.approx([OTHER - USUAL, 0, 0, 0, 0])


def test_one_text_costs_the_same_everywhere() -> None:
    lines = ["I don’t know", "Zoe’s dogs’ vet don't", "", "we'll"]
    apart = nats(*lines)
    assert (-score_texts(MODEL, SPELLER, lines).log_probs).tolist() == pytest.approx(apart)
    assert evaluate(MODEL, SPELLER, [lines], context="independent").spelling_nats == pytest.approx(
        sum(apart) - sum(nats(*lines, spelling=False))
    )
    followed = [*follow_lines(MODEL, SPELLER, lines[1:2], MODEL.start())]
    assert -followed[0][0].log_prob == pytest.approx(apart[1])
    # The signs before a continuation are not its own.
    (curly,), (plain,) = nats("know, we’ll", prefix="I don’t"), nats("know, we'll", prefix="I don't")
    assert curly - plain == pytest.approx(OTHER - USUAL)


def test_what_was_typed_is_gone_on_with() -> None:
    assert complete(MODEL, "we’").words[0][0] == "we’ll"
    assert complete(MODEL, "I don’t ").words == complete(MODEL, "I don't ").words
