"""What a language model offers besides scores and texts: tokens, distributions, states, vectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.low_level import LineToken, hidden_vectors, line_log_probs, line_tokens, no_network, prompt_state
from elman.errors import ModelError
from elman.models.protocol import LanguageModel, State


class LowLevel:
    """The part of ``Model`` for rescoring, probing and experiments (``docs/lowlevel.md``)."""

    lm: LanguageModel

    def tokens(self, line: str) -> list[LineToken]:
        """The tokens of a line: id, text, and where each begins and ends in the line."""
        return line_tokens(self.lm.tokenizer, line)

    def state(self, text: str = "") -> State:
        """The model's state after a text whose last line stays open; ``lm`` continues from it."""
        return prompt_state(self.lm, text)

    def next_log_probs(self, prompt: str | State = "") -> NDArray[np.float32]:
        """The log-probability of each type as the next token after a prompt or a state, ``[V]``
        (nats).

        The types are ``lm.tokenizer.tokens``; at word level most begin with a space.
        """
        return self.lm.log_probs(self.state(prompt) if isinstance(prompt, str) else prompt)[0]

    def line_log_probs(self, line: str, *, prefix: str = "") -> NDArray[np.float32]:
        """The log-probabilities of all types before each token of a line and its end, ``[T, V]``
        (nats).

        ``score`` adds up those of the actual tokens.
        """
        return line_log_probs(self.lm, line, prefix=prefix)

    def hidden(self, line: str, *, prefix: str = "") -> NDArray[np.float32]:
        """A network's hidden vector after each token of ``tokens(line)``, ``[T, H]``.

        Raises:
            ModelError: it is not a network.
        """
        return hidden_vectors(self.lm, line, prefix=prefix)

    @property
    def network(self) -> Any:
        """The torch module of a network (``elman.models.neural.Network``), for gradients.

        Raises:
            ModelError: it is not a network, or was not loaded with ``torch=True``.
        """
        network = getattr(self.lm, "network", None)
        if network is not None:
            return network
        if hasattr(self.lm, "program"):
            raise ModelError("this network is computed without torch; elman.load(folder, torch=True) has its module")
        raise no_network(self.lm, "torch module")

    def embeddings(self) -> NDArray[np.float32]:
        """A network's trained input vector of each type, ``[V, E]``.

        Raises:
            ModelError: it is not a network, was not loaded with ``torch=True``, or has no
            embedding.
        """
        from elman.tasks.language.embeddings import embedding_table  # imports torch

        return embedding_table(self.network, self.lm.tokenizer.size)
