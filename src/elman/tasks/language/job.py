"""The training of a language model: of a network by gradients, of an n-gram by counting."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.level_choice import MUCH_UNKNOWN
from elman.data.preprocessing import Data, DataConfig, prepare_data
from elman.decode.line_nats import LineNats
from elman.errors import UsageError
from elman.evaluation.language import evaluate_text
from elman.models.network_config import NeuralConfig
from elman.models.ngram.query import NgramConfig
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, resolve
from elman.progress import Progress
from elman.report.curve import read_log
from elman.storage import folder as model_folder
from elman.storage.language import language_files, read_speller, read_tokenizer, write_measured
from elman.system.cluster import workers
from elman.system.machine import available_cores, choose_device, choose_precision
from elman.tasks.job import Job
from elman.tasks.language.estimate import say_estimate
from elman.tasks.language.plan import LanguagePlan
from elman.tasks.language.request import LanguageRequest, bytes_of
from elman.tasks.vectors.type_vectors import check_size, type_vectors
from elman.text.store import Text
from elman.text.tokenizer import TokenizerConfig
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective, Observer


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageJob(Job):
    """What both have in common: the text, and how the model is measured on it."""

    request: LanguageRequest
    data: Data

    @property
    def data_hash(self) -> str:
        return self.data.corpus.hash

    def static_files(self) -> dict[str, bytes]:
        return language_files(self.data.tokenizer, self.data.speller)

    @property
    def held_out(self) -> dict[str, Text]:
        """The held-out texts by name."""
        corpus = self.data.corpus
        return {name: text for name, text in (("valid", corpus.valid), ("test", corpus.test)) if text is not None}

    def measured(self, model: LanguageModel, *, by_line: Mapping[str, LineNats] | None = None) -> dict[str, Any]:
        """The model card except recipe and machine: the model, its text and its figures.

        ``by_line`` collects the losses of the lines of held-out texts.
        """
        data, corpus, collected = self.data, self.data.corpus, by_line or {}
        figures = {
            name: evaluate_text(
                model, data.speller, text, context="document", progress=self.progress, by_line=collected.get(name)
            )
            for name, text in self.held_out.items()
        }
        return {
            "model": {**model.describe(), "hash": model.model_hash, "vocabulary": data.tokenizer.size},
            "data": {
                "sources": list(self.request.sources),
                "hash": corpus.hash,
                "train": {**(_about(corpus.train) or {}), "tokens": len(data.train.ids)},
                "valid": _about(corpus.valid),
                "test": _about(corpus.test),
            },
            "tokenizer": {**data.tokenizer.config.to_json(), "hash": data.tokenizer.hash},
            "notes": list(getattr(model, "notes", [])),
            "growth": list(getattr(model, "growth", [])),
            "figures": figures,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class CountingJob(LanguageJob):
    """An n-gram."""

    config: NgramConfig
    plan: None = None

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        raise AssertionError("an n-gram is counted")

    def finish(self) -> dict[str, Any]:
        from elman.tasks.language.count import count

        limit = None if self.request.max_ram is None else bytes_of(self.request.max_ram)
        model = count(
            self.data, self.config, folder=self.folder, cache=self.request.cache, max_ram=limit, progress=self.progress
        )
        return self.measured(model)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageNetworkJob(LanguageJob):
    """A network."""

    config: NeuralConfig
    plan: LanguagePlan
    start: "Arrays | None" = None
    """The weights of the model that it continues from (``--from``)."""
    vectors: NDArray[np.float32] | None = None
    """What embeddings begin as (``--vectors``), ``[V, E]``."""

    def first_weights(self) -> "Arrays":
        if self.start is not None:
            return self.start
        from elman.tasks.language.weight_initialisation import first_weights

        data = self.data
        return first_weights(
            self.config, self.plan, data.train.ids, data.tokenizer.size, vectors=self.vectors, progress=self.progress
        )

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        from elman.tasks.language.objective import LanguageObjective

        assert isinstance(plan, LanguagePlan)
        data = self.data
        return LanguageObjective(
            self.config,
            plan,
            vocab=data.tokenizer.size,
            speller=data.speller,
            train=data.train,
            valid=data.valid,
            start=start,
        )

    def observer(self) -> "Observer | None":
        if not self.request.xray:
            return None
        from elman.tasks.language.gradient_log import GradientLog

        ids = self.data.valid.ids
        return GradientLog(self.folder / "training", ids, clip=self.plan.clip, progress=self.progress)

    def finish(self) -> dict[str, Any]:
        from elman.models.neural import NeuralModel

        arrays = model_folder.read_arrays(self.folder / model_folder.WEIGHTS_FILE)
        model = NeuralModel.from_arrays(arrays, self.data.tokenizer, self.config)
        # The text that had no influence on the model, if there is one.
        name, by_line = list(self.held_out)[-1], LineNats()
        card = self.measured(model, by_line={name: by_line} if self.request.rival else None)
        log = read_log(self.folder / "training" / "log.jsonl")
        card["epochs"] = next((entry["epoch"] for entry in reversed(log) if "epoch" in entry), None)
        card["rival"] = self._against_ngram(name, by_line, log) if self.request.rival else None
        card["inference"] = write_measured(self.folder, model, self.data.valid.ids, progress=self.progress)
        return card

    def _against_ngram(self, name: str, by_line: LineNats, log: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        from elman.evaluation.counted_rival import against_ngram
        from elman.tasks.language.advice import minutes_to_gain

        data = self.data
        rival = against_ngram(
            by_line.values,
            train=data.train,
            tokenizer=data.tokenizer,
            speller=data.speller,
            text=self.held_out[name],
            progress=self.progress,
        )
        curve = [(entry["seconds"], entry["valid_bits_per_byte"]) for entry in log if "valid_bits_per_byte" in entry]
        gain = 0.0 if rival["worse_by"] is None else rival["worse_by"]["value"]
        return {**rival, "text": name, "minutes": minutes_to_gain(curve, gain) if gain > 0 else None}


def _about(text: Text | None) -> dict[str, Any] | None:
    if text is None:
        return None
    return {"sha256": text.sha256, "bytes": text.bytes, "lines": text.lines, "documents": text.document_count}


def read_data(request: LanguageRequest, *, start: Path | None, progress: Progress) -> Data:
    """The text of a new training; ``start`` is a model whose vocabulary is kept and extended."""
    counted = resolve(entry(request.kind).config) if entry(request.kind).counted else None

    def before(text: Text, wanted: TokenizerConfig) -> None:
        order = None if counted is None else counted.for_level(wanted.level, **request.fixed.config).order
        say_estimate(text, wanted, order=order, workers=workers(), progress=progress)

    data = prepare_data(
        request.sources,
        valid=request.valid,
        test=request.test,
        config=request.data,
        cache=request.cache,
        tokenizer=None if start is None else read_tokenizer(start),
        speller=None if start is None else read_speller(start),
        grow=True,
        progress=progress,
        workers=workers(),
        before=before,
    )
    corpus, tokenizer = data.corpus, data.tokenizer
    held = ", ".join(
        f"{text.bytes / 1e6:.2f} MB {name}"
        for name, text in (("validation", corpus.valid), ("test", corpus.test))
        if text
    )
    progress.say(
        f"text: {corpus.train.bytes / 1e6:.2f} MB training, {held} (hash {corpus.hash[:12]}); "
        f"level {tokenizer.config.level}, {tokenizer.size} types, {len(data.train.ids)} training tokens, "
        f"{data.train.oov} of them unknown"
    )
    unknown = data.valid.oov / max(len(data.valid.ids), 1)
    if unknown > MUCH_UNKNOWN:
        progress.say(
            f"note: {100 * unknown:.0f}% of the tokens of the validation text are unknown; --level subword has none, "
            "and more text or a lower --min-count leaves fewer"
        )
    return data


def reread_data(request: LanguageRequest, *, folder: Path, data_hash: str, progress: Progress) -> Data:
    """The text of an interrupted training, cut into tokens as it was."""
    return prepare_data(
        request.sources,
        valid=request.valid,
        test=request.test,
        prepared=data_hash if "-" in (*request.sources, *request.valid, *request.test) else None,
        config=request.data,
        cache=request.cache,
        tokenizer=read_tokenizer(folder),
        speller=read_speller(folder),
        grow=False,
        progress=progress,
    )


def check_start(request: LanguageRequest, start: Path) -> None:
    """Refuse settings that cannot change when training continues from a model.

    Raises:
        UsageError: another kind of model, other tokens, other sizes.
    """
    kind = model_folder.read_config(start)[0]
    if request.vectors is not None:
        raise UsageError("--from and --vectors both say what embeddings begin as; give one of them")
    if kind != request.kind:
        raise UsageError(f"{start} is a model of kind {kind}; --from continues with the same kind: add --model {kind}")
    for name in (
        "level",
        "pretokenized",
        "lowercase",
        "locale",
        "compatibility",
        "direction",
        "min_count",
        "vocab_size",
    ):
        if getattr(request.data, name) != getattr(DataConfig(), name):
            raise UsageError(f"--from keeps the model's tokens; leave out --{name.replace('_', '-')}")


def read_vectors(request: LanguageRequest, data: Data, *, progress: Progress) -> NDArray[np.float32] | None:
    """What embeddings begin as; None where the user names no vectors."""
    if request.vectors is None:
        return None
    return type_vectors(request.vectors, data.tokenizer.tokens, spread=1.0, progress=progress)


def plan_network(
    request: LanguageRequest,
    data: Data,
    *,
    start: Path | None,
    vectors: NDArray[np.float32] | None,
    progress: Progress,
) -> tuple[NeuralConfig, LanguagePlan, "Arrays | None"]:
    """Sizes, plan and, if training continues from a model, the first weights.

    Args:
        vectors: the first embeddings, which also give their size.
    """
    from elman.models.neural import grow_arrays
    from elman.tasks.language.recipe import RecipeInputs, choose, flop_per_token, updates_for_epochs
    from elman.training.calibrate import choose_threads, machine_rate

    sizes, fixed = dict(request.fixed.config), request.fixed.plan
    check_size(sizes, vectors, request.vectors)
    if vectors is not None:
        sizes["embedding_size"] = vectors.shape[1]
    precision = choose_precision(request.precision, device=choose_device(str(fixed.get("device", "auto"))))
    minutes, cores = request.default_minutes, available_cores()
    threads = request.threads or (
        cores if minutes is None else choose_threads(cores, precision=precision, progress=progress)
    )
    tokens = len(data.train.ids)
    weights = None
    if start is not None:
        old = NeuralConfig.from_json(model_folder.read_config(start)[1])
        changed = [name for name, value in sizes.items() if getattr(old, name) != value]
        if changed:
            raise UsageError(f"--from keeps the model's sizes; leave out --{changed[0].replace('_', '-')}")
        if fixed.get("forget_bias") is not None:
            raise UsageError("--from continues with the model's own forget gates; leave out --forget-bias")
        sizes = {**old.to_json(), "projection": old.projection}
        arrays = model_folder.read_arrays(start / model_folder.WEIGHTS_FILE)
        weights = grow_arrays(arrays, read_tokenizer(start).size, data.tokenizer.size)
    epochs = request.epochs or (request.updates or 0) * fixed.get("batch", 20) * fixed.get("bptt", 35) / tokens
    inputs = RecipeInputs(
        kind=request.kind,
        tokens=tokens,
        vocab_size=data.tokenizer.size,
        level=data.tokenizer.config.level,
        budget=None if minutes is None else 60 * minutes * machine_rate(precision=precision, threads=threads),
        epochs=epochs,
    )
    config, settings = choose(inputs, config=sizes, plan=dict(fixed))
    if request.xray and config.seen:
        raise UsageError(
            f"--xray records gradients through time, and a {config.cell} network sees only its window: leave it out"
        )
    run: dict[str, Any] = {"updates": request.updates or 1, "threads": threads, "precision": precision, **settings}
    plan = LanguagePlan(**run)
    if request.epochs is not None:
        plan = plan.replace(updates=updates_for_epochs(request.epochs, tokens, plan))
    progress.say(
        f"network: {config.cell}, layers {config.layers_in_words}, embedding {config.embedding_size}, "
        f"{flop_per_token(config, data.tokenizer.size) / 6e6:.1f} M weights in products; batch {plan.batch}, "
        f"{plan.optimizer} at {plan.rate:g}, dropout {plan.dropout:g}, {precision}, {threads} threads"
    )
    return config, plan, weights
