"""elman generate MODEL [PROMPT]"""

import sys
from typing import Annotated

import typer

from elman.cli.flags import Block, Json, Mix, ModelArgument, Secrets
from elman.cli.screen import make_progress, print_json


def run(
    model: ModelArgument,
    prompt: Annotated[str, typer.Argument(metavar="[PROMPT]", help="Text to continue.")] = "",
    temperature: Annotated[float, typer.Option(help="0: always the likeliest; 1: as the model believes.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Sample from the k likeliest tokens.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Sample from the smallest set with this probability.")] = None,
    min_p: Annotated[
        float | None, typer.Option(help="Sample from tokens with this share of the likeliest one's probability.")
    ] = None,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1: tokens that the text has already are less likely.")
    ] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="At most this many tokens.")] = 100,
    seed: Annotated[int | None, typer.Option(help="Makes the text repeatable.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End before this text.")] = None,
    mix: Mix = None,
    block: Block = None,
    secrets: Secrets = True,
    as_json: Json = False,
) -> None:
    from elman.decode.blocklist import block_entries
    from elman.tasks.language.mixture import load_mixed

    # The same way as the server's, so that a seed gives the same text in both.
    loaded = load_mixed(model, mix or [], progress=make_progress())
    rules = {"stop": stop or (), "block": block_entries(block or []), "secrets": secrets}
    pieces = loaded.stream(
        prompt, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=repetition_penalty,
        max_tokens=max_tokens, seed=seed, **rules,
    )  # fmt: skip
    if as_json:
        print_json({"prompt": prompt, "text": "".join(pieces)})
        return
    sys.stdout.write(prompt)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
