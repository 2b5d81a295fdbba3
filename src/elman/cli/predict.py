"""elman predict MODEL [TEXT...]"""

import codecs
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from elman.cli.flags import Json, ModelArgument, refuse, with_flags
from elman.cli.screen import make_progress, print_json
from elman.cli.tasks import other_task
from elman.decode.translation import DecodingConfig
from elman.errors import TextError, UsageError
from elman.system.files import write_atomic


@with_flags(DecodingConfig)
def run(
    call: typer.Context,
    model: ModelArgument,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT...]", help="Texts, or files of pictures; without any, lines of standard input."),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Print the probabilities of all labels.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show what each word of a text contributes to its label, or where a translator or captioner looked "
            "for each word.",
        ),
    ] = False,
    label: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --explain: the label to explain (default: the predicted one)."),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also write the explanation of one text as a page; implies --explain."),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.png|.svg",
            help="Also draw the explanation of one text or picture; implies --explain.",
        ),
    ] = None,
    out_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Taggers: print tagged sentences in a format such as conllu, columns or jsonl. Standard input in a "
            "format of tagged text keeps all but its tags; other input is raw text.",
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(help="Forecasters: steps to forecast (default: as trained; more are forecast recursively)."),
    ] = None,
    begin: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Translators, captioners: how every text begins.")
    ] = None,
    lm: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Translators, captioners: a language model that helps."),
    ] = None,
    lm_weight: Annotated[
        float | None, typer.Option(help="With --lm: the weight of its log-probabilities (default: 0.2).")
    ] = None,
    glossary: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Translators: terms and their translations, a tab between, one a line."),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Taggers: the format of standard input, such as conllu, columns, jsonl or text (default: found out by "
            "its first lines with --format, else text).",
        ),
    ] = None,
    n_best: Annotated[
        int | None,
        typer.Option(
            "--n-best",
            metavar="N",
            help="Taggers: print the N most probable tag sequences of each text. Translators, captioners: N texts.",
        ),
    ] = None,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman import api

    loaded = api.load(model)
    if hasattr(loaded, "most_similar"):
        task = other_task(model)
        say = f"elman similar {model} WORD" if task is None else task.next_steps(model).partition("   ")[0]
        raise UsageError(f"{model} has vectors and labels no texts; say: {say}")
    if not hasattr(loaded, "predictions"):
        if (task := other_task(model)) is not None:
            raise UsageError(f"{model} labels no texts; say: {task.next_steps(model).partition('   ')[0]}")
        if not hasattr(loaded, "complete"):
            raise UsageError(f"{model} labels no texts; elman info {model} says what it is")
        raise UsageError(f"{model} continues text; say: elman complete {model} TEXT, or elman info {model}")
    for name, value in (("format", out_format), ("input-format", input_format)):
        if value is not None and not hasattr(loaded, "written"):
            raise UsageError(f"{model} is no tagger; leave out --{name}")
    if input_format is not None and texts:
        raise UsageError("--input-format is that of standard input; leave it out, or the texts")
    if hasattr(loaded, "rows_of"):
        lines = _rows(loaded, texts)
    elif texts or (out_format is None and input_format is None):
        lines = iter(texts) if texts else _lines()
    else:
        lines = loaded.read(format=input_format or "auto", for_writing=out_format is not None)
    more = {**settings, "begin": begin, "lm": lm, "lm_weight": lm_weight, "glossary": glossary, "n_best": n_best}
    if explain or html is not None or picture is not None:
        if proba:
            raise UsageError("--proba and --explain print two kinds of tables; give one of them")
        if not hasattr(loaded, "explain"):
            raise UsageError(f"{model} cannot explain its predictions; leave out --explain")
        refuse(call, [*more, "horizon", "out_format"], "does not go with an explanation")
        files = {name: file for name, file in (("html", html), ("picture", picture)) if file is not None}
        _explain(loaded, lines, label=label, files=files, as_json=as_json)
        return
    if out_format is not None:
        if proba or as_json or label is not None or n_best is not None:
            raise UsageError("--format prints tags alone; leave out --proba, --json, --label and --n-best")
        refuse(call, [*more, "horizon"], "is not for taggers")
        sys.stdout.writelines(loaded.written(lines, format=out_format))
        return
    if label is not None:
        raise UsageError("--label names the label to explain; add --explain")
    if proba and not hasattr(loaded, "labels"):
        raise UsageError(f"{model} predicts no labels; leave out --proba")
    if n_best is not None and hasattr(loaded, "written"):
        if proba:
            raise UsageError("--proba and --n-best print two kinds of tables; give one of them")
        refuse(call, [*(name for name in more if name != "n_best"), "horizon"], "is not for taggers")
        _print_n_best(loaded, lines, n_best, as_json=as_json)
        return
    if horizon is not None and not hasattr(loaded, "forecast"):
        raise UsageError(f"{model} forecasts no series; leave out --horizon")
    more = {name: value for name, value in more.items() if value is not None}
    if more and not hasattr(loaded, "reading"):
        raise UsageError(f"{model} is no translator or captioner; leave out --{next(iter(more)).replace('_', '-')}")
    if lm_weight is not None and lm is None:
        raise UsageError("--lm-weight is the weight of a language model; add --lm MODEL")
    if lm is not None:
        more["lm"] = api.load(lm, task="language").lm
    if glossary is not None:
        more["glossary"] = _glossary(glossary)
    if horizon is not None:
        more["horizon"] = horizon
    head = None if as_json else "\t".join(loaded.head) if proba else getattr(loaded, "first_line", None)
    for number, prediction in enumerate(loaded.predictions(lines, **more)):
        if not number and head is not None:
            print(head)
        _print(prediction, proba=proba, as_json=as_json)


def _rows(loaded: Any, texts: list[str] | None) -> Iterator[Any]:
    """Rows of columns, or series: of files, of values in the arguments, of standard input, or those
    that it has."""
    from elman.text.decoding import raw_lines
    from elman.text.sources import find_sources

    if not texts:
        alone = hasattr(loaded, "stored") and sys.stdin.isatty()
        rows = iter(()) if alone else loaded.rows_of(_lines(), name="standard input")
        first = next(rows, None)
        if first is not None:
            yield first
            yield from rows
        elif hasattr(loaded, "stored"):
            if not alone:
                make_progress().say("standard input has no rows: the series of the training go on from their ends")
            yield from loaded.stored()
    for text in texts or []:
        if "=" in text and not Path(text).exists():
            yield text
            continue
        for source in find_sources([text]):
            lines = raw_lines(source, encoding="utf-8", advance=lambda _: None)
            rows = loaded.rows_of(lines, name=source.name)
            first = next(rows, None)
            if first is None:
                raise TextError(f"{source.name}: there are no rows; give a first line of names, then one row a line")
            yield first
            yield from rows


def _lines() -> Iterator[str]:
    from elman.text.splitting import LEGACY

    # Bytes: what Python makes of them depends on the machine's settings.
    for number, data in enumerate(sys.stdin.buffer, 1):
        try:
            yield data.removeprefix(codecs.BOM_UTF8 if number == 1 else b"").decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            byte = f"byte {error.start} of line {number} of standard input is 0x{data[error.start]:02x}"
            wide = number == 1 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            likely = "the text is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8" if wide else LEGACY
            raise TextError(f"{byte}, which is not UTF-8; {likely}") from None


def _glossary(file: str) -> dict[str, str]:
    from elman.tasks.translate.glossary import read_glossary
    from elman.text.decoding import raw_lines
    from elman.text.sources import find_sources

    (source,) = find_sources([file])
    return read_glossary(raw_lines(source, encoding="utf-8", advance=lambda _: None), name=source.name)


def _explain(model: Any, texts: Iterator[str], *, label: str | None, files: dict[str, str], as_json: bool) -> None:
    if files:
        chosen = [text for _, text in zip(range(2), texts, strict=False)]
        if len(chosen) != 1:
            flag = next(iter(files))
            raise UsageError(f"--{flag} shows one text, not several or none; give one after the model")
        texts = iter(chosen)
    kinds = {name: "html" if name == "html" else Path(file).suffix.lower()[1:] for name, file in files.items()}
    if kinds.get("picture", "png") not in ("png", "svg"):
        raise UsageError(f"--picture is {files['picture']}; it must end with .png or .svg")
    for number, text in enumerate(texts):
        explanation = model.explain(text, label=label)
        if files:
            made = model.explanation_files(explanation)
            for name, file in files.items():
                if kinds[name] not in made:
                    raise UsageError(f"this model's explanations are no pages; say --picture FILE.png, not --{name}")
                write_atomic(Path(file), made[kinds[name]])
                make_progress().say(f"{file} is written")
        if as_json:
            print_json(explanation.to_json())
        else:
            print(f"\n{explanation}" if number else explanation)


def _print_n_best(tagger: Any, texts: Iterator[Any], n: int, *, as_json: bool) -> None:
    """A line for each sequence of tags, its probability first, and an empty line after each
    text."""
    for tagged in tagger.predictions(texts):
        found = tagger.n_best(tagged.sentence, n)
        if as_json:
            sequences = [{"tags": tags, "probability": probability} for tags, probability in found]
            print_json({**tagged.to_json(), "sequences": sequences})
            continue
        for tags, probability in found:
            print(f"{probability:.4f}\t{dataclasses.replace(tagged, tags=tags)}")
        print()


def _print(prediction: Any, *, proba: bool, as_json: bool) -> None:
    if as_json:
        print_json(prediction.to_json() if hasattr(prediction, "to_json") else prediction)
    elif proba:
        for row in prediction.rows():
            print("\t".join(row))
    else:
        print(prediction)
