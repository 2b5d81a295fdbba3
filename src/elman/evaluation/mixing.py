"""Weights of a mixture, fitted on a text, and the figures of the parts and the mixture on that
text."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.decode.scoring import Context, Meter, token_log_probs
from elman.metrics.language import Tally
from elman.models.combine import Mixture, fit_weights
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.store import Text


class FittedMixture(NamedTuple):
    """Mixture weights, and the figures on the text that they were fitted on."""

    weights: list[float]
    parts: list[Tally]
    """Of each model alone."""
    mixture: Tally


def fit_mixture(
    models: Sequence[LanguageModel], speller: Speller, text: Text, *, context: Context, progress: Progress
) -> FittedMixture:
    """Mixture weights fitted on a text by EM.

    Args:
        models: two or more with the same types.
        speller: the spelling model for words that none of them knows.

    Raises:
        ModelError: the models' types differ, or the text has no token.
    """
    Mixture(models)
    counted, scores = Tally(), []
    for model in models:
        meter = Meter(model.tokenizer, speller)
        stream = meter.stream(text, context=context)
        with progress.stage(f"scoring for the mixture ({model.describe()['name']})", unit="tokens") as advance:
            parts = []
            for part in token_log_probs(model, stream):
                parts.append(part)
                advance(len(part))
        scores.append(np.concatenate([np.empty(0, np.float32), *parts]))
        counted = meter.tally
    weights = fit_weights(scores)
    likely = [score.astype(np.float64) for score in scores]
    with np.errstate(divide="ignore"):
        mixed = np.logaddexp.reduce([part + log for part, log in zip(likely, np.log(weights), strict=True)], axis=0)
    tallies = [counted + Tally(nats=-float(part.sum())) for part in (*likely, mixed)]
    return FittedMixture(weights.tolist(), tallies[:-1], tallies[-1])
