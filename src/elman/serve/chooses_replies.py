"""ChoosesReplies: a model of replies at work."""

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.apps.reply import Replier, Reply, ReplyConfig, ReplyEncoder
from elman.apps.summarize import SentenceVectors
from elman.models.protocol import LanguageModel
from elman.serve.ability import Ability, ServedModel
from elman.serve.hidden import Hidden
from elman.serve.metrics import Metrics
from elman.text.tokenizer import Tokenizer


@runtime_checkable
class ReplyModel(ReplyEncoder, ServedModel, Protocol):
    """An encoder of messages and replies, with replies of its own."""

    tokenizer: Tokenizer

    @property
    def replies(self) -> tuple[str, ...]:
        """The most frequent replies of its training."""
        ...


@dataclasses.dataclass(frozen=True)
class ChoosesReplies(Ability):
    """A model of replies at work. Requests take turns."""

    verb = "chooses replies"
    infinitive = "choose replies"
    routes = ("summarize", "reply")
    views = ("reply", "summarize")

    name: str
    model: ReplyModel
    turn: threading.Lock
    own: dict[tuple[Hidden, str | None], Replier]
    """What chooses among the model's own replies, by what is hidden and the language model
    beside."""

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, ReplyModel):
            return None
        model.message_vectors([["a"]])  # no first request waits for compilation
        return cls(name, model, threading.Lock(), {})

    def choose(
        self,
        message: str,
        *,
        earlier: Sequence[str],
        replies: Sequence[str] | None,
        n: int,
        hidden: Hidden,
        lm: LanguageModel | None = None,
        config: ReplyConfig | None = None,
    ) -> list[Reply]:
        """The best replies to a message, of those given or of the model's own; none with hidden
        words.

        Args:
            lm: a language model of dialogues that helps to rank them.

        Raises:
            TextError: no reply is left to offer.
            UsageError: the language model forgets the message.
        """
        key = hidden, None if lm is None else lm.model_hash
        with self.turn:
            replier = self.own.get(key) if replies is None else None
            if replier is None:
                offers = hidden.offers(self.model.tokenizer, secrets=False)
                texts = self.model.replies if replies is None else replies
                replier = Replier(texts, encoder=self.model, lm=lm, offers=offers)
            # This client's: one who has left asks no more.
            replier.lm, replier.config = lm, config or ReplyConfig()
            if replies is None:
                self.own[key] = replier
            return replier.choose(message, earlier=earlier, n=n)

    @property
    def sentence_vectors(self) -> SentenceVectors:
        return self._vectors

    def _vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        with self.turn:
            return self.model.reply_vectors(sentences)
