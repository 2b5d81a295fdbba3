"""elman train TEXT... --out DIR"""

from typing import Annotated, Any

import typer

from elman.cli.flags import Cluster, Json, Workers, is_given, with_flags
from elman.cli.screen import make_progress, print_json
from elman.errors import UsageError
from elman.models.registry import entry, known
from elman.models.vectors.config import DEFAULTS
from elman.system.launcher import TIMEOUT, leads
from elman.tasks.registry import TASKS, task_named

_TASKS = [task_named(name) for name in TASKS]
"""Without cells and tasks from plugins, which are not imported for a help page."""
_KINDS = [kind for kind in known() if entry(kind).task == "language" and entry(kind).trainable]
_WITH_RESUME = {"out", "resume", "timeout", "quiet", "as_json", "help"}


@with_flags(
    *dict.fromkeys(config for task in _TASKS for config in task.flags()),
    leave_out=("updates", "cell", "precision", "threads", "language_size", "unanswerable"),
)
def run(
    call: typer.Context,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="DATA...", help="Files, folders, globs, - or builtin:pydocs.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="|".join(TASKS), help="What to learn (default: language).")
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="The new model folder.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help=f"{', '.join(_KINDS[:-1])} or {_KINDS[-1]} (default: lstm), or a cell that ELMAN_PLUGINS registers; "
            f"with --task vectors: {', '.join(DEFAULTS)} (default: by the size of the text), or tfidf for documents.",
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="How long to train (default 5).")] = None,
    epochs: Annotated[float | None, typer.Option(help="Or: how many times to read the text.")] = None,
    updates: Annotated[int | None, typer.Option(help="Or: how many updates, exactly.")] = None,
    valid: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Validation text (default: held out).")
    ] = None,
    test: Annotated[list[str] | None, typer.Option(metavar="FILE", help="Test text (default: held out).")] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from an existing model and train it on new text; with --task tag: a language model, forward or "
            "backward, whose states are features of words (give it twice for both).",
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the interrupted training in --out.")] = False,
    precision: Annotated[
        str,
        typer.Option(metavar="auto|bf16|fp32", help="Numeric precision of matrix products during training."),
    ] = "auto",
    threads: Annotated[int | None, typer.Option(help="Threads (default: all cores).")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
    xray: Annotated[
        bool,
        typer.Option(
            "--xray", help="Record the gradient by lag at each validation, for `elman xray` (recurrent kinds)."
        ),
    ] = False,
    max_ram: Annotated[
        str | None,
        typer.Option(metavar="500M|2G", help="Memory for counting n-grams or pairs of words; the rest goes to disk."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Initial embeddings: a folder of word vectors, or a file of word2vec, GloVe or fastText.",
        ),
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="A folder that all workers see, for prepared texts and counts (default: the cache)."
        ),
    ] = None,
    rival: Annotated[
        bool | None,
        typer.Option(
            "--rival/--no-rival",
            help="Whether to train a simple rival for comparison: an n-gram of the same text, or TF-IDF with "
            "logistic regression for labelled texts (default: yes).",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Under torchrun: seconds that a process waits for the others before it gives up.")
    ] = TIMEOUT,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman import api

    progress = make_progress(quiet or not leads())
    shared = {"workers": workers, "cluster": cluster, "scratch": scratch}
    own = {"xray": xray or None, "max_ram": max_ram, "vectors": vectors, "rival": rival, **shared}
    more = {name: value for name, value in own.items() if value is not None}
    if out is None:
        raise UsageError("--out is missing; name the new model folder: elman train TEXT --out my-model")
    if resume:
        if any(is_given(call, name) for name in call.params if name not in _WITH_RESUME):
            raise UsageError(f"--resume takes everything from the folder; run just: elman train --out {out} --resume")
        trained = api.resume(out, timeout=timeout, progress=progress)
    else:
        trained = api.train(
            *(texts or []),
            out=out,
            model=model,
            valid=valid or (),
            test=test or (),
            minutes=minutes,
            epochs=epochs,
            updates=updates,
            start=start or (),
            precision=precision,
            threads=threads,
            tensorboard=tensorboard,
            timeout=timeout,
            progress=progress,
            task=task,
            **more,
            **settings,
        )
    if not leads():
        return
    done = task_named(trained.card["task"])
    if as_json:
        print_json({"folder": out, **done.results(trained.card)})
        return
    for line in done.summary(trained.card):
        print(line)
    for line in done.advice(trained.card, out):
        progress.say(line)
    progress.say(f"next: {done.next_steps(out)}")
