"""elman export MODEL --to arpa|folder --out FILE"""

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.flags import Json, ModelArgument
from elman.cli.screen import make_progress, print_json
from elman.errors import UsageError


def run(
    model: ModelArgument,
    to: Annotated[
        str, typer.Option(metavar="arpa|folder", help="An ARPA file (n-gram models only), or a model folder.")
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="What to write; an ARPA file whose name ends in .gz is gzip.")
    ],
    as_json: Json = False,
) -> None:
    from elman import api
    from elman.folder import folder_bytes

    if to not in ("arpa", "folder"):
        raise UsageError(f"--to is {to!r}; it must be arpa or folder")
    path = Path(out)
    if to == "arpa" and path.is_dir():
        raise UsageError(f"--out {out} is a folder; give the name of a file, such as {path / 'model.arpa.gz'}")
    progress = make_progress()
    loaded = api.load(model, progress=progress)
    if to == "arpa":
        loaded.export(path, progress=progress)
    else:
        loaded.save(path)
    about = loaded.lm.describe()
    found = {"model": model, "to": to, "out": out, "bytes": folder_bytes(path), "parameters": about["parameters"]}
    if as_json:
        print_json(found)
        return
    print(f"{out}: {about['name']}, {about['size']}, {about['parameters']:,} parameters, {found['bytes'] / 1e6:.1f} MB")
