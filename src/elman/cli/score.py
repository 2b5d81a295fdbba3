"""elman score MODEL [TEXT...]"""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json, Mix, ModelArgument
from elman.cli.screen import make_progress, print_json
from elman.cli.states import read_state
from elman.errors import UsageError
from elman.system.files import write_atomic


def run(
    model: ModelArgument,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT...]", help="Files; without any, stdin.")] = None,
    per_token: Annotated[
        bool,
        typer.Option("--per-token", help="A token a line, an empty line between lines."),
    ] = False,
    save_state: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read the lines as one text, and write what the model then knows."),
    ] = None,
    load_state: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the lines as one text that goes on from a saved state.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the text.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    mix: Mix = None,
    as_json: Json = False,
) -> None:
    from elman.tasks.language.mixture import load_mixed
    from elman.text.corpus import CorpusConfig, read_lines

    if save_state is not None and (Path(save_state).is_dir() or not Path(save_state).parent.is_dir()):
        raise UsageError(f"--save-state {save_state} cannot be written; give a file in a folder that exists")
    loaded = load_mixed(model, mix or [], progress=make_progress())
    config = CorpusConfig(encoding=encoding, field=field)
    lines = (line for line, _ in read_lines(texts or ["-"], config=config, blank=True))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    one_text = save_state is not None or load_state is not None
    last = read_state(load_state, loaded.lm, flag="--load-state") if load_state else loaded.lm.start()
    found = loaded.follow_lines(lines, last) if one_text else ((each, last) for each in loaded.score_lines(lines))
    for scored, state in found:
        last = state
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
    if save_state is not None:
        write_atomic(Path(save_state), last.to_bytes())


def _visible(token: str) -> str:
    """A token on one line: its leading space as ▁, its line end as </s>."""
    if token == "\n":
        return "</s>"
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace(" ", "▁")
