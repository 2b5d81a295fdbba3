"""elman compare DATA..."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Cluster, Json, Workers, is_given, refuse, with_flags
from elman.cli.screen import make_progress, print_json, table, warn
from elman.config import check_applies
from elman.errors import UsageError
from elman.progress import Progress
from elman.studies.comparison import compared_tasks
from elman.studies.vectors_gain import FIGURES
from elman.tasks.registry import task_named


@with_flags(*(task_named(name).request.data_config for name in compared_tasks()), leave_out=("hold_out_test",))
def run(
    call: typer.Context,
    texts: Annotated[list[str], typer.Argument(metavar="DATA...", help="Files, folders, globs or builtin:pydocs.")],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of models and report; an interrupted comparison there continues.")
    ] = "elman-compare",
    minutes: Annotated[float | None, typer.Option(help="How long each network trains (default 1).")] = None,
    epochs: Annotated[float | None, typer.Option(help="Or: how many times each reads the text.")] = None,
    parameters: Annotated[
        int | None, typer.Option(help="Make all networks about this large (default: what suits text and time).")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Which to compare (default: all): kinds of model; with --task tag: most-frequent-tag, feature-crf, "
            "softmax, crf, one-direction, no-characters, ngrams and, with the flags of these, vectors, "
            "language-models, vectors+language-models.",
        ),
    ] = None,
    matters: Annotated[
        str,
        typer.Option(metavar="PERCENT", help="The smallest difference that is worth a more expensive model."),
    ] = "1%",
    seeds: Annotated[int, typer.Option(help="Train each network this many times; gives intervals over seeds.")] = 1,
    valid: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Validation text (default: held out).")
    ] = None,
    test: Annotated[list[str] | None, typer.Option(metavar="FILE", help="Test text (default: held out).")] = None,
    vectors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Instead of families: train one network with these word vectors as first embeddings, and without "
            "(repeatable); needs --valid and --test. With --task tag: one more tagger, which begins with them.",
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="With --task tag: one more tagger, which reads what this language model says at each word (twice for "
            "a forward and a backward one).",
        ),
    ] = None,
    amounts: Annotated[
        str, typer.Option(metavar="N,N", help="With --vectors: words of training text.")
    ] = "1000,10000,100000",
    task: Annotated[
        str,
        typer.Option(
            metavar="|".join(dict.fromkeys([*compared_tasks(), *FIGURES])),
            help="What is trained; classify with --vectors only.",
        ),
    ] = "language",
    workers: Workers = None,
    cluster: Cluster = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.studies.compare import compare
    from elman.studies.comparison import ComparePlan, comparison_of
    from elman.system.cluster import check_workers, started
    from elman.system.machine import require_torch

    if vectors and task in FIGURES:
        others = ("minutes", "parameters", "models", "matters", "start", "workers", "cluster", *settings)
        refuse(call, others, "does not apply with --vectors")
        _compare_vectors(
            Path(out),
            make_progress(quiet),
            as_json=as_json,
            sources=tuple(texts),
            vectors=tuple(vectors),
            amounts=_numbers(amounts),
            valid=tuple(valid or ()),
            test=tuple(test or ()),
            task=task,
            epochs=10 if epochs is None else epochs,
            seeds=seeds,
        )
        return
    if is_given(call, "amounts") or (task in FIGURES and task not in compared_tasks()):
        raise UsageError("--amounts and --task classify apply with --vectors only; add --vectors, or leave them out")
    given = {"vectors": vectors, "from": start}
    plan = ComparePlan(
        task=task,
        sources=tuple(texts),
        valid=tuple(valid or ()),
        test=tuple(test or ()),
        data=_reading(task, settings),
        settings={name: listed for name, listed in given.items() if listed},
        models=None if models is None else tuple(name.strip() for name in models.split(",") if name.strip()),
        minutes=1.0 if minutes is None and epochs is None else minutes,
        epochs=epochs,
        parameters=parameters,
        seeds=seeds,
        matters=_share(matters),
    )
    if comparison_of(plan).learns:
        require_torch()
    progress = make_progress(quiet)
    check_workers(workers, cluster)
    with started(workers, cluster, folder=Path(out).absolute(), progress=progress):
        found = compare(plan, Path(out).absolute() if cluster else Path(out), progress=progress)
    from elman.report.compare_page import write_report

    files = [str(path) for path in write_report(Path(out), found)]
    if as_json:
        print_json({**found, "files": files})
        return
    print(_report(found))
    for each in found["warnings"]:
        warn(f"warning: {each}")
    progress.say(f"report: {files[0]}")


def _reading(task: str, settings: dict[str, Any]) -> Any:
    """How the data of a task is read."""
    config = task_named(task).request.data_config
    check_applies(settings, {field.name for field in dataclasses.fields(config)}, f"--task {task}")
    return config(**settings)


def _compare_vectors(out: Path, progress: Progress, *, as_json: bool, **plan: Any) -> None:
    from elman.studies.vectors_gain import VectorsPlan, compare_vectors
    from elman.system.machine import require_torch

    checked = VectorsPlan(**plan)
    require_torch()
    found = compare_vectors(checked, out, progress=progress)
    if as_json:
        print_json(found)
        return
    rows = []
    for row in found["rows"]:
        shown = "none" if row["vectors"] is None else Path(row["vectors"]).name
        sure = f"{row['low']:+.4g} to {row['high']:+.4g}" if "low" in row else ""
        apart = f"{row['difference']:+.4g}" if "difference" in row else ""
        rows.append([f"{row['words']:,}", shown, f"{row['mean']:.4g}", apart, sure])
    print(table(["words", "vectors", found["figure"], "difference", "95%"], rows))
    print(f"means of {checked.seeds} seeds on the test text; the interval is that of Student's t over seeds")


def _numbers(listed: str) -> tuple[int, ...]:
    """Whole numbers between commas.

    >>> _numbers("1000, 20000")
    (1000, 20000)
    """
    try:
        return tuple(int(each) for each in listed.split(","))
    except ValueError:
        raise UsageError(f"--amounts is {listed[:30]!r}; give numbers of words: try --amounts 1000,10000") from None


def _share(percent: str) -> float:
    """A share from a percentage, with or without its sign.

    >>> _share("0.5%"), _share("2")
    (0.005, 0.02)
    """
    try:
        return float(percent.strip().removesuffix("%")) / 100
    except ValueError:
        raise UsageError(f"--matters is {percent[:20]!r}; it must be a percentage: try --matters 1%") from None


def _report(found: dict[str, Any]) -> str:
    from elman.report.compare_page import models_table

    about = f"{found['data']['about']}, data {found['data']['hash'][:12]}"
    failed = [f"{each['name']} failed: {each['message']}" for each in found["failed"]]
    head, *rows = models_table(found)
    how: dict[str, list[str]] = {}
    for model in found["models"]:
        how.setdefault(model["interval"], []).append(model["name"])
    notes = "\n".join(f"Intervals of {', '.join(names)}: {each}." for each, names in how.items())
    return "\n\n".join([about, table(head, rows), notes, *failed, found["verdict"]["words"]])
