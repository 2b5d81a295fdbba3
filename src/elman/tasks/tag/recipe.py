"""Sizes and plan of a tagger from its data.

Measured on development parts (``docs/tagging.md``, "What the recipe rests on"): twice the rate that
is usual elsewhere learns n-grams in fewer passes, and the average of the weights over the second
half of the run takes its noise away.
"""

from collections.abc import Mapping
from typing import Any

from elman.models.tagger_config import TaggerConfig
from elman.tasks.tag.plan import TagPlan

MOST_EPOCHS = 30
"""More would only memorise the sentences."""
_FEW_WORDS = 50_000


def choose_sizes(
    given: Mapping[str, Any], *, scheme: str | None, vector_size: int | None, language_size: int = 0
) -> TaggerConfig:
    """The configuration; what the user fixed (``given``) is kept.

    Args:
        scheme: how tags mark spans; a CRF pays for these.
        vector_size: size of the word vectors, if embeddings begin as such.
        language_size: numbers that language models give for each word.

    >>> choose_sizes({"hidden_size": 64}, scheme="BIO", vector_size=50).embedding_size
    50
    """
    sizes: dict[str, Any] = {"scheme": scheme, "crf": scheme is not None}
    if vector_size is not None:
        sizes["embedding_size"] = vector_size
    return TaggerConfig.from_json({**sizes, **given, "language_size": language_size})


def choose_plan(
    given: Mapping[str, Any],
    *,
    words: int,
    sentences: int,
    vectors: bool,
    spans: bool = False,
    bidirectional: bool = True,
) -> TagPlan:
    """The plan except its length; what the user fixed (``given``) is kept.

    Args:
        words, sentences: of the training part.
        vectors: whether embeddings begin as word vectors.
        spans: whether tags mark spans. Names in new texts are most often new words: their contexts
            and shapes must do, so words are read as unknown more readily.
        bidirectional: whether the network reads what comes after a word. Where it does not, the
            linear part, which does, is left out.

    >>> choose_plan({}, words=200_000, sentences=12_000, vectors=False).batch
    32
    """
    settings: dict[str, Any] = {
        "updates": 1,
        "batch": 16 if words < _FEW_WORDS else 32 if words < 1_000_000 else 64,
        "rate": 8e-3,
        "warmup": 0.1,
        "clip": 1.0,
        "weight_decay": 0.02,
        "dropout": 0.3,
        "input_dropout": 0.3,
        "embedding_dropout": 0.1,
        "output_dropout": 0.4,
        "word_dropout": 3.0 if spans else 0.5,
        "validations": MOST_EPOCHS,
        "patience": 8,
        "average_from": 0.5,
        "ngrams": bidirectional and not spans,
    }
    return TagPlan(**{**settings, **given})
