"""elman explain [TOPIC]"""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Json
from elman.cli.screen import print_json, warn
from elman.errors import FolderError, UsageError


def run(
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="Without one, all topics are listed.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Unroll this network over --sentence, with its own sizes.")
    ] = None,
    sentence: Annotated[str | None, typer.Option(metavar="LINE", help="What the network reads.")] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="The drawing as .svg or .png.")] = None,
    as_json: Json = False,
) -> None:
    from elman.explain.page import overview, page, topic_named, topics, values

    found = None if topic is None else topic_named(topic)
    kind = None if out is None else _kind_of_file(Path(out))
    if model is not None or sentence is not None:
        _unrolled(found, model, sentence, out, kind, as_json)
        return
    if found is None:
        if out is not None:
            raise UsageError("--out needs a topic to draw: try elman explain lstm --out lstm.svg")
        if as_json:
            print_json({"topics": [{"topic": each.name, "title": each.title} for each in topics().values()]})
        else:
            print(overview())
        return
    if out is not None and found.cell is None:
        cells = ", ".join(name for name, each in topics().items() if each.cell is not None)
        raise UsageError(f"--out draws cells, and {found.name} is not a cell; choose one of: {cells}")
    if out is not None and found.cell is not None and kind is not None:
        _write(Path(out), [found.layout], f"{found.name}: {found.title}".removesuffix(": "), kind)
    if as_json:
        print_json({**values(found), "file": out})
    else:
        print(page(found))


def _unrolled(found: Any, model: str | None, sentence: str | None, out: str | None, kind: str | None, as_json: bool):
    if model is None:
        raise UsageError("--sentence needs a network that reads it; add --model FOLDER")
    if sentence is None:
        raise UsageError('--model needs something to read; add --sentence "some words"')
    from elman import api
    from elman.explain.page import WIDTH, topic_named
    from elman.explain.unrolled import (
        PICTURE_WIDTH,
        layouts,
        unroll,
        unrolled_page,
        unrolled_title,
        unrolled_values,
    )
    from elman.models.registry import entry, resolve
    from elman.storage import folder as model_folder

    path = Path(model)
    if path.is_file():
        raise FolderError(f"{path} is a file; a network to unroll is a folder that `elman train --out` wrote")
    kind_of_model, settings = model_folder.read_config(path)
    if not entry(kind_of_model).learns:
        raise UsageError(f"{path} is a model of kind {kind_of_model}, which has no cell to unroll; give a network")
    if found is not None and topic_named(kind_of_model).name != found.name:
        raise UsageError(
            f"{path} is a network of kind {kind_of_model}, not {found.name}; say: elman explain {kind_of_model} "
            f"--model {path}"
        )
    config = resolve(entry(kind_of_model).config).from_json(settings)
    loaded = api.load(path, task="language")
    seen = unroll(loaded.lm, config, sentence)
    weights = model_folder.read_arrays(path / model_folder.WEIGHTS_FILE, mapped=True)
    if out is not None and kind is not None:
        _write(Path(out), layouts(seen, width=PICTURE_WIDTH), unrolled_title(seen), kind)
    if as_json:
        print_json({**unrolled_values(seen, name=path.name, weights=weights), "file": out})
    else:
        print(unrolled_page(seen, name=path.name, weights=weights, width=WIDTH))


def _kind_of_file(path: Path) -> str:
    from elman.explain.picture import kind_of_file

    return kind_of_file(path)


def _write(path: Path, drawings: list[Any], title: str, kind: str) -> None:
    from elman.explain.picture import picture
    from elman.system.files import write_atomic

    write_atomic(path, picture(drawings, title=title, kind=kind))
    warn(f"drawing: {path}")
