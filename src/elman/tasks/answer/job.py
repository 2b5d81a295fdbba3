"""The training of a reader."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.squad import SquadFile
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.models.reader_config import ReaderConfig
from elman.models.word_features import WordFeatures
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.answer.data import EncodedQuestions, ReaderData, has_unanswerable, read_data
from elman.tasks.answer.evaluation import evaluate_part
from elman.tasks.answer.model import PassageReader
from elman.tasks.answer.plan import AnswerPlan
from elman.tasks.answer.recipe import MOST_EPOCHS, choose_plan
from elman.tasks.answer.request import AnswerRequest
from elman.tasks.answer.windows import Words
from elman.tasks.fitted_words import fitted_words
from elman.tasks.network_job import NetworkJob, planned
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.reader import ReaderNetwork
    from elman.training.objective import Arrays, Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnswerJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = PassageReader

    request: AnswerRequest
    config: ReaderConfig
    plan: AnswerPlan
    data: ReaderData
    features: WordFeatures
    vectors: NDArray[np.float32] | None = None
    """Embeddings of the word ids ``[V, E]``."""

    def static_files(self) -> dict[str, bytes]:
        return {VOCABULARY_FILE: self.features.vocabulary.to_bytes()}

    def make_network(self) -> "ReaderNetwork":
        from elman.models.reader import ReaderNetwork

        return ReaderNetwork(self.config, self.features.size)

    def begin(self, network: "ReaderNetwork") -> None:
        network.begin(self.vectors)

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.tasks.answer.objective import AnswerObjective

        assert isinstance(plan, AnswerPlan)
        return AnswerObjective(
            self.config,
            plan,
            vocab=self.features.size,
            counts=np.append(0, self.features.vocabulary.counts),
            train=self.encoded(self.data.train),
            valid=self.data.valid,
            encoded=self.encoded(self.data.valid),
            start=start,
            pretrained=self.request.vectors is not None,
        )

    def encoded(self, part: SquadFile) -> EncodedQuestions:
        """A part of the data as numbers."""
        return EncodedQuestions(part, self.features, self.config)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.answer.finishing import write_inference

        return write_inference(self)

    def figures(self, model: PassageReader) -> dict[str, Any]:
        parts = {"valid": self.data.valid, "test": self.data.test}
        how: dict[str, Any] = {"rival": self.request.rival, "progress": self.progress}
        return {name: evaluate_part(model, part, **how).to_json() for name, part in parts.items() if part is not None}


def new_job(request: AnswerRequest, *, folder: Path, progress: Progress) -> AnswerJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    data = read_data(request, progress=progress)
    config = ReaderConfig.from_json(dict(request.fixed.config))
    texts = [each.text for each in (*data.train.paragraphs, *data.train.questions)]
    vocabulary, vectors = fitted_words(
        [word for text in texts for word in Words.of(text).words],
        min_count=request.data.min_count,
        vectors=request.vectors,
        fixed=request.fixed.config,
        progress=progress,
    )
    if vectors is not None:
        config = config.replace(embedding_size=vectors.shape[1])
    config = config.replace(unanswerable=has_unanswerable(data.train, config))
    features = WordFeatures(vocabulary, config.words)
    questions = len(data.train.questions)
    plan = planned(
        choose_plan(request.fixed.plan, questions=questions),
        request,
        examples=questions,
        try_threads=True,
        most_validations=MOST_EPOCHS,
        progress=progress,
    )
    progress.say(f"network: {config.in_words}; {plan.in_words}")
    return AnswerJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        features=features,
        vectors=vectors,
    )


def resumed_job(
    request: AnswerRequest, *, folder: Path, config: ReaderConfig, plan: AnswerPlan, progress: Progress
) -> AnswerJob:
    """The job of an interrupted training: its words lie in the folder."""
    vocabulary = Vocabulary.from_bytes(model_folder.static_files(folder)[VOCABULARY_FILE])
    return AnswerJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=read_data(request, progress=progress),
        features=WordFeatures(vocabulary, config.words),
    )
