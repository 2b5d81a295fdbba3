"""From texts to a model folder: where data, recipe, fitting, evaluation and the passport meet."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from elman import folder as model_folder
from elman.config import Config
from elman.data.prepare import Data, DataConfig, prepare_data
from elman.decode.scoring import evaluate, token_log_probs, token_stream
from elman.errors import TrainingError, UsageError
from elman.machine import available_cores, cache_folder, choose_precision, fingerprint, require_torch, version
from elman.metrics import signature
from elman.models.combine import fit_weights
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, is_network, resolve, trainable
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.spool import Text

DEFAULT_MINUTES = 5.0
PRECISIONS = ("auto", "bf16", "fp32")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, kept in the folder so that resuming needs nothing else."""

    kind: str
    sources: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    data: DataConfig = DataConfig()
    minutes: float | None = None
    epochs: float | None = None
    updates: int | None = None
    precision: str = "auto"
    threads: int | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        given = [name for name in ("minutes", "epochs", "updates") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} both set the length of training; give one of them")
        if self.minutes is not None and not 0.01 <= self.minutes <= 60 * 24 * 365:
            raise UsageError(f"--minutes is {self.minutes:g}; it must be at least 0.01 (0.6 s): try --minutes 5")
        if self.epochs is not None and not 0 < self.epochs <= 1e6:
            raise UsageError(f"--epochs is {self.epochs:g}; it must be above 0: try --epochs 10")
        if self.updates is not None and self.updates < 1:
            raise UsageError(f"--updates is {self.updates}; it must be 1 or more")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"--threads is {self.threads}; it must be 1 or more")
        if self.precision not in PRECISIONS:
            raise UsageError(f"--precision is {self.precision!r}; it must be one of: {', '.join(PRECISIONS)}")

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {**dataclasses.asdict(self), "data": self.data.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Request":
        """Rebuild from ``to_json``."""
        lists = {name: tuple(values[name]) for name in ("sources", "valid", "test")}
        return cls(**{**values, **lists, "data": DataConfig.from_json(values["data"])})


def train_model(
    request: Request, *, out: Path, settings: Mapping[str, Any], start: Path | None, progress: Progress
) -> None:
    """Train a model into the new folder ``out``.

    Args:
        settings: fields of the model's configuration and of the plan that the user fixed.
        start: a model folder to go on from (``--from``).

    Raises:
        ElmanError: whatever is wrong, in one line; Interrupted on Ctrl-C.
    """
    if request.kind not in trainable():
        raise UsageError(f"--model is {request.kind!r}; it must be one of: {', '.join(trainable())}")
    network = is_network(request.kind)
    if network:
        require_torch()
    elif request.minutes or request.epochs or request.updates:
        raise UsageError("an n-gram is counted, not trained for a time; leave out --minutes, --epochs and --updates")
    if start is not None and not network:
        raise UsageError("an n-gram cannot go on from a model; train it on the old and the new text together")
    if start is not None:
        _same_kind(start, request)
    shape, course = _sort_settings(request.kind, settings)
    data = prepare_data(
        request.sources,
        valid=request.valid,
        test=request.test,
        config=request.data,
        cache=cache_folder(),
        tokenizer=None if start is None else model_folder.read_tokenizer(start),
        speller=None if start is None else model_folder.read_speller(start),
        grow=True,
        progress=progress,
    )
    _tell_data(data, progress)
    model_folder.create(out)
    try:
        run = _plan(request, out, data, shape, course, start, progress)
    except BaseException:
        _remove_if_empty(out)
        raise
    _fit(run, request, data)


def resume_model(out: Path, *, progress: Progress) -> None:
    """Go on with an interrupted training, bit for bit as if it had not stopped.

    Raises:
        TrainingError: nothing to resume, or the texts have changed.
    """
    from elman.training.checkpoint import read_plan
    from elman.training.run import Plan, Run

    kind, values = model_folder.read_config(out)
    if not is_network(kind):
        raise UsageError("an n-gram is counted in one go; there is nothing to resume: train it again")
    require_torch()
    record = read_plan(out / "training")
    request = Request.from_json(record["request"])
    plan = Plan.from_json(record["plan"])
    now = fingerprint(threads=plan.threads, precision=plan.precision)
    for name, then in record["fingerprint"].items():
        if now.get(name) != then:
            progress.say(
                f"warning: {name} was {then}, is now {now.get(name)}; the model will not be bit for bit the same"
            )
    speller = model_folder.read_speller(out)
    data = prepare_data(
        request.sources,
        valid=request.valid,
        test=request.test,
        config=request.data,
        cache=cache_folder(),
        tokenizer=model_folder.read_tokenizer(out),
        speller=speller,
        grow=False,
        progress=progress,
    )
    if data.corpus.hash != record["corpus"]:
        raise TrainingError(
            f"the texts have changed since {out} began training; put them back, or start a new model with --from {out}"
        )
    config = resolve(entry(kind).config).from_json(values)
    run = Run(
        folder=out,
        kind=kind,
        config=config,
        tokenizer=data.tokenizer,
        speller=speller,
        train=data.train,
        valid=data.valid,
        progress=progress,
        plan=plan,
        resume=True,
        tensorboard=request.tensorboard,
    )
    _fit(run, request, data)


def _plan(
    request: Request,
    out: Path,
    data: Data,
    shape: dict[str, Any],
    course: dict[str, Any],
    start: Path | None,
    progress: Progress,
) -> Any:
    """Fix everything before the first update, and write it down."""
    from elman.training.checkpoint import write_plan
    from elman.training.run import Run

    found = entry(request.kind)
    weights = None
    if is_network(request.kind):
        config, plan, weights = _plan_network(request, data, shape, course, start, progress)
    else:
        config, plan = resolve(found.config)(**shape), None
    run = Run(
        folder=out,
        kind=request.kind,
        config=config,
        tokenizer=data.tokenizer,
        speller=data.speller,
        train=data.train,
        valid=data.valid,
        progress=progress,
        plan=plan,
        start=weights,
        tensorboard=request.tensorboard,
    )
    if plan is not None and request.updates is None and request.epochs is None:
        run = _calibrated(run, request)
    model_folder.write_frame(
        out, kind=request.kind, config=config.to_json(), tokenizer=data.tokenizer, speller=data.speller
    )
    inner = out / "training"
    inner.mkdir(exist_ok=True)
    threads, precision = (run.plan.threads, run.plan.precision) if run.plan else (1, "fp64")
    record = {
        "request": request.to_json(),
        "plan": run.plan.to_json() if run.plan else None,
        "corpus": data.corpus.hash,
        "from": None if start is None else str(start),
        "fingerprint": fingerprint(threads=threads, precision=precision),
    }
    write_plan(inner, record)
    return run


def _plan_network(
    request: Request, data: Data, shape: dict[str, Any], course: dict[str, Any], start: Path | None, progress: Progress
) -> tuple[Config, Any, dict[str, Any] | None]:
    from elman.models.neural import NeuralConfig, grow_arrays
    from elman.training.calibrate import machine_rate
    from elman.training.recipe import Situation, choose, flop_per_token, updates_for_epochs
    from elman.training.run import Plan

    threads = request.threads or available_cores()
    precision = choose_precision(request.precision)
    tokens = len(data.train.ids)
    weights = None
    if start is not None:
        old = NeuralConfig.from_json(model_folder.read_config(start)[1])
        changed = [name for name, value in shape.items() if getattr(old, name) != value]
        if changed:
            raise UsageError(f"--from keeps the model's shape; leave out --{changed[0].replace('_', '-')}")
        shape = old.to_json()
        arrays = model_folder.read_arrays(start / "model.safetensors")
        weights = grow_arrays(arrays, model_folder.read_tokenizer(start).size, data.tokenizer.size)
    rate = machine_rate(precision=precision, threads=threads)
    minutes = request.minutes
    if minutes is None and request.epochs is None and request.updates is None:
        minutes = DEFAULT_MINUTES
        progress.say(
            f"no length was given: training for {minutes:g} minutes (--minutes, --epochs or --updates change that)"
        )
    situation = Situation(
        kind=request.kind,
        tokens=tokens,
        vocab_size=data.tokenizer.size,
        level=data.tokenizer.config.level,
        budget=rate * 60 * (minutes or DEFAULT_MINUTES),
        epochs=request.epochs,
    )
    config, settings = choose(situation, config=shape, plan=course)
    plan = Plan(**{"updates": request.updates or 1, "threads": threads, "precision": precision, **settings})
    if request.epochs is not None:
        plan = plan.replace(updates=updates_for_epochs(request.epochs, tokens, plan))
    progress.say(
        f"network: {config.cell}, {config.layers} layers of {config.hidden_size}, embedding {config.embedding_size}, "
        f"{flop_per_token(config, data.tokenizer.size) / 6e6:.1f} M weights in products; batch {plan.batch}, "
        f"{plan.optimizer} at {plan.rate:g}, dropout {plan.dropout:g}, {precision}, {threads} threads"
    )
    return config, plan, weights


def _calibrated(run: Any, request: Request) -> Any:
    from elman.training.calibrate import measure, plan_minutes

    minutes = request.minutes or DEFAULT_MINUTES
    speed = measure(run, seconds=min(5.0, 6 * minutes))
    plan = plan_minutes(run.plan, speed, minutes=minutes, tokens=len(run.train.ids))
    epochs = plan.updates * plan.batch * plan.bptt / len(run.train.ids)
    run.progress.say(
        f"calibrated: {1000 * speed.update:.1f} ms per update, so {minutes:g} minutes are {plan.updates} updates "
        f"({epochs:.1f} epochs) and {plan.validations} validations"
    )
    return dataclasses.replace(run, plan=plan)


def _fit(run: Any, request: Request, data: Data) -> None:
    begin = time.monotonic()
    try:
        model = resolve(entry(run.kind).fit or "")(run)
    finally:
        if run.plan is not None:
            from elman.report.curve import draw_curve

            draw_curve(run.folder)
    seconds = time.monotonic() - begin
    held_out = {"valid": data.corpus.valid, "test": data.corpus.test}
    figures = {
        name: evaluate_text(model, data.speller, text, context="document", progress=run.progress)
        for name, text in held_out.items()
        if text is not None
    }
    for name, found in figures.items():
        run.progress.say(f"{name}: {found['bits_per_byte']:.4f} bits per byte, perplexity {found['perplexity']:.2f}")
    model_folder.write_passport(run.folder, _passport(run, request, data, model, figures, seconds))


def evaluate_text(
    model: LanguageModel, speller: Speller, text: Text, *, context: str, progress: Progress
) -> dict[str, Any]:
    """The figures of a model on a text, with their signature."""
    tally = evaluate(model, speller, text, context=context, progress=progress, total_bytes=text.bytes)  # type: ignore[arg-type]
    return {**tally.figures(), "context": context, "signature": signature_of(model, data=text.sha256, context=context)}


def tuned_weights(models: Sequence[LanguageModel], text: Text, *, context: str, progress: Progress) -> list[float]:
    """Mixture weights fitted on a text by EM."""
    found = []
    for model in models:
        stream = token_stream(model.tokenizer, text, context=context)  # type: ignore[arg-type]
        with progress.stage(f"scoring for the mixture ({model.describe()['name']})", unit="tokens") as advance:
            parts = []
            for part in token_log_probs(model, stream):
                parts.append(part)
                advance(len(part))
        found.append(np.concatenate([np.empty(0, np.float32), *parts]))
    return fit_weights(found).tolist()


def signature_of(model: LanguageModel, *, data: str, context: str, adapted: str = "none") -> str:
    """What pins a figure down: model, precision, tokenizer, data, context, adaptation, version."""
    config = model.tokenizer.config
    level = config.level + ("-pretokenized" if config.pretokenized else "") + ("-lowercase" if config.lowercase else "")
    return signature(
        model=f"{model.describe()['name']}-{model.model_hash[:8]}",
        precision="fp32",
        tokenizer=f"{level}-{model.tokenizer.hash}",
        data=data[:12],
        context=context,
        adapted=adapted,
        elman=version("elman") or "unknown",
    )


def _passport(
    run: Any, request: Request, data: Data, model: LanguageModel, figures: dict[str, Any], seconds: float
) -> dict[str, Any]:
    def about(text: Text | None) -> dict[str, Any] | None:
        if text is None:
            return None
        return {"sha256": text.sha256, "bytes": text.bytes, "lines": text.lines, "documents": text.document_count}

    threads, precision = (run.plan.threads, run.plan.precision) if run.plan else (1, "fp64")
    return {
        "model": {**model.describe(), "hash": model.model_hash, "vocabulary": data.tokenizer.size},
        "data": {
            "sources": list(request.sources),
            "hash": data.corpus.hash,
            "train": {**(about(data.corpus.train) or {}), "tokens": len(data.train.ids)},
            "valid": about(data.corpus.valid),
            "test": about(data.corpus.test),
        },
        "tokenizer": {**data.tokenizer.config.to_json(), "hash": data.tokenizer.hash},
        "recipe": {"config": run.config.to_json(), "plan": run.plan.to_json() if run.plan else None},
        "notes": list(getattr(model, "notes", [])),
        "figures": figures,
        "seconds": round(seconds, 1),
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": fingerprint(threads=threads, precision=precision),
    }


def _tell_data(data: Data, progress: Progress) -> None:
    corpus, tokenizer = data.corpus, data.tokenizer
    held = ", ".join(
        f"{t.bytes / 1e6:.2f} MB {n}" for n, t in (("validation", corpus.valid), ("test", corpus.test)) if t
    )
    progress.say(
        f"text: {corpus.train.bytes / 1e6:.2f} MB training, {held} (hash {corpus.hash[:12]}); "
        f"level {tokenizer.config.level}, {tokenizer.size} types, {len(data.train.ids)} training tokens, "
        f"{data.train.oov} of them unknown"
    )


def _same_kind(start: Path, request: Request) -> None:
    kind = model_folder.read_config(start)[0]
    if kind != request.kind:
        raise UsageError(f"{start} is a model of kind {kind}; --from goes on with the same kind: add --model {kind}")


def _sort_settings(kind: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's settings, those of the model's shape apart from those of the training's course."""
    found = entry(kind)
    preset = dict(found.preset)
    shapes = {field.name for field in dataclasses.fields(resolve(found.config))} - set(preset)
    courses: set[str] = set()
    if is_network(kind):
        from elman.training.run import Plan

        courses = {field.name for field in dataclasses.fields(Plan)} - {"updates"}
    for name in settings:
        if name not in shapes | courses:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} means nothing to a model of kind {kind}; leave it out or choose another --model")
    shape = {name: value for name, value in settings.items() if name in shapes}
    return {**shape, **preset}, {name: value for name, value in settings.items() if name in courses}


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
