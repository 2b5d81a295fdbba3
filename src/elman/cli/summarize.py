"""elman summarize [TEXT|FILE]"""

import os
import sys
from typing import Annotated, Any

import typer

from elman.apps.summarize import SummaryConfig
from elman.cli.flags import Json, with_flags
from elman.cli.screen import make_progress, print_json, table
from elman.errors import UsageError
from elman.text.sentences import sentence_spans


@with_flags(SummaryConfig)
def run(
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT|FILE]", help="A text, or a file of it; without one, standard input.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Word vectors or a model of replies: its vectors say what is alike (default: TF-IDF of the text).",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A person's summary: print ROUGE, beside the first sentences and TextRank."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the files.")] = "utf-8",
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.apps.summarize import summarize
    from elman.apps.summarizing import ROUGE, rouge_figures, vectors_of
    from elman.text.decoding import check_encoding

    config = SummaryConfig.from_json(settings)
    check_encoding(encoding)
    given = sys.stdin.read() if text is None else _given(text, encoding)
    vectors = None
    if model is not None:
        from elman.api import load

        vectors = vectors_of(load(model, progress=make_progress()))
    if reference is not None:
        figures = rouge_figures(given, _read(reference, encoding), vectors=vectors, config=config)
        if as_json:
            print_json(figures)
        else:
            rows = [[name, *(f"{own[each]:.4f}" for each in ROUGE)] for name, own in figures.items()]
            print(table(["F1", *ROUGE], rows))
        return
    found = summarize(given, vectors=vectors, **settings)
    if as_json:
        print_json({"sentences": [each.to_json() for each in found]})
        return
    for each in found:
        print(" ".join(each.text.split()))


def _given(text: str, encoding: str) -> str:
    """The text itself, or that of the file it names."""
    # False for what no file can be called; pathlib raises for a name of more than 255 bytes.
    if os.path.isfile(text):
        return _read(text, encoding)
    if len(text.split()) == 1 and len(sentence_spans(text)) == 1:
        raise UsageError(f"there is no file {text!r}, and it is no text of sentences; name a file or give a text")
    return text


def _read(file: str, encoding: str) -> str:
    from elman.text.decoding import raw_lines
    from elman.text.sources import find_sources

    sources = find_sources(file)
    return "\n".join(
        line for source in sources for line in raw_lines(source, encoding=encoding, advance=lambda _: None)
    )
