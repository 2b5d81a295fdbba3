"""elman export MODEL --to arpa|onnx|folder|html|word2vec|word2vec-binary|glove --out FILE"""

from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.export_vectors import export_vectors, store_vectors
from elman.cli.flags import Block, Json, Mix, ModelArgument, with_flags
from elman.cli.screen import make_progress, print_json, table
from elman.errors import UsageError
from elman.export.distill import DistillConfig


@with_flags(DistillConfig)
def run(
    model: ModelArgument,
    to: Annotated[
        str,
        typer.Option(
            metavar="arpa|onnx|folder|html|word2vec|word2vec-binary|glove",
            help="An ARPA file, ONNX files (networks) in a folder, a model folder, one page that works offline, or a "
            "file of word vectors.",
        ),
    ],
    out: Annotated[
        str, typer.Option(metavar="FILE", help="What to write; an ARPA file whose name ends in .gz is gzip.")
    ],
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="int8|fp32",
            help="Precision of ONNX files and of folders of word vectors; int8 (default) where it costs no accuracy.",
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="ARPA files: text on which a network is queried (default: its training text). Pages: text "
            "on which saved keystrokes are counted (default: its validation text).",
        ),
    ] = None,
    target_size: Annotated[
        str | None,
        typer.Option(
            metavar="5M",
            help="The most bytes. Pages: n-grams are pruned, or fewer word vectors kept. Folders of word vectors: "
            "fewer bits, then fewer words.",
        ),
    ] = None,
    words: Annotated[
        int | None,
        typer.Option("--words", help="Pages of word vectors: how many of the most frequent words (default 5000)."),
    ] = None,
    similarity: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Folders of word vectors: pairs to judge them by, before and after."),
    ] = None,
    analogies: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="The same by questions of four words.")
    ] = None,
    mix: Mix = None,
    tune: Annotated[
        str | None, typer.Option(
            metavar="FILE",
            help="Text on which the n-gram's weights are fitted (default: the validation text).",
        )
    ] = None,
    block: Block = None,
    secrets: Annotated[
        bool | None,
        typer.Option(
            "--secrets/--no-secrets",
            help="Whether long numbers, addresses and random strings stand in what is written "
            "(default: in pages no, in ARPA and ONNX files yes).",
        ),
    ] = None,
    as_json: Json = False,
    **settings: Any,
) -> None:  # fmt: skip
    from elman import api
    from elman.decode.blocklist import block_entries
    from elman.export.private_types import private_types
    from elman.export.word2vec import FORMATS
    from elman.storage.folder import folder_bytes
    from elman.tasks.language.mixture import load_mixed, parse_part
    from elman.tasks.language.request import bytes_of
    from elman.tasks.vectors.model import holds_vectors

    if to not in ("arpa", "onnx", "folder", "html", *FORMATS):
        raise UsageError(
            f"--to is {to!r}; it must be arpa, onnx, folder, html, {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        )
    stored = to == "folder" and holds_vectors(Path(model))
    if precision is not None and to != "onnx" and not stored:
        raise UsageError(
            "--precision applies to ONNX files and folders of word vectors only; add --to onnx, or leave it out"
        )
    if precision not in (None, "int8", "fp32"):
        raise UsageError(f"--precision is {precision!r}; it must be int8 or fp32")
    if target_size is not None and to != "html" and not stored:
        raise UsageError(
            "--target-size applies to pages and folders of word vectors only; add --to html, or leave it out"
        )
    if (similarity or analogies) and not stored:
        raise UsageError("--similarity and --analogies judge folders of word vectors only; leave them out")
    if stored and target_size is not None and precision is not None:
        raise UsageError("--target-size chooses the precision; give one of --target-size and --precision")
    target = None if target_size is None else bytes_of(target_size, flag="--target-size", example="5M")
    texts = {name: value for name, value in {"text": text, "tune": tune}.items() if value is not None}
    for name in settings | texts:
        if to != "arpa" and (to, name) != ("html", "text"):
            raise UsageError(f"--{name} applies to ARPA files only; add --to arpa, or leave it out")
    if block and to != "html":
        raise UsageError("--block applies to pages only; add --to html, or leave it out")
    if secrets is not None and to not in ("html", "arpa", "onnx"):
        raise UsageError("--secrets applies to pages, ARPA and ONNX files only; leave it out")
    path = Path(out)
    if to in ("arpa", "html", *FORMATS) and path.is_dir():
        example = path / {"arpa": "model.arpa.gz", "html": "model.html", "word2vec-binary": "vectors.bin"}.get(
            to, "vectors.txt"
        )
        raise UsageError(f"--out {out} is a folder; give the name of a file, such as {example}")
    progress = make_progress()
    of_vectors = to in FORMATS or (to == "html" and not mix and holds_vectors(Path(model)))
    if words is not None and not (of_vectors and to == "html"):
        raise UsageError("--words applies to pages of word vectors only; leave it out")
    if of_vectors or stored:
        if mix or text is not None:
            raise UsageError("--mix and --text apply to language models only; leave them out")
        if stored:
            lists = {"similarity": similarity or (), "analogies": analogies or ()}
            how = {"precision": "int8" if precision is None else precision, "most": target, **lists}
            store_vectors(Path(model), path, how=how, as_json=as_json)
            return
        limits = {"words": words, "most": target, "block": block_entries(block or []), "secrets": bool(secrets)}
        export_vectors(Path(model), path, to, limits=limits, as_json=as_json)
        return
    if mix:
        loaded = load_mixed(model, mix, progress=progress)
    else:
        by_torch = to == "arpa" or precision == "fp32"
        loaded = api.load(model, task="language", progress=progress, torch=by_torch)
    distilled = page = None
    if to == "arpa":
        distilled = loaded.export(path, secrets=secrets is not False, progress=progress, **texts, **settings)
    elif to == "html":
        title = " + ".join(Path(parse_part(word).path).name for word in [model, *mix]) if mix else None
        rules = {"block": block_entries(block or []), "secrets": bool(secrets)}
        page = loaded.export_html(path, name=title, target_size=target, text=text, **rules, progress=progress)
    elif to == "onnx":
        loaded.export_onnx(path, precision=precision or "int8", secrets=secrets is not False, progress=progress)
    else:
        loaded.save(path)
    about = loaded.lm.describe()
    found: dict[str, Any] = {
        "model": model,
        "to": to,
        "out": out,
        "bytes": folder_bytes(path),
        "parameters": about["parameters"],
    }
    if distilled is not None:
        found |= {"parameters": distilled["ngrams"], "distilled": distilled}
    if page is not None:
        found["page"] = {name: page[name] for name in ("model", "page", "text", "hidden") if name in page}
    if to in ("arpa", "onnx"):
        tokenizer = loaded.lm.tokenizer
        found["private"] = {"types": len(private_types(tokenizer)), "written": secrets is not False}
        progress.say(_private(found["private"], tokenizer.size))
    if as_json:
        print_json(found)
        return
    if distilled is not None:
        print(_distilled(out, found["bytes"], distilled))
        return
    print(f"{out}: {about['name']}, {about['size']}, {about['parameters']:,} parameters, {found['bytes'] / 1e6:.1f} MB")
    if page is not None:
        print(_hidden(page["hidden"]))
        if "text" in page:
            print(_saved(page))


def _hidden(counts: dict[str, int]) -> str:
    private, blocked = counts["private"], counts["blocked"]
    said = f"{private + blocked:,} of {counts['vocabulary']:,} words of the vocabulary are never offered"
    return f"{said}: {private:,} look private (--secrets offers them), {blocked:,} are blocked"


def _private(found: dict[str, Any], size: int) -> str:
    what = f"{found['types']:,} of {size:,} types look private (long numbers, addresses, random strings)"
    if not found["types"]:
        return "nothing in the vocabulary looks private (long numbers, addresses, random strings)"
    return f"{what}; " + ("--no-secrets leaves them out" if found["written"] else "they were left out")


def _distilled(out: str, size: int, facts: dict[str, Any]) -> str:
    perplexity = facts["perplexity"]
    name = f"{facts['order']}-gram"
    rows = [
        [f"the {facts['from']}", f"{perplexity['model']:.2f}", ""],
        [f"this {name}", f"{perplexity['distilled']:.2f}", f"{facts['ngrams']:,}"],
        [f"a plain {name} of the text", f"{perplexity['plain']:.2f}", f"{facts['plain_ngrams']:,}"],
    ]
    return f"{out}: {name}, {size / 1e6:.1f} MB\n{table(['', 'perplexity', 'n-grams'], rows)}"


def _saved(page: dict[str, Any]) -> str:
    """Keystrokes saved by suggestions, with the model and with its page."""
    rows = []
    for name, about in (("the model", page["model"]), ("this page", page["page"])):
        if "keystrokes" in about:
            found = about["keystrokes"]
            shares = [f"{100 * found[key]:.1f}%" for key in ("saved", "recall_at_1", "recall_at_3")]
            ngrams = f"{about['ngrams']:,}" if "ngrams" in about else ""
            rows.append([name, *shares, ngrams, f"{about['bytes'] / 1e6:.1f}"])
    words = page["page"]["keystrokes"]["words"]
    note = f"of three suggestions, counted on {words:,} words of text {page['text']['sha256'][:12]}"
    return f"{table(['', 'keys saved', 'top 1', 'top 3', 'n-grams', 'MB'], rows)}\n{note}"
