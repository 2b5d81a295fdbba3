"""The contexts with which a page checks itself: what Python offers there, and a digest of every
log-probability.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.completion import complete
from elman.decode.offers import Offers
from elman.decode.pieces import piece_index
from elman.decode.prefix import open_prompt
from elman.decode.prompt_state import PromptState
from elman.decode.secrets import is_secret
from elman.decode.sentence_start import masses_at
from elman.export.page_words import PageWords
from elman.models.combine import Mixture
from elman.models.composite import split_states
from elman.models.protocol import LanguageModel, State

CONTEXTS = 60
"""Contexts completed in Python, with which the page checks itself."""
_WORDS = 5


def contexts_for_check(lm: LanguageModel, words: PageWords) -> list[dict[str, Any]]:
    """The contexts with which a page checks itself."""
    return [completed(lm, prompt, words.offers) for prompt in contexts_of(lm, CONTEXTS, without=words.private)]


def completed(lm: LanguageModel, prompt: str, offers: Offers | None = None) -> dict[str, Any]:
    """A prompt with its likeliest words, and the ``digest`` of all log-probabilities before the
    word; of a mixture, those of its parts. ``offers`` are those of the page, by default those of
    ``write_page``.
    """
    rules = offers or Offers(secrets=False)
    asked = open_prompt(lm, prompt)
    found = complete(lm, prompt, n=_WORDS, block=rules.block, secrets=rules.secrets)
    share = _private_share(lm, asked, rules) if found.partial else 0.0
    words = [(word, probability / (1 - share)) for word, probability in found.words]
    return {"prompt": prompt, "words": words, "digest": _digest_at(lm, asked.state)}


def _private_share(lm: LanguageModel, asked: PromptState, rules: Offers) -> float:
    """How much of all that begins as typed is private: it does not stand in the page."""
    begun = list(asked.others) or piece_index(lm.tokenizer).starting_with(asked.typed).tolist()
    masses = masses_at(lm, asked)[begun]
    private = [not rules.secrets and is_secret(lm.tokenizer.tokens[token].removeprefix(" ")) for token in begun]
    return float(masses[private].sum() / masses.sum())


def _digest_at(lm: LanguageModel, state: State) -> int:
    if not isinstance(lm, Mixture):
        return digest(lm.log_probs(state)[0])
    parts = zip(lm.models, lm.weights, split_states(state, lm.models), strict=True)
    return sum(_digest_at(part, own) for part, weight, own in parts if weight > 0) % (1 << 32)


def digest(vector: NDArray[np.float32]) -> int:
    """A checksum of a float32 vector: its bits times 1, 3, 5, ..., summed mod 2^32.

    >>> digest(np.array([0, 1], np.float32)) == 3 * 0x3F800000 % 2**32
    True
    """
    odd = 2 * np.arange(len(vector), dtype=np.uint32) + np.uint32(1)
    return int((vector.view(np.uint32) * odd).sum(dtype=np.uint32))


def contexts_of(lm: LanguageModel, count: int, *, seed: int = 1, without: Collection[int] = frozenset()) -> list[str]:
    """Beginnings of generated texts, without some types; every third one ends inside a word."""
    draw, contexts = np.random.default_rng(seed), []
    while len(contexts) < count:
        state, ids = lm.start(), []
        for _ in range(int(draw.integers(1, 12))):
            probs = np.exp(lm.log_probs(state)[0].astype(np.float64))
            probs[[0, *without]] = 0
            ids.append(int(draw.choice(len(probs), p=probs / probs.sum())))
            state = lm.advance(np.array(ids[-1:]), state)
        text = lm.tokenizer.decode(ids).lstrip("\n")
        if text.strip():
            cut = len(text) - int(draw.integers(0, 3)) if len(contexts) % 3 == 0 else len(text)
            contexts.append(text[: max(cut, 1)] + (" " if len(contexts) % 3 == 1 else ""))
    return contexts
