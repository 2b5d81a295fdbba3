"""The training of a text classifier."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.labels import LABELS_FILE, LabelSet
from elman.errors import UsageError
from elman.metrics.calibration import Reliability, fit_temperature
from elman.models.classifier_config import ClassifierConfig
from elman.models.network_config import NeuralConfig
from elman.models.ngram_regression import NgramRegression, mixed
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import read_tokenizer
from elman.system.machine import set_threads
from elman.tasks.classify.data import LabelledData, read_data
from elman.tasks.classify.evaluation import evaluate_part, trained_rivals
from elman.tasks.classify.model import TextClassifier, classifier_files
from elman.tasks.classify.plan import ClassifyPlan
from elman.tasks.classify.recipe import MOST_EPOCHS, choose_plan, choose_sizes
from elman.tasks.classify.request import ClassifyRequest
from elman.tasks.classify.texts import Targets, shortened
from elman.tasks.network_job import NetworkJob, fit_temperature_of, planned
from elman.tasks.vectors.type_vectors import check_size, type_vectors, words_with_vectors
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.models.classifier import Classifier
    from elman.training.objective import Arrays, Objective


_FEWEST_TO_CALIBRATE = 100
_MORE_WORDS = 10_000
"""Of a file of word vectors, the first so many words are types even if no example has them."""
_VECTOR_SPREAD = 0.5
"""The standard deviation of the numbers in word vectors."""
_USUAL_SHARE = 0.5
"""The share of n-grams if there are fewer examples to fit it on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyJob(NetworkJob):
    """The data, and where the first weights come from."""

    model = TextClassifier

    request: ClassifyRequest
    config: ClassifierConfig
    plan: ClassifyPlan
    data: LabelledData
    start: "Arrays | None" = None
    """Weights of a language model, by the classifier's names."""
    vectors: NDArray[np.float32] | None = None
    """Embeddings of the types ``[V, E]``."""
    ngrams: NgramRegression | None = None
    """The linear part."""

    def static_files(self) -> dict[str, bytes]:
        return classifier_files(self.data.tokenizer, self.data.labels, self.ngrams)

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of the pretrained weights."""
        if self.request.vectors is not None:
            return ("embedding.weight",)
        if self.plan.lower_rate < 1 or self.plan.frozen:
            stacks = [f"forward.layers.{layer}." for layer in range(self.config.layers)]
            names = list(self.make_network().weights())
            return (
                tuple(
                    name
                    for name in names
                    if name.startswith(("embedding.", "forward.skips", "forward.projection", *stacks))
                )
                if self._from_language_model
                else ()
            )
        return ()

    @property
    def _from_language_model(self) -> bool:
        return self.config.output_size is not None

    def make_network(self) -> "Classifier":
        from elman.models.classifier import Classifier

        return Classifier(self.config, self.data.tokenizer.size, len(self.data.labels))

    def begin(self, network: "Classifier") -> None:
        counts = np.array(self.data.labels.counts, np.float64)
        shares = None if self.config.multi_label else counts / counts.sum()
        network.begin(shares=shares, vectors=self.vectors, arrays=self.start)

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.tasks.classify.objective import ClassifyObjective

        assert isinstance(plan, ClassifyPlan)
        data = self.data
        return ClassifyObjective(
            self.config,
            plan,
            vocab=data.tokenizer.size,
            outputs=len(data.labels),
            train=data.train,
            valid=data.valid,
            start=start,
            taken=self.taken,
        )

    def more_facts(self) -> dict[str, Any]:
        tokenizer = self.data.tokenizer
        return {"tokenizer": {**tokenizer.config.to_json(), "hash": tokenizer.hash}}

    def figures(self, model: TextClassifier) -> dict[str, Any]:
        rivals, notes = trained_rivals(self.data, skip=not self.request.rival, progress=self.progress)
        return {
            name: evaluate_part(model, part, rivals=rivals, notes=notes).to_json()
            for name, part in (("valid", self.data.valid), ("test", self.data.test))
            if part is not None and part.rows
        }

    def write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        import torch

        from elman.inference.encoder_precision import likeliest, measured_encoder
        from elman.tasks.classify.ngram_training import fit_share
        from elman.tasks.classify.objective import predicted
        from elman.tasks.encoder_logits import network_logits, result_of

        data, targets = self.data, self.data.valid.targets
        arrays, network = self.trained_weights(), self.make_network()
        network.load_arrays(arrays)
        with torch.no_grad():
            logits = result_of(network_logits(network, data.valid.rows))
        enough = len(targets) >= _FEWEST_TO_CALIBRATE
        made = measured_encoder(
            arrays,
            self.config.encoder(),
            vocab_size=data.tokenizer.size,
            outputs=len(data.labels),
            texts=data.valid.rows,
            logits=logits,
            figure=lambda some: 100 * float((predicted(some, targets) == targets).mean()),
            predicted=(lambda logits: logits > 0) if self.config.multi_label else likeliest,
        )
        parity = self.store(made.network, made.parity)
        share = 0.0
        if self.ngrams is not None:
            linear = self.ngrams.logits(shortened(data.valid.texts, most=self.config.max_tokens))
            share = fit_share(logits, linear, targets) if enough else _USUAL_SHARE
            self.progress.say(f"n-grams: {100 * share:.0f}% of the answer")
            logits = mixed(logits, linear, share)
        found = fit_temperature_of(
            self.progress,
            count=len(targets),
            fewest=_FEWEST_TO_CALIBRATE,
            unit="examples",
            fit=lambda: fit_temperature(logits, targets),
            error=lambda cooled: _error(logits / cooled, targets),
        )
        return {**found, "ngrams": share}, parity


def _error(logits: NDArray[Any], targets: Targets) -> float:
    from elman.tasks.classify.ngram_training import probabilities

    return Reliability.measure(targets, probabilities(logits, targets)).error


def new_job(request: ClassifyRequest, *, folder: Path, start: Path | None, progress: Progress) -> ClassifyJob:
    """The job of a new training; ``start`` is a language model's folder.

    Raises:
        UsageError: ``start`` is not a network that models language, or the request contradicts it.
    """
    language_model = None
    if start is not None:
        kind, values = model_folder.read_config(start)
        if entry(kind).task != "language" or entry(kind).plan is None:
            raise UsageError(
                f"{start} is a {kind}; a classifier can only start from a language model that is a network"
            )
        if request.vectors is not None:
            raise UsageError("--from and --vectors both set the first embeddings; give one of them")
        for name in ("level", "min_count", "vocab_size"):
            if getattr(request.data, name) != getattr(type(request.data)(), name):
                raise UsageError(f"--from keeps the model's tokens; leave out --{name.replace('_', '-')}")
        language_model = NeuralConfig.from_json(values)
    tokenizer = None if start is None else read_tokenizer(start)
    more = () if request.vectors is None else words_with_vectors(request.vectors, _MORE_WORDS, progress=progress)
    data = read_data(request, tokenizer=tokenizer, more=more, progress=progress)
    vectors = None
    if request.vectors is not None:
        vectors = _vectors(request.vectors, data, progress)
    check_size(request.fixed.config, vectors, request.vectors)
    given = {**request.fixed.config, "multi_label": request.data.multi_label, "max_tokens": request.data.max_tokens}
    config = choose_sizes(
        given, language_model=language_model, vector_size=None if vectors is None else vectors.shape[1]
    )
    plan = choose_plan(request.fixed.plan, examples=len(data.train.rows), vectors=vectors is not None)
    plan = planned(
        plan,
        request,
        examples=len(data.train.rows),
        try_threads=True,
        most_validations=MOST_EPOCHS,
        progress=progress,
    )
    _tell_weights(data, plan, progress)
    arrays = None
    if start is not None and language_model is not None:
        from elman.models.encoder_start import arrays_from_language_model

        lm = model_folder.read_arrays(start / model_folder.WEIGHTS_FILE)
        arrays = arrays_from_language_model(lm, language_model, config.encoder())
    progress.say(f"network: {config.in_words}, pooling {config.pooling}; {plan.in_words}")
    return ClassifyJob(
        request=request,
        folder=folder,
        progress=progress,
        config=config,
        plan=plan,
        data=data,
        start=arrays,
        vectors=vectors,
        ngrams=_ngrams(data, config, plan, progress) if plan.ngrams else None,
    )


def _vectors(path: str, data: LabelledData, progress: Progress) -> NDArray[np.float32]:
    """Embeddings of the types; those of types without a vector are zero, for fixed random numbers
    would say something.

    Raises:
        UsageError: no word of the examples has a vector.
    """
    vectors = type_vectors(path, data.tokenizer.tokens, spread=0.0, progress=progress)
    known = (vectors != 0).any(axis=1)
    if not np.asarray(known)[np.unique(np.concatenate(data.train.rows))].any():
        raise UsageError(f"{path} has no vector for any of the words in the examples; is it for another language?")
    return vectors * np.float32(_VECTOR_SPREAD / vectors[known].std())


def resumed_job(
    request: ClassifyRequest, *, folder: Path, config: ClassifierConfig, plan: ClassifyPlan, progress: Progress
) -> ClassifyJob:
    """The job of an interrupted training: its labels and tokens lie in the folder."""
    files = model_folder.static_files(folder)
    labels = LabelSet.from_bytes(files[LABELS_FILE])
    data = read_data(request, tokenizer=read_tokenizer(folder), labels=labels, progress=progress)
    ngrams = NgramRegression.from_files(files, labels=len(labels))
    return ClassifyJob(
        request=request, folder=folder, progress=progress, config=config, plan=plan, data=data, ngrams=ngrams
    )


def _ngrams(
    data: LabelledData, config: ClassifierConfig, plan: ClassifyPlan, progress: Progress
) -> NgramRegression | None:
    from elman.tasks.classify.ngram_training import fit_ngrams
    from elman.tasks.classify.objective import class_weights

    set_threads(plan.threads)
    train, valid = (
        part._replace(texts=shortened(part.texts, most=config.max_tokens)) for part in (data.train, data.valid)
    )
    weights = class_weights(train.targets, len(data.labels), plan.class_weights)
    with progress.stage("training on n-grams"):
        return fit_ngrams(train, valid, labels=len(data.labels), class_weights=weights)


def _tell_weights(data: LabelledData, plan: ClassifyPlan, progress: Progress) -> None:
    from elman.tasks.classify.objective import class_weights

    weights = class_weights(data.train.targets, len(data.labels), plan.class_weights)
    if weights is not None:
        order = np.argsort(-weights)[:5]
        shown = ", ".join(f"{data.labels.names[label]} {weights[label]:.2g}" for label in order.tolist())
        progress.say(f"unbalanced labels: rare ones count more ({shown}; --class-weights none changes that)")
