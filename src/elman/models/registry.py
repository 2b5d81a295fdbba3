"""The registry of model kinds of all tasks: one line each, imported on first use."""

import dataclasses
import importlib
from typing import Any

from elman.cells.registry import CELLS, HOW_TO_ADD
from elman.errors import MissingExtra, UsageError
from elman.system.machine import NO_TORCH
from elman.system.plugins import import_plugins


@dataclasses.dataclass(frozen=True)
class Entry:
    """One kind of model; dotted names are ``module:attribute``."""

    task: str
    """The task that trains and loads it (``elman.tasks.registry``)."""
    config: str
    """The Config dataclass."""
    model: str
    """The class of its models, with ``from_arrays(arrays, ..., config)`` and ``to_arrays()``."""
    plan: str | None = None
    """The Plan dataclass of kinds trained by gradients; None for others."""
    counted: bool = False
    """Whether it is trained by counting."""
    resumes: bool = False
    """Whether its job, which is not the gradient loop, keeps checkpoints and goes on from them."""
    working: tuple[str, ...] = ()
    """Patterns of the names of files of ``training/`` that such a job leaves there while it
    works."""
    preset: tuple[tuple[str, Any], ...] = ()
    """Fields of the config that this name fixes."""
    files: tuple[str, ...] = ()
    """The files besides ``config.json`` that stay the same while the weights change."""
    optional: tuple[str, ...] = ()
    """Such files that only some of its models have."""
    mapped: bool = False
    """Whether its arrays are mapped from the file and never written to."""

    @property
    def learns(self) -> bool:
        """Whether it is trained by gradients, so by torch, rather than counted."""
        return self.plan is not None

    @property
    def trainable(self) -> bool:
        """Whether it is trained from data, and not made of other models."""
        return self.learns or self.counted or self.resumes


_LANGUAGE_FILES = ("tokenizer.json", "tokenizer_config.json", "speller.safetensors")
_NETWORK = Entry(
    "language",
    "elman.models.network_config:NeuralConfig",
    "elman.models.neural:NeuralModel",
    plan="elman.tasks.language.plan:LanguagePlan",
    files=_LANGUAGE_FILES,
)


def _language(config: str, model: str, **more: Any) -> Entry:
    return Entry("language", f"elman.{config}", f"elman.{model}", files=_LANGUAGE_FILES, **more)


_OTHERS: dict[str, Entry] = {
    "ngram": _language("models.ngram.query:NgramConfig", "models.ngram.query:NgramModel", counted=True, mapped=True),
    "mixture": _language("models.combine:MixtureConfig", "models.combine:Mixture"),
    "cache": _language("models.cache:CacheConfig", "models.cache:NeuralCache"),
    "dynamic": _language("models.dynamic:DynamicConfig", "models.dynamic:DynamicEvaluation"),
    "inference": _language("inference.model:InferenceConfig", "inference.model:InferenceModel"),
    "classifier": Entry(
        "classify",
        "elman.models.classifier_config:ClassifierConfig",
        "elman.inference.encoder:InferenceEncoder",
        plan="elman.tasks.classify.plan:ClassifyPlan",
        files=("tokenizer.json", "tokenizer_config.json", "labels.json"),
        optional=("ngrams.safetensors",),
    ),
    "dual-encoder": Entry(
        "reply",
        "elman.models.reply_config:ReplyConfig",
        "elman.inference.encoder:InferenceEncoder",
        plan="elman.tasks.reply.plan:ReplyPlan",
        files=("tokenizer.json", "tokenizer_config.json", "replies.tsv"),
    ),
    "reader": Entry(
        "answer",
        "elman.models.reader_config:ReaderConfig",
        "elman.inference.reader:InferenceReader",
        plan="elman.tasks.answer.plan:AnswerPlan",
        files=("vocabulary.tsv",),
    ),
    "tagger": Entry(
        "tag",
        "elman.models.tagger_config:TaggerConfig",
        "elman.inference.tagger:InferenceTagger",
        plan="elman.tasks.tag.plan:TagPlan",
        files=("vocabulary.tsv", "labels.json", "word_rules.json"),
        optional=("contexts.safetensors", "ngrams.safetensors"),
    ),
    "outcome": Entry(
        "outcome",
        "elman.models.outcome_config:OutcomeConfig",
        "elman.inference.outcome:InferenceOutcome",
        plan="elman.tasks.outcome.plan:OutcomePlan",
        files=("columns.json",),
    ),
    "forecaster": Entry(
        "forecast",
        "elman.models.forecaster_config:ForecasterConfig",
        "elman.inference.forecaster:InferenceForecaster",
        plan="elman.tasks.forecast.plan:ForecastPlan",
        files=("series.json",),
    ),
    "translator": Entry(
        "translate",
        "elman.models.translator_config:TranslatorConfig",
        "elman.inference.translator:InferenceTranslator",
        plan="elman.tasks.translate.plan:TranslatePlan",
        files=("tokenizer.json", "tokenizer_config.json"),
        optional=("source_tokenizer.json", "source_tokenizer_config.json"),
    ),
    "captioner": Entry(
        "caption",
        "elman.models.captioner_config:CaptionerConfig",
        "elman.inference.captioner:InferenceCaptioner",
        plan="elman.tasks.decoder_plan:DecoderPlan",
        files=("tokenizer.json", "tokenizer_config.json", "pictures.json"),
    ),
    "vectors": Entry(
        "vectors",
        "elman.models.vectors.config:VectorsConfig",
        "elman.models.word_vectors:WordVectors",
        resumes=True,
        working=("words.*", "pairs.*", "pairs-*", "shuffled-*"),
        files=("vocabulary.tsv",),
        mapped=True,
    ),
    "stored-vectors": Entry(
        "vectors",
        "elman.models.vectors.stored:StoredVectorsConfig",
        "elman.models.word_vectors:WordVectors",
        files=("vocabulary.tsv",),
        mapped=True,
    ),
    "tfidf": Entry(
        "vectors",
        "elman.models.documents_config:TfidfConfig",
        "elman.models.documents:TfidfDocuments",
        counted=True,
        files=("vocabulary.tsv", "documents.json"),
    ),
    "index": Entry(
        "vectors", "elman.apps.ranking.analysis:AnalysisConfig", "elman.apps.ranking.index:Index", mapped=True
    ),
    "tempered": _language("models.temperature:TemperedConfig", "models.temperature:Tempered"),
}


def register_kind(name: str, kind: Entry) -> None:
    """Add a kind of model; its task must be registered too
    (``elman.tasks.registry.register_task``).

    Raises:
        UsageError: the name is taken.
    """
    if _OTHERS.get(name, kind) != kind or name in CELLS:
        raise UsageError(f"a model of kind {name!r} is registered already; choose another name")
    _OTHERS[name] = kind


def entry(name: str) -> Entry:
    """The entry of a kind of model; every registered cell is one.

    Raises:
        UsageError: no such kind.
    """
    if not is_known(name):
        raise UsageError(f"model {name!r} is not known; choose one of: {list_kinds()}")
    return _OTHERS[name] if name in _OTHERS else dataclasses.replace(_NETWORK, preset=(("cell", name),))


def is_known(name: str) -> bool:
    """Whether there is such a kind; an unknown name first lets modules register their cells."""
    if name not in _OTHERS and name not in CELLS:
        import_plugins()
    return name in _OTHERS or name in CELLS


def known() -> list[str]:
    """Every kind there is."""
    return [*CELLS, *_OTHERS]


def list_kinds() -> str:
    """All kinds, and how to add one, for error messages."""
    return f"{', '.join(known())}; {HOW_TO_ADD}"


def trainable(task: str = "language") -> list[str]:
    """The kinds that can be trained for a task, including cells registered by others."""
    import_plugins()
    return [name for name in known() if entry(name).task == task and entry(name).trainable]


def resolve(dotted: str) -> Any:
    """Import what ``module:attribute`` names.

    >>> resolve("elman.metrics.language:Tally").__name__
    'Tally'
    """
    module, _, attribute = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra(NO_TORCH) from error


def kind_of(model: Any) -> str:
    """The name under which a model is registered; its ``describe`` may say more."""
    return getattr(model, "kind", None) or model.describe()["name"]
