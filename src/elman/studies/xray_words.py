"""The effect of each word of a sentence on each later one.

For any model, by leaving a word out: log2 p(next | all before) - log2 p(next | all before but that
word), in bits, positive where the word helps. For networks also by gradient times input: the
derivative of log2 p(next) with respect to the word's embedding, times that embedding (Denil,
Demiraj and de Freitas 2014).
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

MOST = {"word": 40, "subword": 80, "char": 200, "byte": 200}
"""Most tokens of a sentence at each level: 40 words are about 200 characters. The work is
quadratic."""
_ROWS = 32
"""Rows of tokens whose gradients are in memory at a time."""


@dataclass(frozen=True)
class Contributions:
    """``[T, T]`` tables, row: the predicted word, column: the earlier word; 0 on and above the
    diagonal.
    """

    tokens: list[str]
    bits: NDArray[np.float64]
    """Surprise at each token, -log2 p, ``[T]``."""
    left_out: NDArray[np.float64]
    gradient: NDArray[np.float64] | None
    """Gradient times input; None for models without a torch network."""


def sentence_tokens(model: LanguageModel, sentence: str) -> tuple[TokenIds, list[str]]:
    """The ids of one line without its end, and their texts.

    Raises:
        UsageError: it has fewer than two tokens or more than the level allows, or the model knows
            none of them.
    """
    tokenizer = model.tokenizer
    encoded = tokenizer.encode(normalise_line(sentence))
    ids = encoded.ids
    level = tokenizer.config.level
    if not 2 <= len(ids) <= MOST[level]:
        units = {"word": "words and marks", "char": "characters", "byte": "bytes"}.get(level, "pieces of words")
        raise UsageError(f"the sentence has {len(ids)} {units}; give one of 2 to {MOST[level]}")
    if not ids.any():
        raise UsageError("the model knows no word of the sentence; use words of the text that it was trained on")
    line = normalise_line(sentence)
    shown = [line[start:end].strip() for start, end in encoded.spans.tolist()]
    names = [text or tokenizer.tokens[token].strip() or "␣" for text, token in zip(shown, ids.tolist(), strict=True)]
    return ids, [f"{name}?" if token == 0 else name for name, token in zip(names, ids.tolist(), strict=True)]


def contributions(model: LanguageModel, ids: TokenIds, tokens: list[str], *, network: Any = None) -> Contributions:
    """The effect of each token of ``ids[T]`` on all later ones; ``network`` gives gradients."""
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
    """``[T, T]`` nats: for each token, the earlier tokens' embeddings times the derivatives with
    respect to them.
    """
    import copy

    import torch

    double = copy.deepcopy(network).double().eval()
    time = len(ids)
    read = np.concatenate([np.full(1, network.vocab_size), ids[:-1]])
    table = np.zeros((time, time))
    for first in range(0, time, _ROWS):
        # The row of token t is used for that token only, so one backward pass gives all of them.
        asked = torch.arange(first, min(first + _ROWS, time))
        inputs = torch.from_numpy(np.tile(read[: int(asked[-1]) + 1], (len(asked), 1)))
        x = double.embedding(inputs).detach().double().requires_grad_()
        state, outputs = double.initial_state(len(asked)), []
        for row in x.unbind(dim=1):
            y, state = double.stack.step(row, state)
            outputs.append(y)
        rows = torch.arange(len(asked))
        tops = torch.stack(outputs, dim=1)[rows, asked]
        log_probs = double.output.log_probs(tops)[rows, torch.from_numpy(ids)[asked]]
        (gradient,) = torch.autograd.grad(log_probs.sum(), x)
        # Input 0 is the sentence start; token j is input j + 1.
        products = (gradient * x.detach()).sum(dim=-1).numpy()
        table[first : first + len(asked), : products.shape[1] - 1] = products[:, 1:]
    return np.tril(table, -1)


def _starts(model: LanguageModel, count: int) -> State:
    return model.start(count) if model.batchable else model.start().take(np.zeros(count, np.int64))
