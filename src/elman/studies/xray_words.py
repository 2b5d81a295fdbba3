"""What each earlier word of a sentence does to each next one.

By leaving it out, which any model can be asked: log2 p(next | all before) - log2 p(next | all
before but that word), in bits; positive where the word helps. And by gradient times input, for
networks: the derivative of log2 p(next) by the word's embedding times that embedding, what a linear
model would call its share (Denil, Demiraj and de Freitas 2014).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_score
from elman.errors import UsageError
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.text.normalise import normalise_line

MOST = 40
"""Tokens of a sentence that are looked at; the work grows with their square."""


@dataclass(frozen=True)
class Contributions:
    """``[T, T]`` tables, row: the word that is predicted, column: the earlier word; nothing (0) on
    and above the diagonal."""

    tokens: list[str]
    bits: NDArray[np.float64]
    """Surprise at each token, -log2 p, ``[T]``."""
    left_out: NDArray[np.float64]
    gradient: NDArray[np.float64] | None
    """Gradient times input; None for models that are no network here."""


def sentence_tokens(model: LanguageModel, sentence: str) -> tuple[TokenIds, list[str]]:
    """The ids of one line without its end, and what each looks like.

    Raises:
        UsageError: it has fewer than two tokens or more than MOST, or the model knows none of them.
    """
    tokenizer = model.tokenizer
    encoded = tokenizer.encode(normalise_line(sentence))
    ids = encoded.ids
    if not 2 <= len(ids) <= MOST:
        raise UsageError(
            f"the sentence has {len(ids)} tokens; give one of 2 to {MOST} (a word may be several tokens to this model)"
        )
    if not ids.any():
        raise UsageError("the model knows no word of the sentence; use words of the text that it was trained on")
    line = normalise_line(sentence)
    shown = [line[start:end].strip() for start, end in encoded.spans.tolist()]
    names = [text or tokenizer.tokens[token].strip() or "␣" for text, token in zip(shown, ids.tolist(), strict=True)]
    return ids, [f"{name}?" if token == 0 else name for name, token in zip(names, ids.tolist(), strict=True)]


def contributions(model: LanguageModel, ids: TokenIds, tokens: list[str], *, network: Any = None) -> Contributions:
    """Of each of the tokens ``ids[T]`` to all that follow; ``network`` for the gradients, where
    there is one.
    """
    time = len(ids)
    # The sentence without one word, for each word but the last: rows of T - 1 tokens.
    rows = [ids, *(np.delete(ids, out) for out in range(time - 1))]
    scores, _ = row_score(model, rows, _starts(model, len(rows)))
    whole = scores[0].astype(np.float64)
    left_out = np.zeros((time, time))
    for out, without in enumerate(scores[1:]):
        left_out[out + 1 :, out] = whole[out + 1 :] - without[out:]
    gradient = None if network is None else gradient_times_input(network, ids) / np.log(2)
    return Contributions(tokens, -whole / np.log(2), left_out / np.log(2), gradient)


def gradient_times_input(network: Any, ids: TokenIds) -> NDArray[np.float64]:
    """``[T, T]`` nats: for each next token, each earlier token's embedding times the derivative by
    it.
    """
    import copy

    import torch

    double = copy.deepcopy(network).double().eval()
    time = len(ids)
    start = np.full(1, network.vocab_size)
    inputs = torch.from_numpy(np.tile(np.concatenate([start, ids[:-1]]), (time, 1)))
    x = double.embedding(inputs).detach().double().requires_grad_()
    state, outputs = double.initial_state(time), []
    for row in x.unbind(dim=1):
        y, state = double.stack.step(row, state)
        outputs.append(y)
    # Row t is asked for token t only, so one pass backward gives all of them.
    each = torch.arange(time)
    asked = torch.stack(outputs, dim=1)[each, each]
    log_probs = double.output.log_probs(asked)[each, torch.from_numpy(ids)]
    (found,) = torch.autograd.grad(log_probs.sum(), x)
    table = (found * x.detach()).sum(dim=-1).numpy()
    # Input 0 is the sentence start; token j is input j + 1.
    shifted = np.zeros((time, time))
    shifted[:, : time - 1] = table[:, 1:]
    return np.tril(shifted, -1)


def _starts(model: LanguageModel, count: int) -> State:
    return model.start(count) if model.batchable else model.start().take(np.zeros(count, np.int64))
