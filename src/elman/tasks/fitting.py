"""From texts to a model folder: where data, recipe, fitting, evaluation and the model card meet."""

import dataclasses
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.cells.registry import HOW_TO_ADD
from elman.config import Config
from elman.data.preprocessing import Data, DataConfig, prepare_data
from elman.decode.scoring import token_log_probs, token_stream
from elman.errors import FolderError, Interrupted, MissingExtra, TrainingError, UsageError
from elman.evaluation.model_card import evaluate_text, make_card
from elman.models.combine import Mixture, fit_weights
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, is_network, resolve, trainable
from elman.progress import Progress
from elman.report.curve import draw_curve, read_log
from elman.report.growth import draw_growth
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.storage.saving import write_measured
from elman.system.machine import (
    available_cores,
    cache_folder,
    choose_device,
    choose_precision,
    fingerprint,
    require_torch,
    set_threads,
    version,
)
from elman.text.store import Text
from elman.training.lock import alone
from elman.training.request import (
    DEFAULT_MINUTES,
    Request,
    bytes_of,
    check_settings,
    refuse_for_counting,
    refuse_for_training,
    sort_settings,
)


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
        raise UsageError(f"--model is {request.kind!r}; it must be one of: {', '.join(trainable())}; {HOW_TO_ADD}")
    network = is_network(request.kind)
    if network:
        refuse_for_training(request)
        require_torch()
    else:
        refuse_for_counting(request)
    if request.tensorboard and version("tensorboard") is None:
        raise MissingExtra("--tensorboard needs tensorboard; run: pip install tensorboard")
    if start is not None and not network:
        raise UsageError("an n-gram cannot go on from a model; train it on the old and the new text together")
    if start is not None:
        _same_kind(start, request)
        _keeps_tokens(request)
    shape, course = sort_settings(request.kind, settings)
    check_settings(request.kind, shape, course)
    if network:
        choose_device(course.get("device", "auto"))
    with alone(out):
        # Before the text is read, which may take long.
        model_folder.create(out)
        try:
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
            _fit(_plan(request, out, data, shape, course, start, progress), request, data)
        except BaseException:
            _remove_incomplete(out, network=network)
            raise


def resume_model(out: Path, *, progress: Progress) -> None:
    """Go on with an interrupted training, bit for bit as if it had not stopped.

    Raises:
        TrainingError: nothing to resume, or the texts have changed.
    """
    from elman.training.plan_file import read_plan
    from elman.training.run import Plan

    kind, values = model_folder.read_config(out)
    if not is_network(kind):
        raise UsageError("an n-gram is counted in one go; there is nothing to resume: train it again")
    require_torch()
    if model_folder.card_file(out).exists():
        progress.say(f"the training of {out} has finished; go on with new text by --from {out}")
        return
    model_folder.read_arrays(out / "model.safetensors")  # with the seal over all that is read below
    record = read_plan(out / "training")
    try:
        request = Request.from_json(record["request"])
        if request.kind != kind:
            raise ValueError("of another kind of model")
        plan = Plan.from_json(record["plan"])
        then_all, corpus_hash = dict(record["fingerprint"]), str(record["corpus"])
        if not re.fullmatch("[0-9a-f]{16}", corpus_hash):
            raise ValueError("no hash")
    except (UsageError, KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{out / 'training' / 'plan.json'} is damaged; train again, or with --from {out}") from error
    now = fingerprint(threads=plan.threads, precision=plan.precision, device=choose_device(plan.device))
    for name, then in then_all.items():
        if now.get(name) != then:
            progress.say(
                f"warning: {name} was {then}, is now {now.get(name)}; the model will not be bit for bit the same"
            )
    data = prepare_data(
        request.sources,
        valid=request.valid,
        test=request.test,
        prepared=corpus_hash if "-" in (*request.sources, *request.valid, *request.test) else None,
        config=request.data,
        cache=cache_folder(),
        tokenizer=model_folder.read_tokenizer(out),
        speller=model_folder.read_speller(out),
        grow=False,
        progress=progress,
    )
    if data.corpus.hash != corpus_hash:
        raise TrainingError(
            f"the texts have changed since {out} began training; put them back, or start a new model with --from {out}"
        )
    config = resolve(entry(kind).config).from_json(values)
    run = _run(request, out, data, config, plan, progress, resume=True)
    with alone(out):
        _fit(run, request, data)


def _run(request: Request, out: Path, data: Data, config: Config, plan: Any, progress: Progress, **more: Any) -> Any:
    from elman.training.run import Run

    return Run(
        folder=out,
        kind=request.kind,
        config=config,
        tokenizer=data.tokenizer,
        speller=data.speller,
        train=data.train,
        valid=data.valid,
        progress=progress,
        plan=plan,
        tensorboard=request.tensorboard,
        xray=request.xray,
        **more,
    )


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
    from elman.training.plan_file import write_plan

    found = entry(request.kind)
    weights, spent = None, 0.0
    if is_network(request.kind):
        from elman.training.weight_initialisation import first_weights

        config, plan, weights = _plan_network(request, data, shape, course, start, progress)
        begin = time.monotonic()
        if weights is None:
            # Sums of many numbers, too, come out the same only by the same number of threads.
            set_threads(plan.threads)
            weights = first_weights(config, plan, data.train.ids, data.tokenizer.size, progress=progress)  # type: ignore[arg-type]
        spent = time.monotonic() - begin
    else:
        config, plan = resolve(found.config)(**shape), None
    max_ram = None if request.max_ram is None else bytes_of(request.max_ram)
    run = _run(request, out, data, config, plan, progress, start=weights, max_ram=max_ram)
    if plan is not None and request.updates is None and request.epochs is None:
        run = _calibrated(run, request, spent=spent)
    model_folder.write_static_files(
        out, kind=request.kind, config=config.to_json(), tokenizer=data.tokenizer, speller=data.speller
    )
    inner = out / "training"
    inner.mkdir(exist_ok=True)
    threads, precision, device = (
        (run.plan.threads, run.plan.precision, run.plan.device) if run.plan else (1, "fp64", "cpu")
    )
    record = {
        "request": request.to_json(),
        "plan": run.plan.to_json() if run.plan else None,
        "corpus": data.corpus.hash,
        "from": None if start is None else _parent(start),
        "fingerprint": fingerprint(threads=threads, precision=precision, device=device),
    }
    write_plan(inner, record)
    return run


def _plan_network(
    request: Request, data: Data, shape: dict[str, Any], course: dict[str, Any], start: Path | None, progress: Progress
) -> tuple[Config, Any, dict[str, Any] | None]:
    from elman.models.network_config import NeuralConfig
    from elman.models.neural import grow_arrays
    from elman.training.calibrate import choose_threads, machine_rate
    from elman.training.recipe import RecipeInputs, choose, flop_per_token, updates_for_epochs
    from elman.training.run import Plan

    device = choose_device(course.get("device", "auto"))
    precision = choose_precision(request.precision, device=device)
    in_time = request.epochs is None and request.updates is None
    cores = available_cores()
    threads = request.threads or (choose_threads(cores, precision=precision, progress=progress) if in_time else cores)
    tokens = len(data.train.ids)
    weights = None
    if start is not None:
        old = NeuralConfig.from_json(model_folder.read_config(start)[1])
        changed = [name for name, value in shape.items() if getattr(old, name) != value]
        if changed:
            raise UsageError(f"--from keeps the model's shape; leave out --{changed[0].replace('_', '-')}")
        if course.get("forget_bias") is not None:
            raise UsageError("--from goes on from the model's own forget gates; leave out --forget-bias")
        shape = old.to_json()
        arrays = model_folder.read_arrays(start / "model.safetensors")
        weights = grow_arrays(arrays, model_folder.read_tokenizer(start).size, data.tokenizer.size)
    minutes = request.minutes
    if minutes is None and request.epochs is None and request.updates is None:
        minutes = DEFAULT_MINUTES
        progress.say(
            f"no length was given: training for {minutes:g} minutes (--minutes, --epochs or --updates change that)"
        )
    epochs = request.epochs or (request.updates or 0) * course.get("batch", 20) * course.get("bptt", 35) / tokens
    inputs = RecipeInputs(
        kind=request.kind,
        tokens=tokens,
        vocab_size=data.tokenizer.size,
        level=data.tokenizer.config.level,
        budget=None if minutes is None else 60 * minutes * machine_rate(precision=precision, threads=threads),
        epochs=epochs,
    )
    config, settings = choose(inputs, config=shape, plan=course)
    if request.xray and config.seen:
        raise UsageError(
            f"--xray notes gradients through time; what a {config.cell} network sees ends with its window: leave it out"
        )
    plan = Plan(**{"updates": request.updates or 1, "threads": threads, "precision": precision, **settings})
    if request.epochs is not None:
        plan = plan.replace(updates=updates_for_epochs(request.epochs, tokens, plan))
    progress.say(
        f"network: {config.cell}, {config.layers} layers of {config.hidden_size}, embedding {config.embedding_size}, "
        f"{flop_per_token(config, data.tokenizer.size) / 6e6:.1f} M weights in products; batch {plan.batch}, "
        f"{plan.optimizer} at {plan.rate:g}, dropout {plan.dropout:g}, {precision}, {threads} threads"
    )
    return config, plan, weights


def _calibrated(run: Any, request: Request, *, spent: float) -> Any:
    """The run with its minutes as updates; ``spent`` seconds of them are gone already."""
    from elman.training.calibrate import measure, plan_minutes

    minutes = request.minutes or DEFAULT_MINUTES
    speed = measure(run, seconds=min(5.0, 6 * minutes))
    left = max(minutes - spent / 60, 0.5 * minutes)
    plan = plan_minutes(run.plan, speed, minutes=left, tokens=len(run.train.ids))
    epochs = plan.updates * plan.batch * plan.mean_bptt / len(run.train.ids)
    run.progress.say(
        f"calibrated: {1000 * speed.update:.1f} ms per update, so {minutes:g} minutes are {plan.updates} updates "
        f"({epochs:.1f} epochs) and {plan.validations} validations"
    )
    return dataclasses.replace(run, plan=plan)


def _parent(start: Path) -> dict[str, Any]:
    """What a model goes on from, for its model card."""
    arrays = model_folder.read_arrays(start / "model.safetensors")
    return {"folder": str(start), "weights": arrays_digest(arrays)}


def _fit(run: Any, request: Request, data: Data) -> None:
    from elman.training.plan_file import read_plan

    begin = time.monotonic()
    try:
        model = resolve(entry(run.kind).fit or "")(run)
    except (Interrupted, TrainingError):
        _draw(run)
        raise
    # A resumed run has trained longer than this process knows.
    log = read_log(run.folder / "training" / "log.jsonl")
    seconds = log[-1].get("seconds", 0.0) if log else time.monotonic() - begin
    held_out = {"valid": data.corpus.valid, "test": data.corpus.test}
    figures = {
        name: evaluate_text(model, data.speller, text, context="document", progress=run.progress)
        for name, text in held_out.items()
        if text is not None
    }
    card = make_card(run, request, data, model, figures, seconds)
    card["from"] = read_plan(run.folder / "training").get("from")
    if is_network(run.kind):
        card["inference"] = write_measured(run.folder, model, run.valid.ids, progress=run.progress)
    model_folder.write_card(run.folder, card)
    _draw(run, card["growth"])


def _draw(run: Any, growth: Sequence[Mapping[str, Any]] = ()) -> None:
    try:
        draw_curve(run.folder)
        if growth:
            draw_growth(run.folder, growth)
    except Exception as error:  # a picture is never worth a model
        run.progress.say(f"note: the picture could not be drawn ({error})")


def tuned_weights(models: Sequence[LanguageModel], text: Text, *, context: str, progress: Progress) -> list[float]:
    """Mixture weights fitted on a text by EM.

    Raises:
        ModelError: the models' types differ.
    """
    Mixture(models)
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


def _keeps_tokens(request: Request) -> None:
    for name in ("level", "pretokenized", "lowercase", "min_count", "vocab_size"):
        if getattr(request.data, name) != getattr(DataConfig(), name):
            raise UsageError(f"--from keeps the model's tokens; leave out --{name.replace('_', '-')}")


def _same_kind(start: Path, request: Request) -> None:
    kind = model_folder.read_config(start)[0]
    if kind != request.kind:
        raise UsageError(f"{start} is a model of kind {kind}; --from goes on with the same kind: add --model {kind}")


def _remove_incomplete(folder: Path, *, network: bool) -> None:
    """Remove a folder that holds nothing yet that could be resumed or, once counted, used."""
    if not (folder / ("training/checkpoint.safetensors" if network else "model.safetensors")).exists():
        shutil.rmtree(folder, ignore_errors=True)
