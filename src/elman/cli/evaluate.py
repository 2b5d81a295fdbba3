"""elman evaluate MODEL TEXT..."""

from typing import Annotated

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import make_progress, print_json, table, warn
from elman.errors import UsageError


def run(
    model: ModelArgument,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Files, folders, globs, - or builtin:pydocs.")],
    context: Annotated[
        str, typer.Option(metavar="carry|document|independent", help="What is known when a line begins.")
    ] = "document",
    mix: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Mix in another model (again and again).")
    ] = None,
    tune: Annotated[list[str] | None, typer.Option(metavar="FILE", help="Text to fit the weights of --mix on.")] = None,
    document: Annotated[str, typer.Option(metavar="file|line|block", help="What a document is.")] = "file",
    encoding: Annotated[str, typer.Option(help="Encoding of the text files.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    as_json: Json = False,
) -> None:
    from elman import api
    from elman.text.corpus import CorpusConfig

    if context not in ("carry", "document", "independent"):
        raise UsageError(f"--context is {context!r}; it must be carry, document or independent")
    if tune and not mix:
        raise UsageError("--tune is the text that the weights of --mix are fitted on; add --mix MODEL")
    config = CorpusConfig.from_json({"document": document, "encoding": encoding, "field": field})
    progress = make_progress()
    loaded = api.load(model)
    if mix:
        if not tune:
            raise UsageError("--mix needs --tune FILE, a text to fit the weights on (not the one you evaluate on)")
        parts = [loaded, *map(api.load, mix)]
        loaded = api.mix(parts, tune, context=context, config=config, progress=progress)  # type: ignore[arg-type]
    found = loaded.evaluate(
        *texts,
        context=context,  # type: ignore[arg-type]
        document=config.document,
        encoding=config.encoding,
        field=config.field,
        progress=progress,
    )
    if mix and f"data:{loaded.passport['mixture']['tuned_on'][:12]}|" in found["signature"]:
        warn("the weights were fitted on the text that is evaluated: this figure flatters the mixture")
    if as_json:
        print_json(found)
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
