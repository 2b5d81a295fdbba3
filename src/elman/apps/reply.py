"""Replies to a message, chosen among candidates: those that fit, and no two that say the same.

An encoder's cosine over its temperature estimates ln P(reply | message) / P(reply), the pointwise
mutual information that it was trained to tell apart (van den Oord et al., Representation Learning
with Contrastive Predictive Coding, 2018). A language model computes the same from its own
probabilities, for each word of the reply. With both, the two scores, each made comparable over the
candidates, are added.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.apps.prefix_tree import tree_log_probs
from elman.apps.text_rules import EncodedLine, encode_lines
from elman.config import Config
from elman.decode.offers import Offers, has_letters
from elman.decode.rows import row_score
from elman.decode.words import runs
from elman.errors import TextError, UsageError
from elman.models.protocol import LanguageModel
from elman.text.casing import fold
from elman.text.normalise import normalise_line

Scores = NDArray[np.float64]
_LEAST_SPREAD = 1e-6
_CHUNKS = re.compile(r"\S+")


class ReplyEncoder(Protocol):
    """What gives messages and replies vectors."""

    @property
    def temperature(self) -> float:
        """What cosines are divided by."""
        ...

    def message_vectors(self, conversations: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """The vector of the last turn of each conversation ``[N, D]``, of length 1."""
        ...

    def reply_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vector of each text as a reply ``[N, D]``, of length 1."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplyConfig(Config):
    """How replies are chosen.

    >>> ReplyConfig(diversity=0.0).lm_weight
    0.5
    """

    lm_weight: float = 0.5
    """Weight of the language model beside an encoder, from 0 to 1."""
    normalise: float = 1.0
    """How much of ln P(reply) is taken from ln P(reply | message) of a language model: 1 is their
    ratio, 0 prefers what is always likely."""
    diversity: float = 0.3
    """What a reply loses for being like those before it (maximal marginal relevance), from 0 to
    1."""
    same: float = 0.8
    """Replies whose likeness is at least this say the same, and one of them is offered."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lm_weight", "normalise", "diversity", "same"):
            self.require(name, 0 <= getattr(self, name) <= 1, "from 0 to 1")


class Reply(NamedTuple):
    """A reply that is offered."""

    text: str
    score: float
    """The higher, the better it fits: nats by which the message makes it more likely, with a
    language model for each token; with both, standard deviations above the mean candidate."""
    like: tuple[str, ...]
    """Candidates that say the same and are left out, the best first."""

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "score": round(self.score, 4), "like": list(self.like)}


class Replier:
    """Chooses replies among candidates; what depends on the candidates alone is computed once.

    Args:
        candidates: texts of one line; equal ones count once.
        encoder: a trained dual encoder.
        lm: a language model of dialogues with a turn a line.
        offers: words that are never offered, and whether what looks private is.

    Raises:
        UsageError: neither an encoder nor a language model.
        TextError: no candidate is left.
    """

    def __init__(
        self,
        candidates: Iterable[str],
        *,
        encoder: ReplyEncoder | None = None,
        lm: LanguageModel | None = None,
        offers: Offers | None = None,
        config: ReplyConfig | None = None,
    ) -> None:
        if encoder is None and lm is None:
            raise UsageError("replies are ranked by a model of replies, a language model, or both; give one")
        self.encoder, self.lm, self.config = encoder, lm, config or ReplyConfig()
        offers = offers or Offers(secrets=False)
        every = dict.fromkeys(text for text in map(str.strip, map(normalise_line, candidates)) if has_letters(text))
        self.candidates = [text for text in every if not hides(offers, text)]
        if not self.candidates:
            why = f"all {len(every):,} are blocked or look private" if every else "there are none with letters"
            raise TextError(f"no reply can be offered: {why}; give others")
        self._vectors = None if encoder is None else encoder.reply_vectors(self.candidates)
        self._words = [frozenset(_words(text)) for text in self.candidates]
        self._alone: Scores | None = None

    def scores(self, conversation: Sequence[str]) -> Scores:
        """The score of each candidate after a conversation, whose last turn is the message.

        Raises:
            UsageError: a language model that is not affected by the message.
        """
        found: list[Scores] = []
        if self.encoder is not None and self._vectors is not None:
            cosines = self.encoder.message_vectors([conversation])[0] @ self._vectors.T
            found.append(cosines.astype(np.float64) / self.encoder.temperature)
        if self.lm is not None:
            found.append(self._lm_scores(self.lm, conversation))
        if len(found) == 1:
            return found[0]
        # The two differ in scale: nats of a whole reply, and nats for each token of it.
        fit, likelihood = ((scores - scores.mean()) / max(float(scores.std()), _LEAST_SPREAD) for scores in found)
        return (1 - self.config.lm_weight) * fit + self.config.lm_weight * likelihood

    def choose(self, message: str, *, earlier: Sequence[str] = (), n: int = 3) -> list[Reply]:
        """The best replies to a message, each with another meaning.

        Args:
            earlier: turns of the conversation before the message, the oldest first.
            n: how many at most.
        """
        scores = self.scores([*earlier, message])
        left, chosen = np.argsort(-scores, kind="stable"), list[Reply]()
        top, spread = float(scores.max()), max(float(np.ptp(scores)), _LEAST_SPREAD)
        likeness = np.zeros(len(scores))
        while len(left) and len(chosen) < n:
            gain = (1 - self.config.diversity) * (scores[left] - top) / spread - self.config.diversity * likeness[left]
            best = int(left[gain.argmax()])
            own = self._likeness_to(best)
            alike = (own[left] >= self.config.same) & (left != best)
            like = tuple(self.candidates[place] for place in left[alike].tolist())
            chosen.append(Reply(self.candidates[best], float(scores[best]), like))
            left, likeness = left[~alike & (left != best)], np.maximum(likeness, own)
        return chosen

    def _likeness_to(self, place: int) -> Scores:
        """How alike each candidate is to one of them, from 0 to 1: the share of common words, or
        the cosine if it is greater."""
        own = self._words[place]
        shared = np.array([len(own & other) / max(len(own | other), 1) for other in self._words])
        return shared if self._vectors is None else np.maximum(shared, self._vectors @ self._vectors[place])

    def _lm_scores(self, lm: LanguageModel, conversation: Sequence[str]) -> Scores:
        """ln P(reply | conversation) - normalise ln P(reply), for each token."""
        rows = [line.ids for line in _encoded(lm, self.candidates)]
        if self._alone is None:
            self._alone = np.array([row.sum(dtype=np.float64) for row in tree_log_probs(lm, rows, lm.start())])
        state = lm.start()
        for line in _encoded(lm, conversation):
            state = row_score(lm, [line.ids], state)[1]
        given = np.array([row.sum(dtype=np.float64) for row in tree_log_probs(lm, rows, state)])
        if self.config.normalise == 1 and np.array_equal(given, self._alone):
            raise UsageError(
                "this language model forgets a message at the end of its line, as n-grams do, so it cannot say which "
                "reply fits; give a network that is trained on dialogues, or a model of --task reply"
            )
        return (given - self.config.normalise * self._alone) / np.array([len(row) for row in rows])


def hides(offers: Offers, text: str) -> bool:
    """Whether a text has a word that must not be offered.

    >>> hides(Offers(secrets=False), "call 555 123 4567"), hides(Offers(secrets=False), "call me at 5")
    (True, False)
    """
    if not offers.forbids:
        return False
    spans = [(start, end) for start, end, _ in runs(text)] + [match.span() for match in _CHUNKS.finditer(text)]
    return any(offers.hides(text[start:end], before=text[:start]) for start, end in spans)


def _words(text: str) -> list[str]:
    return [fold(text[start:end]) for start, end, run in runs(text) if run.is_word]


def _encoded(lm: LanguageModel, texts: Sequence[str]) -> list[EncodedLine]:
    return encode_lines(lm.tokenizer, None, [[text] for text in texts])
