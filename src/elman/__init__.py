"""elman: your text into language models, and language models into tools.

>>> import elman
>>> lm = elman.train("builtin:pydocs", model="ngram", order=3)
>>> [word for word, probability in lm.complete("Return a copy", n=1).words]
['of']
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.api import Model, adapt, load, mix, rescore, resume, train
    from elman.apps.answering.documents import answer
    from elman.apps.correcting import Corrected, correct
    from elman.apps.ranking_documents import rank
    from elman.apps.reply import Reply
    from elman.apps.replying import reply
    from elman.apps.summarize import SummarySentence, summarize
    from elman.cells.registry import register_cell
    from elman.decode.completion import Completion
    from elman.decode.scoring import LineScore
    from elman.errors import ElmanError
    from elman.tasks.classify.review_rating import review_rating
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


_HOMES = {
    "Completion": "elman.decode.completion",
    "Corrected": "elman.apps.correcting",
    "ElmanError": "elman.errors",
    "LineScore": "elman.decode.scoring",
    "Reply": "elman.apps.reply",
    "SummarySentence": "elman.apps.summarize",
    "answer": "elman.apps.answering.documents",
    "correct": "elman.apps.correcting",
    "rank": "elman.apps.ranking_documents",
    "register_cell": "elman.cells.registry",
    "reply": "elman.apps.replying",
    "review_rating": "elman.tasks.classify.review_rating",
    "similar_documents": "elman.tasks.vectors.documents",
    "summarize": "elman.apps.summarize",
    "verify": "elman.tasks.verification",
}
"""The modules of names that are not in ``elman.api``."""


def __getattr__(name: str) -> Any:
    # Nothing heavy is imported until it is used: `elman --help` must answer at once.
    if name not in __all__:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES.get(name, "elman.api")), name)


def __dir__() -> list[str]:
    return __all__
