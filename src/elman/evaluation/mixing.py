"""Weights of a mixture, fitted on a text."""

from collections.abc import Sequence

import numpy as np

from elman.decode.scoring import Context, token_log_probs, token_stream
from elman.models.combine import Mixture, fit_weights
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.store import Text


def tuned_weights(models: Sequence[LanguageModel], text: Text, *, context: Context, progress: Progress) -> list[float]:
    """Mixture weights fitted on a text by EM.

    Raises:
        ModelError: the models' types differ.
    """
    Mixture(models)
    scores = []
    for model in models:
        stream = token_stream(model.tokenizer, text, context=context)
        with progress.stage(f"scoring for the mixture ({model.describe()['name']})", unit="tokens") as advance:
            parts = []
            for part in token_log_probs(model, stream):
                parts.append(part)
                advance(len(part))
        scores.append(np.concatenate([np.empty(0, np.float32), *parts]))
    return fit_weights(scores).tolist()
