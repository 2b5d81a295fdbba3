"""elman serve MODEL..."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Block, Json, Mix, Secrets, with_flags
from elman.cli.screen import make_progress, print_json
from elman.errors import UsageError
from elman.serve.limits import Limits


@with_flags(Limits)
def run(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Model folders or ARPA files, plain or as NAME=MODEL.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: reachable by others.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 1990,
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="What clients must send as Authorization: Bearer KEY (or set ELMAN_API_KEY, which no "
            "list of processes shows).",
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Origin allowed to make cross-site requests, like https://example.org; * for all.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name of this machine that clients may use, besides localhost."),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Taggers: let users correct tags, and add each correction to this .jsonl file, for elman train.",
        ),
    ] = None,
    learned: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the words that users teach in this file, for all of them; without it "
                     "each session has its own in memory."),
    ] = None,
    mix: Mix = None,
    block: Block = None,
    secrets: Secrets = True,
    as_json: Json = False,
    **settings: Any,
) -> None:  # fmt: skip
    from elman import api
    from elman.decode.blocklist import block_entries
    from elman.serve import server
    from elman.serve.app import create_app
    from elman.serve.hidden import Hidden
    from elman.serve.loaded_models import parse_names
    from elman.tasks.language.mixture import load_mixed

    limits = Limits(**settings)
    hidden = Hidden(block_entries(block or []), secrets=secrets)
    key = api_key if api_key is not None else os.environ.get("ELMAN_API_KEY")
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise UsageError("the API key is empty or has a blank or other than ASCII in it; choose letters and digits")
    if not 0 <= port < 1 << 16:
        raise UsageError(f"--port is {port}; it must be 0 to 65535")
    for origin in cors or []:
        scheme, mark, rest = origin.partition("://")
        if origin != "*" and (scheme not in ("http", "https") or not mark or not rest or "/" in rest):
            raise UsageError(f"--cors is {origin!r}; it must be like https://example.org, or * for all")
    paths = parse_names(models)
    if mix and len(paths) > 1:
        raise UsageError(
            f"--mix mixes into one model, and {len(paths)} are given; serve a folder of `elman mix` instead"
        )
    progress = make_progress()

    def load(path: str) -> Any:
        return load_mixed(path, mix, progress=progress) if mix else api.load(path, progress=progress)

    loaded = {name: load(path) for name, path in paths.items()}
    with server.listen(host, port) as opened:
        url = server.address(opened)
        if key is None and not opened.getsockname()[0].startswith(("127.", "::1")):
            progress.say("anyone who can reach this machine can use the models; --api-key asks for a key")
        names = [host, *(allow_host or [])]
        app = create_app(
            loaded, limits=limits, names=names, key=key, origins=cors or (), hidden=hidden, corrections=corrections,
            learned=learned,
        )  # fmt: skip

        def ready() -> None:
            progress.say(f"serving {', '.join(loaded)} at {url}; Ctrl-C ends it")
            if as_json:
                print_json({"url": url, "models": list(loaded)})
                sys.stdout.flush()

        server.run(app, opened, ready=ready, say=progress.say)
