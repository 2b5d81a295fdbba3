"""Replies: ranked by an encoder, by a language model or both; no two that say the same; nothing
hidden."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests import networks

from elman.apps.reply import Replier, ReplyConfig
from elman.apps.replying import load_replier, reply
from elman.decode.offers import offers_from
from elman.errors import TextError, UsageError
from elman.models.ngram.query import fit_ngram
from elman.models.protocol import LanguageModel
from elman.text.tokenizer import EOS_ID, Tokenizer

DIRECTIONS = {
    "yes": (1.0, 0.0, 0.0), "yes please": (0.9, 0.1, 0.0), "Yes!": (0.8, 0.0, 0.6), "no": (0.0, 1.0, 0.0),
    "at six": (0.5, 0.1, 0.8), "write to ada@example.org": (1.0, 0.1, 0.0), "tea?": (1.0, 0.2, 0.1),
    "when do we eat": (0.3, 0.4, 0.6),
}  # fmt: skip


class Encoder:
    """Gives texts the directions above."""

    temperature = 0.5
    replies = tuple(DIRECTIONS)

    def message_vectors(self, conversations: Sequence[Sequence[str]]) -> np.ndarray:
        return self.reply_vectors([turns[-1] for turns in conversations])

    def reply_vectors(self, texts: Sequence[str]) -> np.ndarray:
        found = np.array([DIRECTIONS[text] for text in texts], np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def chosen(message: str, n: int = 3, **settings: float) -> list[str]:
    texts = [*DIRECTIONS][:7]
    texts.remove("write to ada@example.org")
    return [
        each.text for each in Replier(texts, encoder=Encoder(), config=ReplyConfig(**settings)).choose(message, n=n)
    ]


def test_the_encoder_ranks_by_cosine_over_temperature() -> None:
    replier = Replier(["no", "yes"], encoder=Encoder())
    assert replier.scores(["at six"]) == pytest.approx([0.1 / 0.9**0.5 / 0.5, 0.5 / 0.9**0.5 / 0.5], rel=1e-6)


def test_what_says_the_same_is_offered_once() -> None:
    found = Replier([*DIRECTIONS][:5], encoder=Encoder()).choose("yes", n=5)
    assert [each.text for each in found] == ["yes", "at six", "no"]
    assert found[0].like == ("yes please", "Yes!")  # the words of the second are those of the first
    assert chosen("yes", same=1.0, diversity=0.0) == ["yes", "yes please", "tea?"]


def test_diversity_is_maximal_marginal_relevance() -> None:
    """By hand: relevance from 0 to -1 over the range of scores, minus the likeness to what was
    chosen."""
    texts, weight = ["yes", "tea?", "at six", "no"], 0.6
    replier = Replier(texts, encoder=Encoder(), config=ReplyConfig(same=1.0, diversity=weight))
    scores, vectors = replier.scores(["yes"]), Encoder().reply_vectors(texts)
    relevance = (scores - scores.max()) / np.ptp(scores)
    order = [int(scores.argmax())]
    while len(order) < 4:
        gain = (1 - weight) * relevance - weight * (vectors @ vectors[order].T).max(axis=1)
        gain[order] = -np.inf
        order.append(int(gain.argmax()))
    assert [each.text for each in replier.choose("yes", n=4)] == [texts[place] for place in order]
    assert order != list(np.argsort(-scores))


def test_blocked_words_and_secrets_are_never_offered() -> None:
    model = Encoder()
    assert "write to ada@example.org" not in [each.text for each in reply(model, "yes", n=9)]
    assert "write to ada@example.org" in [each.text for each in reply(model, "yes", n=9, secrets=True, same=1.0)]
    assert [each.text for each in reply(model, "yes", n=9, block=["yes", "te*", "at six", "eat"])] == ["no"]
    with pytest.raises(TextError, match="all 2 are blocked or look private"):
        Replier(["no", "call 555 123 4567"], encoder=model, offers=offers_from(["NO"], secrets=False))
    with pytest.raises(TextError, match="there are none with letters"):
        Replier(["", "..."], encoder=model)


@cache
def language_model() -> Any:
    """A network, whose state goes on over the ends of lines."""
    return type("Model", (), {"lm": networks.make("gru")})()


def line_ids_of(words: Tokenizer, line: str) -> list[int]:
    return [*words.encode(line).ids.tolist(), EOS_ID]


def step_by_step(lm: LanguageModel, ids: list[int]) -> float:
    state, total = lm.start(), 0.0
    for each in ids:
        total += float(lm.log_probs(state)[0, each])
        state = lm.advance(np.array([each]), state)
    return total


def test_the_language_model_ranks_by_the_ratio_for_each_token() -> None:
    model, texts = language_model(), ["the cat", "a dog saw", "mat"]
    found = load_replier(model, replies=texts).scores(["when do we eat the dog"])
    message = line_ids_of(model.lm.tokenizer, "when do we eat the dog")
    for text, score in zip(texts, found, strict=True):
        ids = line_ids_of(model.lm.tokenizer, text)
        given = step_by_step(model.lm, message + ids) - step_by_step(model.lm, message)
        assert score == pytest.approx((given - step_by_step(model.lm, ids)) / len(ids), abs=1e-5)
    assert np.ptp(found) > 1e-3


def test_a_model_that_forgets_the_message_is_refused() -> None:
    words = networks.words()
    ids = np.concatenate([[*line_ids_of(words, line)] for line in networks.LINES])
    forgets = type("Model", (), {"lm": fit_ngram(ids, np.array([0, len(ids)]), words)})()
    with pytest.raises(UsageError, match="forgets a message at the end of its line"):
        load_replier(forgets, replies=["the cat", "a dog"]).choose("where is it")
    # Without the ratio it still ranks what is likely in itself.
    (found,) = reply(forgets, "where is it", replies=["mat the cat", "the cat sat on the mat"], n=1, normalise=0.0)
    assert found.text == "the cat sat on the mat"


def test_both_are_added_as_standard_scores() -> None:
    model, texts = language_model(), ["yes", "at six", "tea?"]
    both = load_replier(Encoder(), lm=model, replies=texts, config=ReplyConfig(lm_weight=0.25)).scores(
        ["when do we eat"]
    )
    alone = [load_replier(each, replies=texts).scores(["when do we eat"]) for each in (Encoder(), model)]
    one, other = ((scores - scores.mean()) / scores.std() for scores in alone)
    assert both == pytest.approx(0.75 * one + 0.25 * other, rel=1e-6)


def test_mistakes_say_what_to_do() -> None:
    with pytest.raises(UsageError, match="a language model keeps no replies"):
        load_replier(language_model())
    with pytest.raises(UsageError, match="ranks no replies"):
        load_replier(object(), replies=["yes"])
    with pytest.raises(UsageError, match="diversity is 2; it must be from 0 to 1"):
        ReplyConfig(diversity=2)
    with pytest.raises(UsageError, match="n is 0"):
        reply(Encoder(), "yes", n=0)
