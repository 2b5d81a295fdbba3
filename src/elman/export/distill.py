"""Distils a language model into an n-gram, for decoders that read only ARPA files.

The model predicts every position of its training text, and likely words are counted by their
probabilities. These expected counts and the text's own counts are mixed with weights fitted on a
validation text, and the table is pruned. If the training text is gone, the model generates one (as
in Deoras, Mikolov, Kombrink, Karafiat and Khudanpur 2011, who count generated words; expected
counts carry more information).
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.decode.scoring import token_log_probs, token_stream
from elman.errors import TextError, UsageError
from elman.export.expected_counts import make_up, predictions
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import from_backoff
from elman.models.ngram.counts import count_ngrams
from elman.models.ngram.expected_counts import expected_counts
from elman.models.ngram.growth import perplexity_of
from elman.models.ngram.interpolation import Interpolation
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.prune import prune_to
from elman.models.protocol import LanguageModel
from elman.notation import TokenIds
from elman.progress import Progress
from elman.text.store import Text
from elman.text.tokenizer import EOS_ID

_VALIDATION = 200_000
"""Most tokens used of the validation text."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistillConfig(Config):
    """Settings of the distilled n-gram."""

    order: int = 4
    """Tokens of the longest n-gram, 2 to 6."""
    ngrams: int | None = None
    """At most this many n-grams; default: as many as a plain n-gram of the same text has."""
    tokens: int = 1_000_000
    """Positions at which the model is queried, in its training text or, if that is gone, in
    generated text."""
    seed: int = 1
    """Random seed of generated text."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("order", 2 <= self.order <= 6, "2 to 6, as readers of ARPA files require; 4 suits most")
        self.require("ngrams", self.ngrams is None or self.ngrams >= 1, "1 or more, or left out")
        self.require("tokens", self.tokens >= 1, "1 or more; a million takes minutes")
        self.require("seed", self.seed >= 0, "0 or more")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Distilled:
    """The n-gram distilled from a model."""

    tables: BackoffTables
    facts: dict[str, Any]
    """Sizes, and perplexities on the validation text, line by line: of the model, a plain n-gram
    and this one."""


def distill(
    model: LanguageModel,
    *,
    train: tuple[NDArray[np.integer], NDArray[np.integer]] | None,
    valid: Text,
    config: DistillConfig | None = None,
    progress: Progress | None = None,
) -> Distilled:
    """Distil a model into an n-gram.

    Args:
        train: tokens and document starts of the text for queries, best the training text; None:
            generated text.
        valid: another text, on which weights are fitted, so figures on it are slightly optimistic.

    Raises:
        TextError: a text without tokens.
        UsageError: fewer n-grams than the model has types.
    """
    config, progress = config or DistillConfig(), progress or Progress()
    size = model.tokenizer.size
    if config.ngrams is not None and config.ngrams <= size:
        raise UsageError.of("ngrams", config.ngrams, f"above {size}: each type of the model is a unigram")
    lines = list(_beginning(model, valid))
    ids = np.concatenate([np.empty(0, np.int64), *lines])
    if not len(ids):
        raise TextError("the validation text has no tokens; give some with --tune FILE")
    starts = np.concatenate([[True], ids[:-1] == EOS_ID])
    if train is None:
        predicted = make_up(model, tokens=config.tokens, seed=config.seed, progress=progress)
        train = predicted.ids, predicted.documents
    else:
        predicted = predictions(model, *train, most=config.tokens, progress=progress)
    if not len(predicted.ids):
        raise TextError("there is no text to query the model on; it needs some tokens")
    orders = count_ngrams(*train, order=config.order, vocab_size=size, eos_id=EOS_ID, progress=progress)
    with progress.stage("weighing n-grams", total=3, unit="steps") as advance:
        interpolation = Interpolation(expected_counts(predicted, order=config.order), orders)
        advance(1)
        whole = interpolation.fit(ids, starts)
        advance(1)
        plain_ngrams = sum(len(level.keys) for level in orders[1:])
        most = config.ngrams - size - 1 if config.ngrams is not None else plain_ngrams
        tables = prune_to(interpolation.tables(), interpolation.context_probs, max(most, 0))
    plain = estimate(orders, vocab_size=size)
    alone = []
    with progress.stage("scoring the model", total=len(ids), unit="tokens") as advance:
        for part in token_log_probs(model, ((line, True) for line in lines)):
            alone.append(part.astype(np.float64))
            advance(len(part))
    facts = {
        "order": config.order,
        "ngrams": size + 1 + sum(map(len, tables.keys)),
        "plain_ngrams": size + 1 + plain_ngrams,
        "asked": len(predicted.ids),
        "tuned_on": valid.sha256,
        "perplexity": {
            "model": float(np.exp(-np.concatenate(alone).mean())),
            "distilled": perplexity_of(from_backoff(tables), ids, starts, EOS_ID),
            "unpruned": whole,
            "plain": perplexity_of(plain, ids, starts, EOS_ID),
        },
    }
    return Distilled(tables=tables, facts=facts)


def _beginning(model: LanguageModel, text: Text) -> Iterator[TokenIds]:
    """The ids of the text's first lines."""
    tokens = 0
    for ids, _ in token_stream(model.tokenizer, text, context="independent"):
        yield ids
        tokens += len(ids)
        if tokens >= _VALIDATION:
            break
