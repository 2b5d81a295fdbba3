"""elman predict MODEL [TEXT...]"""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import print_json
from elman.errors import UsageError


def run(
    model: ModelArgument,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT...]", help="Texts; without any, lines of standard input.")
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Print the probabilities of all labels.")] = False,
    as_json: Json = False,
) -> None:
    from elman import api

    loaded = api.load(model)
    if not hasattr(loaded, "predictions"):
        raise UsageError(f"{model} predicts no labels; say: elman complete {model} TEXT, or elman info {model}")
    lines = iter(texts) if texts else _lines()
    if proba and not as_json:
        print("\t".join(["label", *loaded.labels]))
    for prediction in loaded.predictions(lines):
        _print(loaded, prediction, proba=proba, as_json=as_json)


def _lines() -> Iterator[str]:
    for line in sys.stdin:
        yield line.rstrip("\r\n")


def _print(model: Any, prediction: Any, *, proba: bool, as_json: bool) -> None:
    probabilities = prediction.probabilities.tolist()
    if as_json:
        named = dict(zip(model.labels, probabilities, strict=True))
        print_json({"labels": list(prediction.labels), "probabilities": named})
        return
    shown = ",".join(prediction.labels)
    if proba:
        print("\t".join([shown, *(f"{probability:.4f}" for probability in probabilities)]))
        return
    chances = dict(zip(model.labels, probabilities, strict=True))
    # Without a label, how likely it is that none of them holds is as good as one minus the likeliest.
    likely = min((chances[label] for label in prediction.labels), default=1 - max(probabilities))
    print(f"{shown}\t{likely:.4f}")
