"""elman mix MODEL MODEL... --out DIR"""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Context, Json, refuse
from elman.cli.screen import make_progress, print_json, table
from elman.errors import FolderError, UsageError


def run(
    call: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", help="Two or more, of one vocabulary; with MODEL=WEIGHT nothing is fitted."
        ),
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="The new model folder, which holds copies of all parts.")],
    tune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Text to fit the weights on, never the one to report on; by default the validation "
            "text in a model's card.",
        ),
    ] = None,
    context: Context = "document",
    document: Annotated[str, typer.Option(metavar="file|line|block", help="What a document is.")] = "file",
    encoding: Annotated[str, typer.Option(help="Encoding of the text.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    from elman import api
    from elman.storage import folder as model_folder
    from elman.tasks.language.mixture import complete_weights, load_parts, mixed_model, parse_part
    from elman.text.corpus import CorpusConfig

    path = Path(out)
    if model_folder.exists(path) and (path.is_file() or any(path.iterdir())):
        raise FolderError(f"{path} exists and is not empty; choose another --out")
    parts = [parse_part(word) for word in models]
    if len(parts) < 2:
        raise UsageError(f"a mixture needs two models or more; you gave {len(parts)}: elman mix A B --out {out}")
    given = any(part.weight is not None for part in parts)
    if given and tune:
        raise UsageError("--tune fits the weights, and MODEL=WEIGHT gives them; leave out one of them")
    reading = {"document": document, "encoding": encoding, "field": field}
    if given:
        refuse(call, ["context", *reading], "is for fitting the weights, and MODEL=WEIGHT gives them")
    progress = make_progress()
    config = CorpusConfig.from_json(reading)
    weights = complete_weights([part.weight for part in parts]) if given else None
    loaded = load_parts(parts, one_folder=True, progress=progress)
    if weights is None:
        how: dict[str, Any] = {"context": context, "config": config, "progress": progress}
        mixed = api.mix(loaded, tune or None, **how)
    else:
        mixed = mixed_model(loaded, weights)
    mixed.save(path)
    facts = mixed.card["mixture"]
    size = model_folder.folder_bytes(path)
    if as_json:
        print_json({"folder": out, "bytes": size, **facts})
        return
    print(f"{out}: a mixture of {len(parts)} models, {size / 1e6:.1f} MB")
    print(table(["", "weight", "bits per byte", "perplexity"], _rows([part.path for part in parts], facts)))
    if "tuned_on" in facts:
        print(f"fitted on text {facts['tuned_on'][:12]}, {facts['tuned_tokens']:,} tokens, context {facts['context']}")


def _rows(names: list[str], facts: dict[str, Any]) -> list[list[str]]:
    """Each part, then the mixture; without figures where the weights were given."""
    named = zip(names, facts["weights"], facts["parts"], strict=True)
    rows = [[name, f"{weight:.3f}", *_figures(part)] for name, weight, part in named]
    return [*rows, ["mixture", "", *_figures(facts)]] if "figures" in facts else rows


def _figures(about: dict[str, Any]) -> list[str]:
    figures = about.get("figures")
    return [f"{figures['bits_per_byte']:.4f}", f"{figures['perplexity']:.2f}"] if figures else ["", ""]
