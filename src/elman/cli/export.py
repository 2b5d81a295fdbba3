"""elman export MODEL --to arpa|onnx|folder --out FILE"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import make_progress, print_json
from elman.errors import UsageError


def run(
    model: ModelArgument,
    to: Annotated[
        str,
        typer.Option(
            metavar="arpa|onnx|folder",
            help="An ARPA file (n-gram models), ONNX files (networks) in a folder, or a model folder.",
        ),
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="What to write; an ARPA file whose name ends in .gz is gzip.")
    ],
    precision: Annotated[
        str | None, typer.Option(metavar="int8|fp32", help="Of ONNX files; int8 (default) where it costs nothing.")
    ] = None,
    as_json: Json = False,
) -> None:
    from elman import api
    from elman.folder import folder_bytes

    if to not in ("arpa", "onnx", "folder"):
        raise UsageError(f"--to is {to!r}; it must be arpa, onnx or folder")
    if precision is not None and to != "onnx":
        raise UsageError("--precision is of ONNX files; add --to onnx, or leave it out")
    if precision not in (None, "int8", "fp32"):
        raise UsageError(f"--precision is {precision!r}; it must be int8 or fp32")
    path = Path(out)
    if to == "arpa" and path.is_dir():
        raise UsageError(f"--out {out} is a folder; give the name of a file, such as {path / 'model.arpa.gz'}")
    progress = make_progress()
    loaded = api.load(model, progress=progress, runtime=to == "folder")
    if to == "arpa":
        loaded.export(path, progress=progress)
    elif to == "onnx":
        loaded.export_onnx(path, precision=precision or "int8", progress=progress)
    else:
        loaded.save(path)
    about = loaded.lm.describe()
    found = {"model": model, "to": to, "out": out, "bytes": folder_bytes(path), "parameters": about["parameters"]}
    if as_json:
        print_json(found)
        return
    print(f"{out}: {about['name']}, {about['size']}, {about['parameters']:,} parameters, {found['bytes'] / 1e6:.1f} MB")
