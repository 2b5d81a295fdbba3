"""What a served model can do: continue texts, predict labels of texts, tag words, translate, give
vectors, rank documents, read passages, choose replies, forecast series, or write captions.

A route asks for an ability, never for a kind of model.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.apps.correct import Corrector
from elman.apps.summarize import SentenceVectors
from elman.apps.summarizing import vectors_of
from elman.data.tagged_sentence import TaggedSentence
from elman.decode.direction import check_forward
from elman.models.protocol import LanguageModel
from elman.serve.ability import Ability as Ability
from elman.serve.ability import ServedModel
from elman.serve.answers_questions import AnswersQuestions as AnswersQuestions
from elman.serve.answers_questions import RanksDocuments as RanksDocuments
from elman.serve.answers_questions import ReadsPassages as ReadsPassages
from elman.serve.batching import Batcher
from elman.serve.chooses_replies import ChoosesReplies as ChoosesReplies
from elman.serve.label_batching import LabelBatcher
from elman.serve.metrics import Metrics
from elman.serve.translates import Translates as Translates
from elman.serve.writes_captions import WritesCaptions as WritesCaptions
from elman.tasks.classify.model import Prediction
from elman.tasks.forecast.model import ForecastModel
from elman.tasks.tag.prediction import TaggedText
from elman.text.speller import Speller

_MANY = 128
"""More rows than a network's interpreter computes before it loads compiled kernels."""
_WORDS = 2048
"""Words that taggers read in one step, about 0.1 seconds."""
_NAMES = 500
"""Names of series that are listed."""
_TAG_PROBABILITIES = 1 << 20
"""Most probabilities of tags that one step computes."""


@runtime_checkable
class TextModel(Protocol):
    """A model that continues texts."""

    lm: LanguageModel
    speller: Speller


@dataclasses.dataclass(frozen=True)
class ContinuesText(Ability):
    """A language model at work."""

    verb = "continues text"
    infinitive = "continue text"
    routes = ("complete", "score", "rescore", "correct", "memory", "completions")
    views = ("type", "surprise", "memory", "generate", "correct", "rescore", "summarize")

    name: str
    model: TextModel
    batcher: Batcher

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, TextModel):
            return None
        check_forward(model.lm.tokenizer)
        return cls(name, model, Batcher(warmed(model.lm), observe=metrics.step_rows.observe))

    @functools.cached_property
    def corrector(self) -> Corrector:
        """Corrects texts; prepared when it is first asked for."""
        return Corrector(self.model.lm, self.model.speller)

    @property
    def own_views(self) -> tuple[str, ...]:
        # Spelling is corrected by the words that a model knows.
        words = self.model.lm.tokenizer.config.level == "word"
        return tuple(view for view in self.views if words or view != "correct")

    def describe(self) -> dict[str, Any]:
        lm = self.model.lm
        about = {**lm.describe(), "level": lm.tokenizer.config.level, "vocabulary": lm.tokenizer.size}
        return {**about, "forgets_lines": lm.forgets_lines, "hash": self.hash}

    @functools.cached_property
    def hash(self) -> str:
        return self.model.lm.model_hash

    @property
    def waiting(self) -> int:
        return self.batcher.waiting

    def close(self) -> None:
        self.batcher.close()


class Predicts(Ability):
    """Some kind of labels for what it is given; base of such abilities."""

    infinitive = "predict labels"
    routes = ("predict",)

    model: Any
    batcher: LabelBatcher

    @property
    def waiting(self) -> int:
        return self.batcher.waiting

    def close(self) -> None:
        self.batcher.close()


@runtime_checkable
class LabelModel(ServedModel, Protocol):
    """A model that predicts labels of texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, by id."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The probability of each label for each text."""
        ...

    def predictions(self, texts: Iterable[str]) -> Iterator[Prediction]:
        """Predictions of texts, in their order."""
        ...


@dataclasses.dataclass(frozen=True)
class PredictsLabels(Predicts):
    """A model at work that labels texts."""

    verb = "predicts labels"
    views = ("classify",)

    name: str
    model: LabelModel
    batcher: LabelBatcher

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, LabelModel):
            return None
        for _ in model.predictions(["a"] * _MANY):
            pass  # no first request waits for compilation
        batcher = LabelBatcher(model, observe=metrics.step_rows.observe)
        return cls(name, model, batcher)


@runtime_checkable
class TagModel(ServedModel, Protocol):
    """A model that tags the words of texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the tags, by id."""
        ...

    @property
    def scheme(self) -> str | None:
        """How tags mark spans; None for tags that mark words."""
        ...

    @property
    def field(self) -> str | None:
        """Where the tags of its training files were; None for the usual place."""
        ...

    def split(self, text: str) -> TaggedSentence:
        """The words of a text."""
        ...

    def predictions(self, texts: Iterable[str | TaggedSentence]) -> Iterator[TaggedText]:
        """Texts with tags, in their order."""
        ...

    def n_best(self, text: str | TaggedSentence, n: int) -> list[tuple[tuple[str, ...], float]]:
        """The most probable sequences of tags."""
        ...


@dataclasses.dataclass(frozen=True)
class TagsWords(Predicts):
    """A model at work that tags words."""

    verb = "tags words"
    infinitive = "tag words"
    optional_routes = ("corrections",)
    views = ("tags",)

    name: str
    model: TagModel
    batcher: LabelBatcher
    """Texts come to it as sentences, whose length is in words."""

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, TagModel):
            return None
        for _ in model.predictions(["a"] * _MANY):
            pass  # no first request waits for compilation
        step = max(min(_WORDS, _TAG_PROBABILITIES // len(model.labels)), 1)
        batcher = LabelBatcher(model, observe=metrics.step_rows.observe, step=step)
        return cls(name, model, batcher)


@runtime_checkable
class VectorModel(ServedModel, Protocol):
    """A model that has vectors of words."""

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""
        ...

    def split(self, text: str) -> list[str]:
        """The words of a text."""
        ...

    def prepare(self) -> None:
        """Make ready for many questions."""
        ...

    def has_vector(self, word: str) -> bool:
        """Whether a word has a vector."""
        ...

    def mean_vector(self, words: Iterable[str]) -> NDArray[np.float32]:
        """The mean of words' vectors ``[D]``; words without one are left out."""
        ...

    def most_similar(self, positive: Sequence[str], negative: Sequence[str], topn: int) -> list[tuple[str, float]]:
        """The words nearest to some and far from others."""
        ...


@dataclasses.dataclass(frozen=True)
class GivesVectors(Ability):
    """Word vectors at work. They are only read, so any thread may ask them."""

    verb = "gives vectors of words"
    infinitive = "give vectors of words"
    routes = ("similar", "summarize", "embeddings")
    views = ("summarize",)

    name: str
    model: VectorModel

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, VectorModel):
            return None
        model.prepare()
        return cls(name, model)

    @property
    def sentence_vectors(self) -> SentenceVectors:
        return vectors_of(self.model)


@dataclasses.dataclass(frozen=True)
class ForecastsSeries(Ability):
    """A forecaster at work. It is only read, so any thread may ask it."""

    verb = "forecasts series"
    infinitive = "forecast series"
    routes = ("forecast",)
    views = ("forecast",)

    name: str
    model: ForecastModel

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, ForecastModel):
            return None
        for _ in model.predictions([[1.0, 2.0]] * _MANY):
            pass  # no first request waits for compilation
        return cls(name, model)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "names": list(self.model.history)[:_NAMES]}


ABILITIES: tuple[type[Ability], ...] = (
    ContinuesText,
    PredictsLabels,
    TagsWords,
    Translates,
    GivesVectors,
    RanksDocuments,
    ReadsPassages,
    ChoosesReplies,
    ForecastsSeries,
    WritesCaptions,
)


def warmed(lm: LanguageModel) -> LanguageModel:
    """The model after a first batch: no first request waits for compilation."""
    state = lm.start(_MANY if lm.batchable else 1)
    lm.log_probs(lm.advance(np.zeros(state.batch, np.int64), state))
    return lm
