"""The training of a tagger."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.labels import LABELS_FILE, LabelSet
from elman.data.tagged import TaggedSentence
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.data.word_rules import RULES_FILE, WordRules
from elman.errors import UsageError
from elman.models.ngram_regression import NGRAMS_FILE
from elman.models.tag_regression import TagRegression
from elman.models.tagger_config import TaggerConfig
from elman.models.word_features import WordFeatures
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.fitted_words import fitted_words
from elman.tasks.network_job import NetworkJob, planned
from elman.tasks.tag.contexts import Contexts
from elman.tasks.tag.data import TaggedData, read_data, transitions_of
from elman.tasks.tag.model import Tagger
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.recipe import MOST_EPOCHS, choose_plan, choose_sizes
from elman.tasks.tag.request import TagRequest
from elman.tasks.tag.sentences import EncodedSentences, encode_sentences
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.tagger import TaggerNetwork
    from elman.training.objective import Arrays, Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagJob(NetworkJob):
    """The data, and what was fitted on it."""

    model = Tagger

    request: TagRequest
    config: TaggerConfig
    plan: TagPlan
    data: TaggedData
    features: WordFeatures
    vectors: NDArray[np.float32] | None = None
    """Embeddings of the word ids ``[V, E]``."""
    ngrams: TagRegression | None = None
    """The linear part, trained before the network."""
    contexts: Contexts = dataclasses.field(default_factory=Contexts)
    """The language models whose states are features of words."""

    @cached_property
    def allowed(self) -> NDArray[np.bool_] | None:
        """Which tag may follow which."""
        return transitions_of(self.data.tags, self.config.scheme)

    @property
    def is_known(self) -> Callable[[str], bool]:
        """Whether training had a word."""
        return {word for sentence in self.data.train for word in sentence.words}.__contains__

    def static_files(self) -> dict[str, bytes]:
        return {
            VOCABULARY_FILE: self.features.vocabulary.to_bytes(),
            LABELS_FILE: self.data.tags.to_bytes(),
            RULES_FILE: WordRules.fit(self.data.train).to_bytes(),
            **self.contexts.to_files(),
            **({NGRAMS_FILE: self.ngrams.to_bytes()} if self.ngrams else {}),
        }

    def make_network(self) -> "TaggerNetwork":
        from elman.models.tagger import TaggerNetwork

        return TaggerNetwork(self.config, self.features.size, len(self.data.tags))

    def begin(self, network: "TaggerNetwork") -> None:
        counts = np.array(self.data.tags.counts, np.float64)
        contexts = self.contexts.rows(self.data.train, progress=self.progress)
        network.begin(shares=counts / counts.sum(), vectors=self.vectors, contexts=contexts)

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.tasks.tag.objective import TagObjective

        assert isinstance(plan, TagPlan)
        data, features = self.data, self.features
        return TagObjective(
            self.config,
            plan,
            vocab=features.size,
            names=data.tags.names,
            counts=np.append(0, features.vocabulary.counts),
            tag_counts=np.array(data.tags.counts, np.int64),
            allowed=self.allowed,
            train=self.encoded(data.train),
            valid=self.encoded(data.valid),
            start=start,
            pretrained=self.request.vectors is not None,
        )

    def encoded(self, part: Sequence[TaggedSentence]) -> EncodedSentences:
        """A part of the data as numbers."""
        contexts = self.contexts.rows(part, progress=self.progress)
        return encode_sentences(part, features=self.features, tags=self.data.tags, contexts=contexts)

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from elman.tasks.tag.finishing import write_inference

        return write_inference(self)

    def figures(self, model: Tagger) -> dict[str, Any]:
        parts = {"valid": self.data.valid, "test": self.data.test}
        return {name: model.figures(part, is_known=self.is_known) for name, part in parts.items() if part}

    def finish(self) -> dict[str, Any]:
        card = super().finish()
        card["data"]["field"] = self.request.data.field
        return card


def new_job(request: TagRequest, *, folder: Path, progress: Progress) -> TagJob:
    """The job of a new training.

    Raises:
        UsageError: the request contradicts itself.
    """
    contexts = Contexts.of_models(request.language_models)
    data = read_data(request, progress=progress)
    fixed = request.fixed
    if fixed.config.get("crf") and fixed.plan.get("class_weights", "none") != "none":
        raise UsageError("--class-weights weighs words one by one, and a CRF takes sentences as a whole; leave one out")
    sizes = {"scheme": data.scheme, "language_size": contexts.size}
    words = [word for sentence in data.train for word in sentence.words]
    vocabulary, vectors = fitted_words(
        words, min_count=request.data.min_count, vectors=request.vectors, fixed=fixed.config, progress=progress
    )
    config = choose_sizes(fixed.config, **sizes, vector_size=None if vectors is None else vectors.shape[1])
    features = WordFeatures(vocabulary, config)
    plan = choose_plan(
        fixed.plan,
        words=len(words),
        sentences=len(data.train),
        vectors=vectors is not None,
        spans=data.scheme is not None,
        bidirectional=config.bidirectional,
    )
    plan = planned(
        plan, request, examples=len(data.train), try_threads=True, most_validations=MOST_EPOCHS, progress=progress
    )
    context = f", language models {config.language_size} -> {config.context_size}" if contexts.size else ""
    progress.say(
        f"network: {config.in_words}, characters {config.characters}{context}{', CRF' if config.crf else ''}; "
        f"{plan.in_words}"
    )
    return TagJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        features=features,
        vectors=vectors,
        ngrams=trained_ngrams(data, plan, progress),
        contexts=contexts,
    )


def resumed_job(
    request: TagRequest, *, folder: Path, config: TaggerConfig, plan: TagPlan, progress: Progress
) -> TagJob:
    """The job of an interrupted training: its tags and words lie in the folder."""
    files = model_folder.static_files(folder)
    data = read_data(request, tags=LabelSet.from_bytes(files[LABELS_FILE]), progress=progress)
    features = WordFeatures(Vocabulary.from_bytes(files[VOCABULARY_FILE]), config)
    return TagJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        features=features,
        ngrams=TagRegression.from_files(files, tags=len(data.tags)),
        contexts=Contexts.from_files(files),
    )


def trained_ngrams(
    data: TaggedData, plan: TagPlan, progress: Progress, *, start: TagRegression | None = None
) -> TagRegression | None:
    """The linear part, if the plan has one.

    Args:
        start: that of a tagger that goes on.
    """
    if not plan.ngrams:
        return None
    from elman.tasks.tag.ngram_training import fit_regression

    with progress.stage("training on n-grams"):
        return fit_regression(data.train, data.tags, seed=plan.seed, start=start)
