"""elman score MODEL [TEXT...]"""

import io
import sys
from typing import Annotated

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import print_json


def run(
    model: ModelArgument,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT...]", help="Files; without any, stdin.")] = None,
    per_token: Annotated[
        bool,
        typer.Option("--per-token", help="A token a line, an empty line between lines."),
    ] = False,
    encoding: Annotated[str, typer.Option(help="Encoding of the text.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    as_json: Json = False,
) -> None:
    from elman import api
    from elman.text.corpus import CorpusConfig, read_lines

    loaded = api.load(model)
    lines = (line for line, _ in read_lines(texts or ["-"], config=CorpusConfig(encoding=encoding, field=field)))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    for scored in loaded.score_lines(lines):
        if as_json:
            value = {"text": scored.text, "log_prob": scored.log_prob, "tokens": scored.tokens, "oov": scored.oov}
            if per_token:
                value["per_token"] = [{"text": text, "log_prob": log_prob} for text, log_prob in scored.per_token]
            print_json(value)
        elif per_token:
            for text, log_prob in scored.per_token:
                print(f"{log_prob:.4f}\t{_visible(text)}")
            print()
        else:
            print(f"{scored.log_prob:.4f}\t{scored.text}")


def _visible(token: str) -> str:
    """A token on one line: its leading space as ▁, its line end as </s>."""
    if token == "\n":
        return "</s>"
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace(" ", "▁")
