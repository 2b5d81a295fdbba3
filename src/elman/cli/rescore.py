"""elman rescore MODEL NBEST"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.apps.nbest.formats import FOLDER_WRITERS, READERS, WRITERS, ReadOptions
from elman.apps.nbest.lists import ACOUSTIC, OLD_LM
from elman.apps.rescore import RescoreConfig
from elman.apps.text_rules import TextRules
from elman.cli.flags import Json, Mix, ModelArgument, with_flags
from elman.cli.screen import make_progress, print_json, table
from elman.errors import UsageError

if TYPE_CHECKING:
    from elman.apps.nbest.lists import NbestList
    from elman.apps.rescore import Rescored

_RULES = ("lowercase", "punctuation", "marks", "unk")
_OUT = [*WRITERS, *FOLDER_WRITERS]


@with_flags(RescoreConfig, TextRules)
def run(
    model: ModelArgument,
    nbest: Annotated[
        str, typer.Argument(metavar="NBEST", help="N-best lists or lattices: a file, a folder, or - for JSON lines.")
    ],
    ref: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What was said: lines UTT words, a table, SCTK's trn, or JSON lines."),
    ] = None,
    tune: Annotated[
        str | None,
        typer.Option(metavar="NBEST", help="Development part: fit the weights on its lists, never on NBEST."),
    ] = None,
    tune_ref: Annotated[
        str | None, typer.Option("--tune-ref", metavar="FILE", help="References of the development part.")
    ] = None,
    tune_acoustic: Annotated[
        str | None, typer.Option(metavar="FILE", help="As --acoustic, for the development part.")
    ] = None,
    tune_lm: Annotated[str | None, typer.Option(metavar="FILE", help="As --lm, for the development part.")] = None,
    other: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="MODEL", help="Another model with a weight of its own (repeatable)."),
    ] = None,
    mix: Mix = None,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache",
            help="Boost words of earlier utterances (needs --context document); fitted on the references "
            "of the development part.",
        ),
    ] = False,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="SCORE=WEIGHT", help="A weight, such as model=0.4 (repeatable).")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="FILE", help="Weights that --save-weights wrote, or a JSON object of them.")
    ] = None,
    save_weights: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the weights, and the references that the domain's n-gram counts."),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the choices to a file; stdout then has the figures only.")
    ] = None,
    to: Annotated[
        str,
        typer.Option(metavar="|".join(_OUT), help="What is written: the chosen words, or lists in their new order."),
    ] = "text",
    format: Annotated[
        str | None,
        typer.Option(metavar="|".join(READERS), help="Format of the lists; by default it is recognised."),
    ] = None,
    acoustic: Annotated[
        str | None, typer.Option(metavar="FILE", help="Kaldi's acoustic costs, for lists of words without them.")
    ] = None,
    lm: Annotated[str | None, typer.Option(metavar="FILE", help="Kaldi's costs of the old language model.")] = None,
    symbols: Annotated[
        str | None, typer.Option(metavar="FILE", help="Kaldi's words.txt, for lattices with numbers.")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Hypotheses to which a lattice is cut.")] = 100,
    first: Annotated[
        str | None,
        typer.Option(metavar="FIELD", help="Field of JSON with the recogniser's choice, if the list lacks it."),
    ] = None,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.api import load, rescore
    from elman.apps.rescore_report import rescoring_figures
    from elman.apps.rescoring import load_lists, save_lists
    from elman.apps.rescoring import save_weights as write_weights
    from elman.tasks.language.mixture import load_mixed

    of_tune = {"--tune-ref": tune_ref, "--tune-acoustic": tune_acoustic, "--tune-lm": tune_lm}
    _check(to, out, n, tune, of_tune, weights, weight)
    progress = make_progress()

    def read(lists: str, references: str | None, sounds: str | None, old: str | None) -> "list[NbestList]":
        costs = {name: Path(file) for name, file in ((ACOUSTIC, sounds), (OLD_LM, old)) if file is not None}
        options = ReadOptions(costs=costs, n=n, symbols=None if symbols is None else Path(symbols), first=first)
        return load_lists(lists, references, format=format, options=options, progress=progress)

    development = None if tune is None else read(tune, tune_ref, tune_acoustic, tune_lm)
    lists = read(nbest, ref, acoustic, lm)
    given: Any = weights if weight is None else dict(map(_weight, weight))
    loaded = load_mixed(model, mix or [], progress=progress)
    others = [load(each, task="language", progress=progress) for each in other or []]
    found = rescore(
        loaded, lists, others=others, tune=development, weights=given, cache=cache, progress=progress, **settings
    )
    if save_weights is not None:
        write_weights(Path(save_weights), found.weights)
    if out is not None:
        save_lists(Path(out), found.lists, to)
    if found.fitted == "guessed":
        progress.say("note: the weights are guesses; fit them with --tune NBEST --tune-ref FILE")
    _show(found, rescoring_figures(found), to, written=out is not None, as_json=as_json)


def _show(found: "Rescored", figures: dict[str, Any] | None, to: str, *, written: bool, as_json: bool) -> None:
    from elman.apps.nbest.formats import write_nbest

    weights = dict(found.weights.values)
    if as_json:
        choices = [{"id": each.utterance, **_flat(each.hypotheses[0])} for each in found.lists]
        print_json({"weights": weights, "fitted": found.fitted, "figures": figures, "choices": choices})
        return
    if figures is None:
        if not written:
            for line in write_nbest(found.lists, to):
                print(line)
        return
    head = ["", "WER", "substituted", "deleted", "inserted"]
    rows = [
        [name, f"{each['wer']:.2%}", *(str(each[kind]) for kind in ("substitutions", "deletions", "insertions"))]
        for name, each in ((name, figures[kind]) for kind, name in _NAMES.items())
    ]
    print(table(head, rows))
    change = {name: f"{100 * value:+.2f}" for name, value in figures["difference"].items()}
    sizes = f"{figures['utterances']:,} utterances, {figures['hypotheses']:,} hypotheses"
    interval = f"(95%: {change['low']} to {change['high']})"
    print(f"{sizes}, {figures['first']['words']:,} words; change {change['value']} points {interval}")
    print(f"weights ({found.fitted}): " + ", ".join(f"{name} {value:.3g}" for name, value in weights.items()))
    print(figures["verdict"])


_NAMES = {"first": "the list's first", "rescored": "rescored", "oracle": "best in the list"}


def _flat(hypothesis: Any) -> dict[str, Any]:
    return {"text": hypothesis.text, **hypothesis.scores}


def _check(
    to: str,
    out: str | None,
    n: int,
    tune: str | None,
    of_tune: dict[str, str | None],
    weights: str | None,
    weight: list[str] | None,
) -> None:
    if to not in _OUT:
        raise UsageError(f"--to is {to!r}; it must be one of: {', '.join(_OUT)}")
    if to in FOLDER_WRITERS and out is None:
        raise UsageError(f"--to {to} writes a file for each utterance; give their folder with --out")
    if n < 1:
        raise UsageError(f"-n is {n}; it must be at least 1")
    flag = next((name for name, value in of_tune.items() if value is not None), None)
    if tune is None and flag is not None:
        raise UsageError(f"{flag} is for a development part; give its lists with --tune")
    if sum(each is not None for each in (tune, weights, weight)) > 1:
        raise UsageError("--tune, --weights and --weight all say what the weights are; give one of them")


def _weight(word: str) -> tuple[str, float]:
    name, _, number = word.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise UsageError(f"--weight is {word!r}; it must be SCORE=NUMBER, such as model=0.4") from None
