"""elman evaluate MODEL TEXT..."""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Also, Context, Json, ModelArgument, Typos, is_given, refuse, with_flags
from elman.cli.screen import make_progress, print_json, table, warn
from elman.cli.tasks import other_task
from elman.data.captions import CaptionsConfig
from elman.data.examples import ExamplesConfig
from elman.data.pairs import PairsConfig
from elman.decode.translation import DecodingConfig
from elman.errors import UsageError
from elman.tasks.registry import task_named


@with_flags(
    ExamplesConfig,
    PairsConfig,
    CaptionsConfig,
    DecodingConfig,
    leave_out=("encoding", "picture_size", "patch_size", "n_best", "sample", "temperature", "top_k", "top_p", "seed"),
)
def run(
    call: typer.Context,
    model: ModelArgument,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT...", help="Files, folders, globs, - or builtin:pydocs.")
    ] = None,
    context: Context = "document",
    mix: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Mix in another model (repeatable); its weight is fitted."),
    ] = None,
    cache: Annotated[
        bool, typer.Option("--cache", help="Boost words that recently followed a similar context (continuous cache).")
    ] = False,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Keep training the network while it reads (dynamic evaluation; slow).")
    ] = False,
    temperature: Annotated[
        bool, typer.Option("--temperature", help="Fit a softmax temperature (slow for large vocabularies).")
    ] = False,
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Text on which to fit mixture weights, cache etc. (default: the validation text in the model card).",
        ),
    ] = None,
    keystrokes: Annotated[
        bool, typer.Option("--keystrokes", help="Also: the share of keystrokes that suggestions save.")
    ] = False,
    mistype: Annotated[
        str | None, typer.Option(metavar="SHARE", help="With --keystrokes: words that are mistyped, such as 5%.")
    ] = None,
    typos: Typos = None,
    learned: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --keystrokes: the user's own words to begin with, or a new name for "
                     "none; unknown words of TEXT are added as it is typed, and FILE stays as it is."),
    ] = None,
    also: Also = None,
    document: Annotated[str, typer.Option(metavar="file|line|block", help="What a document is.")] = "file",
    encoding: Annotated[str, typer.Option(help="Encoding of the files.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Labels, tags, translations, captions, forecasts, outcomes: a new folder for a page with plots.",
        ),
    ] = None,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Taggers: also train on parts of the training data, from a 16th to all."),
    ] = False,
    similarity: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Word vectors: pairs of words with a number (repeatable)."),
    ] = None,
    analogies: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Word vectors: questions of four words.")
    ] = None,
    as_json: Json = False,
    **settings: Any,
) -> None:  # fmt: skip
    from elman import api
    from elman.apps.correcting import parse_share
    from elman.apps.keyboard.learned_words import LearnedWords
    from elman.tasks.language.mixture import parse_part
    from elman.text.corpus import CorpusConfig

    lists = {name: value for name, value in (("similarity", similarity), ("analogies", analogies)) if value}
    curve = {"learning_curve": True} if learning_curve else {}
    # Lists of words apply only to word vectors, which other tools keep in a file.
    task = task_named("vectors") if lists and Path(model).is_file() else other_task(model)
    if not texts and not lists and "source" not in settings:
        raise UsageError("no data was given; name files, folders, globs or -, or for word vectors --similarity FILE")
    texts = texts or []
    typing = ("mistype", "learned", "also", "typos")
    switches = {"mix": mix or [], "cache": cache, "dynamic": dynamic, "temperature": temperature}
    if task is not None:
        of_texts = ("context", "document", "field", "tune", "keystrokes")
        refuse(
            call,
            (*switches, *of_texts, *typing),
            f"is for language models, and {model} is of task {task.name}",
        )
        given = {**settings, **lists, **curve} | ({"encoding": encoding} if is_given(call, "encoding") else {})
        folder = None if report is None else Path(report)
        how_far = make_progress()
        found = task.evaluate(Path(model), texts, settings=given, report=folder, progress=how_far)
        if as_json:
            print_json(found.values)
        else:
            print(found.words)
        return
    refuse(call, ["report", *settings, *lists, *curve], "does not apply to a language model")

    if not keystrokes:
        refuse(call, typing, "says how a text is typed, for --keystrokes")
    if context not in ("carry", "document", "independent"):
        raise UsageError(f"--context is {context!r}; it must be carry, document or independent")
    wanted = [name for name, on in switches.items() if on]
    if tune and not wanted:
        raise UsageError(
            "--tune is the text that adaptations are fitted on; add --mix MODEL, --cache, --dynamic or --temperature"
        )
    reading: dict[str, Any] = {"document": document, "encoding": encoding, "field": field}
    config = CorpusConfig.from_json(reading)
    for name in mix or []:
        if parse_part(name).weight is not None:
            raise UsageError(
                f"--mix {name}: evaluate fits the weights; give MODEL alone, or evaluate an `elman mix` folder"
            )
    if learned is not None and not learned.exists():
        warn(f"--learned is {learned}, and there is no such file: the user begins without words")
    progress = make_progress()
    # With the trained weights: figures describe the model, not its 8-bit form.
    loaded = api.load(model, task="language", torch=True)
    others = [api.load(name, task="language", torch=True) for name in mix or []]
    beside = [api.load(name, task="language") for name in also or []]
    share = None if mistype is None else parse_share(mistype)
    how: dict[str, Any] = {"context": context, "progress": progress}
    steps: list[tuple[str, dict[str, Any]]] = []
    models = api.adapt_steps(loaded, wanted, mix=others, tune=tune, config=config, **how) if wanted else [("", loaded)]
    for name, adapted in models:
        figures = adapted.evaluate(*texts, **reading, **how)
        if keystrokes:
            own = None if learned is None else LearnedWords.read(learned)
            figures["keystrokes"] = adapted.keystrokes(
                *texts, mistype=share, typos=typos, learned=own, also=beside, **reading, **how
            )
        steps.append((name, {**figures, "adaptation": adapted.card.get("adaptation")}))
    found = {name: value for name, value in steps[0][1].items() if name != "adaptation"}
    if wanted and f"data:{steps[-1][1]['adaptation']['tuned_on'][:12]}|" in found["signature"]:
        warn("the adaptation was fitted on the text that is evaluated, so the adapted figures flatter the model")
    if as_json:
        print_json({**found, "adapted": _adapted(steps)} if wanted else found)
        return
    rows = [
        ["bits per byte", f"{found['bits_per_byte']:.4f}"],
        ["perplexity", f"{found['perplexity']:.3f}"],
        ["bits per char", f"{found['bits_per_char']:.4f}"],
        ["tokens", str(found["tokens"])],
        ["out of vocabulary", f"{found['oov']} ({100 * found['oov_rate']:.2f}%)"],
        ["context", found["context"]],
    ]
    print(table(["", ""], rows).lstrip("\n"))
    print(f"signature: {found['signature']}")
    if wanted:
        print(f"\n{_table(steps)}\nsignature: {steps[-1][1]['signature']}")
    if keystrokes:
        print(f"\n{_keystrokes(steps)}")


def _adapted(steps: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The figures of the last step, and briefly those of the steps before it."""
    kept = ("perplexity", "bits_per_byte", "signature", "keystrokes")
    way = [{"name": name, **{key: figures[key] for key in kept if key in figures}} for name, figures in steps]
    return {**steps[-1][1], "steps": way}


def _table(steps: list[tuple[str, dict[str, Any]]]) -> str:
    static = steps[0][1]["perplexity"]
    rows = [
        [
            f"+ {name}" if place else name,
            f"{each['bits_per_byte']:.4f}",
            f"{each['perplexity']:.3f}",
            f"{100 * each['perplexity'] / static - 100:+.1f}%" if place else "+0.0%",
        ]
        for place, (name, each) in enumerate(steps)
    ]
    return table(["", "bits per byte", "perplexity", ""], rows)


def _keystrokes(steps: list[tuple[str, dict[str, Any]]]) -> str:
    rows, notes = [], []
    for place, (name, each) in enumerate(steps):
        found = each["keystrokes"]
        if "plain" in found:
            rows.append(_keys_row("words of the model alone", found["plain"]))
            gain = found["gain"]
            if gain is not None:
                more, low, high = (f"{100 * gain[side]:+.1f}" for side in ("value", "low", "high"))
                notes.append(f"what the keyboard adds saves {more} percentage points of keys ({low} to {high})")
        alone = "the keyboard" if "plain" in found else "this model"
        rows.append(_keys_row(f"+ {name}" if place else name or alone, found))
    words, without = steps[0][1]["keystrokes"]["words"], steps[0][1]["keystrokes"]["without"]
    head = ["of three suggestions", "keys saved", "top 1", "top 3", "1 letter", "2", "3"]
    notes.append(
        f"{words:,} words, {without:,} keys without suggestions; top 1 and 3 before any letter, then after 1, 2 or 3"
    )
    lines = [table(head, rows), *notes, f"signature: {steps[-1][1]['keystrokes']['signature']}"]
    return "\n".join(lines)


def _keys_row(name: str, found: dict[str, Any]) -> list[str]:
    sure = found["interval"]
    between = f" ({100 * sure['low']:.1f} to {100 * sure['high']:.1f})" if sure else ""
    after = [f"{100 * share:.1f}%" for share in found["offered_after_letters"][1:4]]
    shares = [f"{100 * found[key]:.1f}%" for key in ("saved", "recall_at_1", "recall_at_3")]
    return [name, shares[0] + between, *shares[1:], *after, *[""] * (3 - len(after))]
