"""The time of a next-token prediction, as on a keyboard: one text, token after token."""

import time
from typing import Any

import numpy as np

from elman.decode.scoring import token_stream
from elman.models.protocol import LanguageModel
from elman.progress import Progress

_WARM = 20
_MOST_TOKENS = 400
_MOST_SECONDS = 4.0


def milliseconds_per_token(model: LanguageModel, text: Any, *, progress: Progress, name: str = "") -> float:
    """The median time to read one token of ``text`` and predict the next, in milliseconds."""
    ids: list[int] = []
    for line, _ in token_stream(model.tokenizer, text, context="document"):
        ids += line.tolist()
        if len(ids) >= _WARM + _MOST_TOKENS:
            break
    state, took, begin = model.start(), [], time.perf_counter()
    with progress.stage(f"timing {name}".rstrip(), unit="tokens") as advance:
        for step, token in enumerate(ids[: _WARM + _MOST_TOKENS]):
            before = time.perf_counter()
            state = model.advance(np.array([token], np.int64), state)
            model.log_probs(state)
            now = time.perf_counter()
            if step >= min(_WARM, len(ids) // 2):
                took.append(now - before)
            advance(1)
            if now - begin > _MOST_SECONDS and took:
                break
    return 1000 * float(np.median(took))
