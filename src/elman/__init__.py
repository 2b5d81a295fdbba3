"""elman: your text into language models, and language models into tools.

>>> import elman
>>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
>>> [word for word, probability in lm.complete("Return a copy", n=1).words]
['of']
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.api import (
        Completion,
        Corrected,
        LineScore,
        Model,
        Reply,
        SummarySentence,
        adapt,
        answer,
        correct,
        load,
        mix,
        rank,
        register_cell,
        reply,
        rescore,
        resume,
        review_rating,
        summarize,
        train,
    )
    from elman.errors import ElmanError
    from elman.tasks.vectors.documents import similar_documents
    from elman.tasks.verification import verify

__all__ = [
    "Completion",
    "Corrected",
    "ElmanError",
    "LineScore",
    "Model",
    "Reply",
    "SummarySentence",
    "adapt",
    "answer",
    "correct",
    "load",
    "mix",
    "rank",
    "register_cell",
    "reply",
    "rescore",
    "resume",
    "review_rating",
    "similar_documents",
    "summarize",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    # Nothing heavy is imported until it is used: `elman --help` must answer at once.
    if name not in __all__:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    import importlib

    homes = {
        "ElmanError": "elman.errors",
        "register_cell": "elman.cells.registry",
        "similar_documents": "elman.tasks.vectors.documents",
        "verify": "elman.tasks.verification",
    }
    return getattr(importlib.import_module(homes.get(name, "elman.api")), name)


def __dir__() -> list[str]:
    return __all__
