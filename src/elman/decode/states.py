"""Describes saved states, and compares two states of a model by their values and predictions."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.decode.largest import largest
from elman.models.protocol import LanguageModel, State
from elman.text.tokenizer import EOS_ID, UNK_ID

_LIKELY = 5


def divergence(whole: NDArray[np.floating], less: NDArray[np.floating]) -> float:
    """The Kullback-Leibler divergence of ``less[V]`` from ``whole[V]``, log-probabilities, in bits.

    >>> round(divergence(np.log([0.5, 0.5]), np.log([0.25, 0.75])), 4)
    0.2075
    """
    p, q = (np.maximum(table.astype(np.float64), -1e4) for table in (whole, less))
    return max(float((np.exp(p) * (p - q)).sum()) / math.log(2), 0.0)


def describe_state(model: LanguageModel, state: State) -> dict[str, Any]:
    """Sizes of a state's arrays (numbers in one row), its bytes, and the likeliest next tokens."""
    log_probs = model.log_probs(state)[0]
    likely = [
        {
            "text": {EOS_ID: "\n", UNK_ID: model.tokenizer.tokens[UNK_ID]}.get(token)
            or model.tokenizer.decode([token]),
            "probability": math.exp(log_probs[token]),
        }
        for token in largest(log_probs, _LIKELY).tolist()
    ]
    parts = {name: int(np.prod(part.shape[1:])) for name, part in state.parts.items()}
    return {"bytes": sum(part.nbytes for part in state.parts.values()), "parts": parts, "likely": likely}


def compare_states(model: LanguageModel, one: State, other: State) -> dict[str, Any]:
    """The distance between two states.

    ``distance`` gives for each array the norm of the difference over the mean norm of the two (0:
    the same, 2: opposite). ``bits`` gives the divergence of the second prediction from the first,
    and of the first from the second.
    """
    distance = {}
    for name, part in one.parts.items():
        first, second = (np.asarray(vector, np.float64).ravel() for vector in (part, other.parts[name]))
        # Arrays that grow with the text (an n-gram's last words) may differ in size.
        size = max(len(first), len(second))
        first, second = (np.pad(vector, (size - len(vector), 0)) for vector in (first, second))
        mean = (np.linalg.norm(first) + np.linalg.norm(second)) / 2
        distance[name] = float(np.linalg.norm(first - second) / mean) if mean else 0.0
    p, q = model.log_probs(one)[0], model.log_probs(other)[0]
    return {"same": one.key() == other.key(), "distance": distance, "bits": [divergence(p, q), divergence(q, p)]}
