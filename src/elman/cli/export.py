"""elman export MODEL --to arpa|onnx|folder|html --out FILE"""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Block, Json, ModelArgument, with_flags
from elman.cli.screen import make_progress, print_json, table
from elman.errors import UsageError
from elman.export.distill import DistillConfig


@with_flags(DistillConfig)
def run(
    model: ModelArgument,
    to: Annotated[
        str,
        typer.Option(
            metavar="arpa|onnx|folder|html",
            help="An ARPA file, ONNX files (networks) in a folder, a model folder, or one page that works offline.",
        ),
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="What to write; an ARPA file whose name ends in .gz is gzip.")
    ],
    precision: Annotated[
        str | None, typer.Option(metavar="int8|fp32", help="Of ONNX files; int8 (default) where it costs nothing.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="FILE", help="What a network is asked about; default: its training text.")
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="FILE", help="What n-grams are weighed on; default: its validation text.")
    ] = None,
    block: Block = None,
    secrets: Annotated[
        bool | None,
        typer.Option(
            "--secrets/--no-secrets",
            help="Whether a page offers long numbers, addresses and random strings "
            "(default: no, and they do not stand in it).",
        ),
    ] = None,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman import api
    from elman.decode.blocklist import block_entries
    from elman.storage.folder import folder_bytes

    if to not in ("arpa", "onnx", "folder", "html"):
        raise UsageError(f"--to is {to!r}; it must be arpa, onnx, folder or html")
    if precision is not None and to != "onnx":
        raise UsageError("--precision is of ONNX files; add --to onnx, or leave it out")
    if precision not in (None, "int8", "fp32"):
        raise UsageError(f"--precision is {precision!r}; it must be int8 or fp32")
    if (block or secrets is not None) and to != "html":
        raise UsageError("--block and --secrets are of pages; add --to html, or leave them out")
    settings |= {name: value for name, value in {"text": text, "tune": tune}.items() if value is not None}
    if settings and to != "arpa":
        raise UsageError(f"--{next(iter(settings))} is of ARPA files; add --to arpa, or leave it out")
    path = Path(out)
    if to in ("arpa", "html") and path.is_dir():
        example = path / {"arpa": "model.arpa.gz", "html": "model.html"}[to]
        raise UsageError(f"--out {out} is a folder; give the name of a file, such as {example}")
    progress = make_progress()
    loaded = api.load(model, task="language", progress=progress, torch=to == "arpa" or precision == "fp32")
    distilled, hidden = None, None
    if to == "arpa":
        distilled = loaded.export(path, progress=progress, **settings)
    elif to == "html":
        entries = block_entries(block or [])
        hidden = loaded.export_html(path, block=entries, secrets=bool(secrets), progress=progress)["hidden"]
    elif to == "onnx":
        loaded.export_onnx(path, precision=precision or "int8", progress=progress)
    else:
        loaded.save(path)
    about = loaded.lm.describe()
    found = {"model": model, "to": to, "out": out, "bytes": folder_bytes(path), "parameters": about["parameters"]}
    if distilled is not None:
        found |= {"parameters": distilled["ngrams"], "distilled": distilled}
    if hidden is not None:
        found["hidden"] = hidden
    if as_json:
        print_json(found)
        return
    if distilled is not None:
        print(_distilled(out, found["bytes"], distilled))
        return
    print(f"{out}: {about['name']}, {about['size']}, {about['parameters']:,} parameters, {found['bytes'] / 1e6:.1f} MB")
    if hidden is not None:
        print(_hidden(hidden))


def _hidden(counts: dict[str, int]) -> str:
    private, blocked = counts["private"], counts["blocked"]
    said = f"{private + blocked:,} of {counts['vocabulary']:,} words of the vocabulary are never offered"
    return f"{said}: {private:,} look private (--secrets offers them), {blocked:,} are blocked"


def _distilled(out: str, size: int, facts: dict[str, Any]) -> str:
    perplexity = facts["perplexity"]
    name = f"{facts['order']}-gram"
    rows = [
        [f"the {facts['from']}", f"{perplexity['model']:.2f}", ""],
        [f"this {name}", f"{perplexity['distilled']:.2f}", f"{facts['ngrams']:,}"],
        [f"a plain {name} of the text", f"{perplexity['plain']:.2f}", f"{facts['plain_ngrams']:,}"],
    ]
    return f"{out}: {name}, {size / 1e6:.1f} MB\n{table(['', 'perplexity', 'n-grams'], rows)}"
