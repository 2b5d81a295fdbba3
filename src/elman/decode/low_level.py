"""What a model computes along one line: tokens with their places, all log-probabilities, hidden
vectors.

Lines and prefixes are read as in ``score_lines``, so the figures are those that are added up there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.oov import unknown_tokens
from elman.data.spelling_costs import signs_of_tokens
from elman.decode.continuations import continuations
from elman.decode.prompts import read_prompt
from elman.decode.rows import states_after
from elman.decode.scoring import one_line, shown_bytes, token_texts
from elman.errors import ModelError
from elman.models.protocol import LanguageModel, State
from elman.models.trace import Trace, trace
from elman.notation import LogProbs
from elman.text.tokenizer import Tokenizer


class LineToken(NamedTuple):
    """A token of a line and its place."""

    id: int
    """0 for an unknown word."""
    text: str
    """As in ``LineScore.per_token``: with its leading space."""
    start: int
    """Characters of the line before it; a leading space belongs to it."""
    end: int


def line_tokens(tokenizer: Tokenizer, line: str) -> list[LineToken]:
    """The tokens of a line, without its `</s>`.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["the cat"], config=TokenizerConfig(min_count=1))
    >>> line_tokens(tokenizer, "the cat's")
    [LineToken(id=3, text=' the', start=0, end=3), LineToken(id=0, text=" cat's", start=3, end=9)]
    """
    line = one_line(tokenizer, line)
    encoded = tokenizer.encode(line)
    texts = token_texts(
        tokenizer, encoded.ids, unknown_tokens(tokenizer, line, encoded), signs_of_tokens(tokenizer, line)
    )
    return [
        LineToken(token, shown_bytes(text), start, end)
        for token, text, (start, end) in zip(encoded.ids.tolist(), texts, encoded.spans.tolist(), strict=True)
    ]


def prompt_state(model: LanguageModel, text: str) -> State:
    """The state after a text whose last line stays open."""
    return read_prompt(model, text).state


def line_log_probs(model: LanguageModel, line: str, *, prefix: str = "") -> LogProbs:
    """The log-probabilities of all types before each token of a line and before its end,
    ``[T, V]``."""
    log_probs = _traced(model, line, prefix, whole=True).log_probs
    assert log_probs is not None
    return log_probs[0]


def hidden_vectors(model: LanguageModel, line: str, *, prefix: str = "") -> NDArray[np.float32]:
    """The hidden vector after each token of a line, ``[T, H]``; without one for its end.

    Raises:
        ModelError: the model has no hidden vectors.
    """
    features = _traced(model, line, prefix, whole=False).features
    if features is None:
        raise no_network(model, "hidden vectors")
    # What is seen before the next token is the vector after this one.
    return features[0, 1:]


def no_network(model: LanguageModel, what: str) -> ModelError:
    """The error of a model that has something only networks have."""
    name = model.describe()["name"]
    return ModelError(f"this model ({name}) has no {what}; networks have them (--model lstm, gru, rnn, mingru, ...)")


def _traced(model: LanguageModel, line: str, prefix: str, *, whole: bool) -> Trace:
    lines, before, _ = continuations(model.tokenizer, [prefix], [one_line(model.tokenizer, line)])
    return trace(model, lines.ids[None], np.array([len(lines.ids)]), states_after(model, before), whole=whole)
