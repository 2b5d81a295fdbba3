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
from elman.system.machine import available_cores, choose_device, choose_precision, set_threads
from elman.tasks.classify.data import LabelledData, read_data
from elman.tasks.classify.evaluation import evaluate_part, trained_rivals
from elman.tasks.classify.model import classifier_files, load
from elman.tasks.classify.plan import ClassifyPlan
from elman.tasks.classify.recipe import MOST_EPOCHS, choose_plan, choose_sizes
from elman.tasks.classify.request import ClassifyRequest
from elman.tasks.classify.texts import Targets, shortened
from elman.tasks.job import Job
from elman.tasks.vectors.type_vectors import check_size, type_vectors, words_with_vectors
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective


_FEWEST_TO_CALIBRATE = 100
_MORE_WORDS = 10_000
"""Of a file of word vectors, the first so many words are types even if no example has them."""
_VECTOR_SPREAD = 0.5
"""The standard deviation of the numbers in word vectors."""
_USUAL_SHARE = 0.5
"""The share of n-grams if there are fewer examples to fit it on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyJob(Job):
    """The data, and where the first weights come from."""

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

    @property
    def data_hash(self) -> str:
        return self.data.hash

    def static_files(self) -> dict[str, bytes]:
        return classifier_files(self.data.tokenizer, self.data.labels, self.ngrams)

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of the pretrained weights."""
        if self.request.vectors is not None:
            return ("embedding.weight",)
        if self.plan.lower_rate < 1 or self.plan.frozen:
            stacks = [f"forward.layers.{layer}." for layer in range(self.config.layers)]
            names = self._names()
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

    def _names(self) -> list[str]:
        from elman.models.classifier import Classifier

        return list(Classifier(self.config, self.data.tokenizer.size, len(self.data.labels)).weights())

    def first_weights(self) -> "Arrays":
        import torch

        from elman.models.classifier import Classifier

        torch.manual_seed(self.plan.seed)
        network = Classifier(self.config, self.data.tokenizer.size, len(self.data.labels))
        labels = self.data.labels
        counts = np.array(labels.counts, np.float64)
        shares = None if self.config.multi_label else counts / counts.sum()
        network.begin(shares=shares, vectors=self.vectors, arrays=self.start)
        return network.to_arrays()

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

    def finish(self) -> dict[str, Any]:
        calibration, parity = self._write_inference()
        model = load(self.folder, finished=False)
        model.temperature, model.share = calibration["temperature"], calibration["ngrams"]
        data, figures = self.data, {}
        rivals, notes = trained_rivals(data, skip=not self.request.rival, progress=self.progress)
        for name, part in (("valid", data.valid), ("test", data.test)):
            if part is not None and part.rows:
                figures[name] = evaluate_part(model, part, rivals=rivals, notes=notes).to_json()
        weights = model_folder.weights_digest(self.folder)
        about = {**model.describe(), "parameters": self._parameters(), "hash": weights}
        return {
            "model": about,
            "data": {"sources": list(self.request.sources), **data.about()},
            "tokenizer": {**data.tokenizer.config.to_json(), "hash": data.tokenizer.hash},
            "notes": list(data.notes),
            "calibration": calibration,
            "inference": parity,
            "figures": figures,
        }

    def _write_inference(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Measure the network on the validation part, and write its file for the inference
        engine."""
        import torch

        from elman.inference.encoder_precision import likeliest, measured_encoder
        from elman.models.classifier import Classifier
        from elman.tasks.classify.ngram_training import fit_share
        from elman.tasks.classify.objective import predicted
        from elman.tasks.encoder_logits import network_logits, result_of

        data, targets = self.data, self.data.valid.targets
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        network = Classifier(self.config, data.tokenizer.size, len(data.labels))
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
        size = model_folder.write_inference(
            self.folder, made.encoder.to_arrays(), config=made.encoder.config.to_json(), parity=made.parity
        )
        self.progress.say(f"{model_folder.INFERENCE_FILE}: {made.parity['precision']}, {size / 1e6:.2f} MB")
        share = 0.0
        if self.ngrams is not None:
            linear = self.ngrams.logits(shortened(data.valid.texts, most=self.config.max_tokens))
            share = fit_share(logits, linear, targets) if enough else _USUAL_SHARE
            self.progress.say(f"n-grams: {100 * share:.0f}% of the answer")
            logits = mixed(logits, linear, share)
        temperature = fit_temperature(logits, targets) if enough else 1.0
        if not enough:
            self.progress.say(
                f"not calibrated: {len(targets)} examples of the validation part are too few to fit a temperature"
            )
        before, after = (_error(logits / cooled, targets) for cooled in (1.0, temperature))
        if enough:
            self.progress.say(
                f"calibrated: temperature {temperature:.2f}; expected calibration error on the validation part "
                f"{100 * before:.1f}% before, {100 * after:.1f}% after"
            )
        calibration = {"temperature": temperature, "ngrams": share, "error_before": before, "error_after": after}
        return calibration, {**made.parity, "bytes": size}

    def _parameters(self) -> int:
        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        return sum(int(array.size) for array in arrays.values())


def _error(logits: NDArray[Any], targets: Targets) -> float:
    from elman.tasks.classify.ngram_training import probabilities

    return Reliability.measure(targets, probabilities(logits, targets)).error


def new_job(request: ClassifyRequest, *, folder: Path, start: Path | None, progress: Progress) -> ClassifyJob:
    """The job of a new training; ``start`` is a language model's folder.

    Raises:
        UsageError: ``start`` is not a network that models language, or the request contradicts it.
    """
    from elman.training.calibrate import choose_threads

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
    precision = choose_precision(request.precision, device=choose_device(plan.device))
    cores = available_cores()
    threads = request.threads or (
        cores if request.default_minutes is None else choose_threads(cores, precision=precision, progress=progress)
    )
    plan = plan.replace(precision=precision, threads=threads)
    per_epoch = -(-len(data.train.rows) // plan.batch)
    if request.updates is not None:
        plan = plan.replace(updates=request.updates)
    if request.epochs is not None:
        plan = plan.replace(updates=max(1, round(request.epochs * per_epoch)))
        plan = plan.replace(validations=max(1, min(round(request.epochs), MOST_EPOCHS)))
    _tell_weights(data, plan, progress)
    arrays = None
    if start is not None and language_model is not None:
        from elman.models.encoder_start import arrays_from_language_model

        lm = model_folder.read_arrays(start / model_folder.WEIGHTS_FILE)
        arrays = arrays_from_language_model(lm, language_model, config.encoder())
    progress.say(
        f"network: {config.cell}, layers {config.layers_in_words}"
        f"{' in two directions' if config.bidirectional else ''}, embedding {config.embedding_size}, pooling "
        f"{config.pooling}; batch {plan.batch}, {plan.optimizer} at {plan.rate:g}, {precision}, {threads} threads"
    )
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
    """The job of an interrupted training: its labels and tokens lie in the folder.

    Raises:
        UsageError: the data came from standard input.
    """
    if "-" in (*request.sources, *request.valid, *request.test):
        raise UsageError("the examples came from standard input and are gone; train again, from a file")
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
