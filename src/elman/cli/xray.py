"""elman xray MODEL [TEXT...]"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Json, is_given, refuse
from elman.cli.screen import make_progress, print_json, table
from elman.errors import FolderError, UsageError

_MOST_TOKENS = 500_000


def run(
    call: typer.Context,
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="A model folder or an ARPA file.")] = None,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT...]", help="What to read; by default the validation text in the model card."),
    ] = None,
    sentence: Annotated[
        str | None, typer.Option(metavar="LINE", help="A line to look at token by token (default: one of the text).")
    ] = None,
    lags: Annotated[
        str | None, typer.Option(metavar="N[,N...]", help="How far back to look (default 200); with --task, the lags.")
    ] = None,
    positions: Annotated[int, typer.Option(help="Number of positions in the text to look at.")] = 24,
    forget_bias: Annotated[
        float | None,
        typer.Option(metavar="LAG", help="Also a fresh LSTM initialised to remember this many tokens (chrono)."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="recall|adding|brackets|agreement",
            help="Instead of MODEL: train each kind of cell to remember, and measure how far back it can.",
        ),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="For --task: for all networks together (default 2).")] = None,
    updates: Annotated[int | None, typer.Option(help="For --task: or this many updates for each network.")] = None,
    seeds: Annotated[int, typer.Option(help="For --task: this many networks of each kind.")] = 1,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="A new folder for xray.html and its figures.")] = None,
    document: Annotated[str, typer.Option(metavar="file|line|block", help="What a document is.")] = "file",
    encoding: Annotated[str, typer.Option(help="Encoding of the text files.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    as_json: Json = False,
) -> None:
    numbers = _numbers(lags)
    if out is not None:
        _check_out(Path(out))
    if task is not None:
        if model is not None or sentence is not None:
            raise UsageError("--task trains small networks of its own; leave out MODEL, TEXT and --sentence")
        refuse(
            call, ["positions", "document", "encoding", "field"], "is for a model and its text, and --task has neither"
        )
        _task(task, numbers, minutes, updates, seeds, forget_bias, out, as_json)
        return
    if model is None:
        raise UsageError(
            "no model was given; name a model folder or an ARPA file: elman xray MODEL, or give --task recall"
        )
    if any(is_given(call, name) for name in ("minutes", "updates", "seeds")):
        raise UsageError("--minutes, --updates and --seeds apply to --task only; leave them out")
    if numbers is not None and len(numbers) > 1:
        raise UsageError(f"--lags is {lags}; for a model give one number, how far back to look: try --lags 200")
    from elman import api
    from elman.studies.xray import xray
    from elman.system.machine import importable

    progress = make_progress()
    # With the trained weights: gradients are computed from them, not from their 8-bit form.
    with_torch = importable("torch")
    loaded = api.load(model, task="language", torch=with_torch)
    if not with_torch:
        progress.say("torch is not installed: gradients and gates cannot be shown, only predictions")
    config = {"document": document, "encoding": encoding, "field": field}
    with _text(loaded, texts, config, progress) as text:
        ids, line = _tokens(loaded, text)
        facts = {"source": ", ".join(texts) if texts else "the model's validation text", "sha256": text.sha256[:12]}
    found = xray(
        loaded,
        ids,
        text=facts,
        lags=numbers[0] if numbers else None,
        positions=positions,
        sentence=line if sentence is None else sentence,
        forget_bias=forget_bias,
        progress=progress,
    )
    values = found.to_json()
    files = _write(out, values, name=Path(model).name)
    if as_json:
        print_json({**values, "files": files})
        return
    print("\n".join(_report(found)))
    _tell_files(files, progress)


@contextlib.contextmanager
def _text(loaded: Any, texts: list[str] | None, config: dict[str, Any], progress: Any) -> Iterator[Any]:
    from elman.evaluation.splits import held_out_text
    from elman.system.machine import cache_folder
    from elman.text.corpus import CorpusConfig, read_text

    if texts:
        options = CorpusConfig.from_json(config)
        with read_text(texts, config=options, folder=cache_folder() / "texts", progress=progress) as text:
            yield text
        return
    with contextlib.ExitStack() as stack:
        try:
            found = held_out_text(loaded.folder, loaded.card, progress=progress, purpose="reading")
            text = stack.enter_context(found)
        except UsageError as error:
            raise UsageError(
                "no text was given, and the model's own validation text cannot be found; give one: "
                "elman xray MODEL TEXT"
            ) from error
        yield text


def _tokens(loaded: Any, text: Any) -> tuple[Any, str | None]:
    """The text's tokens, line ends included, and a line of it that is a good example."""
    import numpy as np

    from elman.studies.xray_words import MOST
    from elman.text.tokenizer import EOS_ID, UNK_ID

    tokenizer = loaded.lm.tokenizer
    most = MOST[tokenizer.config.level] * 3 // 5
    parts, count, line = [], 0, None
    for each, _ in text:
        ids = tokenizer.encode(each).ids
        parts.append(np.append(ids, EOS_ID))
        count += len(ids) + 1
        if line is None and 6 <= len(ids) <= most and (ids != UNK_ID).all() and each[-1:] in ".!?":
            line = each
        if count >= _MOST_TOKENS:
            break
    return np.concatenate(parts) if parts else np.empty(0, np.int64), line


def _report(found: Any) -> list[str]:
    from elman.report.xray_figures import titled

    about, text = found.model, found.text
    lines = [
        f"{about['name']}, {about['size']}, {about['types']} types; {text['places']} places of {text['source']} "
        f"({text['sha256']}, {text['tokens']} tokens)",
        "",
        *found.words,
    ]
    if found.curves:
        lines += ["", "The gradient k tokens back, as a share of that at lag 0 (median)"]
        shown = [lag for lag in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if lag < len(found.curves[0].share[1])]
        rows = [
            [
                curve.name + (" (this model)" if curve.trained else ", fresh"),
                *(f"{curve.share[1][lag]:.2g}" for lag in shown),
                curve.case.case,
            ]
            for curve in found.curves
        ]
        lines.append(table(["", *(f"k={lag}" for lag in shown), ""], rows))
    influence = found.influence
    places = [place for place, lag in enumerate(influence.lags) if lag in (1, 2, 3, 5, 8, 12, 16, 25, 49, 95, 200)]
    lines += ["", "Bits by which another token k back changes the prediction (median)"]
    import numpy as np

    medians = np.median(influence.bits, axis=1)
    lines.append(
        table(
            ["", *(f"k={influence.lags[place]}" for place in places)],
            [[about["name"], *(f"{medians[place]:.2g}" for place in places)]],
        )
    )
    if found.saturation:
        rows = [
            [
                f"layer {each.layer + 1} {titled(each.gate, each.meaning)}",
                f"{100 * each.closed:.0f}%",
                f"{100 * each.open:.0f}%",
                f"{each.mean:.2f}",
            ]
            for each in found.saturation
        ]
        lines += [
            "",
            "Gate values" if found.units else "Sizes of the units",
            table(["", "below 0.1", "above 0.9", "mean"], rows),
        ]
    if found.units:
        longest = ", ".join(f"{each.unit} of layer {each.layer + 1} ({each.half_life:.3g})" for each in found.units[:5])
        lines += ["", f"Units that remember longest (half-life in tokens): {longest}"]
    if found.sentence is not None:
        lines += ["", *_sentence(found.sentence)]
    return lines


def _sentence(seen: Any) -> list[str]:
    rows = []
    for place in range(1, len(seen.tokens)):
        gains = seen.left_out[place, :place]
        most = sorted(range(place), key=lambda each: -abs(gains[each]))[:3]
        rows.append(
            [
                seen.tokens[place],
                f"{seen.bits[place]:.2f}",
                "  ".join(f"{seen.tokens[m]} {gains[m]:+.2f}" for m in most),
            ]
        )
    width = max(len(row[0]) for row in rows)
    lines = [f"{row[0].ljust(width)}  {row[1].rjust(6)} bits   {row[2]}" for row in rows]
    return [
        "Each token's surprise, and which earlier ones change it most when left out (+: the token helps, bits)",
        *lines,
    ]


def _task(
    name: str,
    lags: list[int] | None,
    minutes: float | None,
    updates: int | None,
    seeds: int,
    forget_bias: float | None,
    out: str | None,
    as_json: bool,
) -> None:
    from elman.studies.xray_tasks import task_named
    from elman.system.machine import require_torch

    task = task_named(name)
    if minutes is not None and updates is not None:
        raise UsageError("--minutes and --updates both set the length of training; give one of them")
    minutes = 2.0 if minutes is None and updates is None else minutes
    if updates is not None and not 1 <= updates <= 10**7:
        raise UsageError(f"--updates is {updates}; it must be between 1 and 10 million: try --updates 1000")
    if minutes is not None and not 0.01 <= minutes <= 1e5:
        raise UsageError(f"--minutes is {minutes:g}; it must be at least 0.01: try --minutes 2")
    if not 1 <= seeds <= 100:
        raise UsageError(f"--seeds is {seeds}; it must be between 1 and 100: try --seeds 3")
    require_torch()
    from elman.studies.xray_training import run_trials, trials_json, trials_words

    progress = make_progress()
    found = run_trials(
        task,
        lags=lags or [5, 10, 20, 50],
        seeds=range(1, seeds + 1),
        minutes=minutes,
        updates=updates,
        forget_bias=forget_bias,
        progress=progress,
    )
    values = trials_json(found)
    files = _write_task(out, values)
    if as_json:
        print_json({**values, "files": files})
        return
    what = "R²" if task.is_regression else f"share right (chance {task.chance:.3g})"
    count = f"median of {seeds} seeds" if seeds > 1 else "one seed"
    print(f"{task.name}: {what} after at most {found.allowed} updates, {count}\n")
    rows = [
        [
            each["cell"],
            *(f"{score['median']:.2f}" for score in each["scores"]),
            str(each["longest_solved"]) if each["longest_solved"] else "none",
        ]
        for each in values["cells"]
    ]
    print(table(["cell", *(f"lag {lag}" for lag in found.lags), "longest solved"], rows))
    print("\n" + trials_words(found))
    _tell_files(files, progress)


def _numbers(lags: str | None) -> list[int] | None:
    if lags is None:
        return None
    if not re.fullmatch(r"\d{1,6}(,\d{1,6})*", lags.replace(" ", "")):
        raise UsageError(
            f"--lags is {lags[:40]!r}; it must be one number, or several with commas: try --lags 5,10,20,50"
        )
    return [int(each) for each in lags.replace(" ", "").split(",")]


def _check_out(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FolderError(f"{path} exists and is not an empty folder; give --out the name of a new one")


def _write(out: str | None, values: dict[str, Any], *, name: str) -> list[str]:
    if out is None:
        return []
    from elman.report.xray_page import write_xray

    return [str(path) for path in write_xray(Path(out), values, name=name)]


def _write_task(out: str | None, values: dict[str, Any]) -> list[str]:
    if out is None:
        return []
    from elman.report.xray_page import write_task

    return [str(path) for path in write_task(Path(out), values)]


def _tell_files(files: list[str], progress: Any) -> None:
    for file in files:
        if file.endswith(".html"):
            progress.say(f"report: {file}")
