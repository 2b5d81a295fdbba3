"""elman reply MODEL [MESSAGE]"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.apps.reply import ReplyConfig
from elman.cli.flags import Block, Json, ModelArgument, with_flags
from elman.cli.screen import make_progress, print_json
from elman.errors import UsageError


@with_flags(ReplyConfig)
def run(
    model: ModelArgument,
    message: Annotated[
        str | None, typer.Argument(metavar="[MESSAGE]", help="The message; without one, lines of standard input.")
    ] = None,
    replies: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Replies to choose from, one a line (default: the most frequent ones of training)."
        ),
    ] = None,
    earlier: Annotated[
        list[str] | None,
        typer.Option(metavar="TURN", help="A turn before the message, the oldest first (repeatable)."),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--n", help="How many replies.")] = 3,
    lm: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A language model of dialogues beside a model of replies.")
    ] = None,
    block: Block = None,
    secrets: Annotated[
        bool,
        typer.Option("--secrets/--no-secrets", help="Whether to offer long numbers, addresses and random strings."),
    ] = False,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.api import load
    from elman.apps.replying import load_replier
    from elman.decode.blocklist import block_entries

    if not 1 <= n <= 1000:
        raise UsageError(f"--n is {n}; it must be at least 1 and at most 1000")
    config, progress = ReplyConfig.from_json(settings), make_progress()
    loaded = load(model, progress=progress)
    beside = None if lm is None else load(lm, task="language", progress=progress)
    blocked = block_entries(block or [])
    given = None if replies is None else Path(replies)
    replier = load_replier(loaded, lm=beside, replies=given, block=blocked, secrets=secrets, config=config)
    messages: Iterable[str] = (line.rstrip("\r\n") for line in sys.stdin) if message is None else [message]
    for number, each in enumerate(messages):
        found = replier.choose(each, earlier=earlier or (), n=n)
        if as_json:
            print_json({"message": each, "replies": [reply.to_json() for reply in found]})
            continue
        if number:
            print()
        for reply in found:
            print(f"{reply.score:+.2f}\t{reply.text}")
        sys.stdout.flush()
