"""elman correct MODEL [TEXT...]"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.apps.correct import CorrectConfig
from elman.cli.flags import Json, Mix, ModelArgument, with_flags
from elman.cli.screen import make_progress, print_json, table, warn
from elman.errors import UsageError

if TYPE_CHECKING:
    from elman.apps.correct import Correction, Corrector, Harm

_WINDOW = 1024
"""Lines that are corrected together, if they are there."""


@with_flags(CorrectConfig)
def run(
    model: ModelArgument,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT...]", help="Files; without any, stdin.")] = None,
    words: Annotated[
        str | None, typer.Option(metavar="FILE", help="More words than those of the model: WORD or WORD COUNT a line.")
    ] = None,
    errors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Misspellings to learn from: right: wrong, wrong*2; wrong->right; $right; or wrong<TAB>right.",
        ),
    ] = None,
    protect: Annotated[
        list[str] | None, typer.Option(metavar="WORD|FILE", help="Leave these words alone (repeatable).")
    ] = None,
    harm: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="The largest share of correct words that may be changed, such as 0.5%."),
    ] = None,
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Text believed correct, to which --harm fits the threshold (default: the validation text of the "
            "model card).",
        ),
    ] = None,
    marks: Annotated[bool, typer.Option("--marks", help="Show changes in the text: [-teh-]{+the+}.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a unified diff.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print each change with its reason instead.")] = False,
    evaluate: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Print figures instead: of misspellings (as --errors), or of lines as they are<TAB>as they should be.",
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the text.")] = "utf-8",
    mix: Mix = None,
    as_json: Json = False,
    **settings: Any,
) -> None:
    from elman.apps.correcting import fit_harm, load_corrector, parse_share
    from elman.tasks.language.mixture import load_mixed

    if sum((marks, diff, explain, as_json)) > 1:
        raise UsageError("--marks, --diff, --explain and --json all say how changes are shown; give one of them")
    if clean is not None and harm is None:
        raise UsageError("--clean is text to which --harm fits the threshold; add --harm 0.5%")
    if harm is not None and "threshold" in settings:
        raise UsageError("--harm and --threshold both say how sure a change must be; give one of them")
    if evaluate is not None and (texts or marks or diff or explain):
        raise UsageError("--evaluate prints figures of its own file; leave out texts, --marks, --diff and --explain")
    largest = None if harm is None else parse_share(harm)
    config, progress = CorrectConfig.from_json(settings), make_progress()
    loaded = load_mixed(model, mix or [], progress=progress)
    corrector = load_corrector(loaded, words=words, errors=errors, protect=_protected(protect or []), config=config)
    fitted = None if largest is None else fit_harm(corrector, loaded, largest, clean, progress=progress)
    if evaluate is not None:
        _evaluate(corrector, Path(evaluate), fitted, as_json=as_json)
        return
    if fitted is not None:
        warn(_said(fitted))
    _correct(corrector, texts or ["-"], encoding, marks=marks, diff=diff, explain=explain, as_json=as_json)


def _correct(
    corrector: "Corrector", texts: list[str], encoding: str, *, marks: bool, diff: bool, explain: bool, as_json: bool
) -> None:
    from elman.apps.correct import corrected
    from elman.apps.correct_report import NO_LINE_END, marked, unified_diff
    from elman.text.corpus import read_lines
    from elman.text.decoding import raw_lines
    from elman.text.sources import find_sources

    done, waiting = 0, list[tuple[str, str]]()

    def show(line: str, end: str, changes: list["Correction"]) -> None:
        if as_json:
            print_json({"text": line, "corrected": corrected(line, changes), "changes": [c.to_json() for c in changes]})
        elif explain:
            for each in changes:
                print(f"{each.line + 1}:{each.start + 1}: {each.reason}")
        else:
            print((marked if marks else corrected)(line, changes), end=end)

    def answer() -> None:
        nonlocal done
        found = corrector.stream(line for line, _ in waiting)
        for number, ((line, changes), (_, end)) in enumerate(zip(found, waiting, strict=True)):
            show(line, end, [each._replace(line=done + number) for each in changes])
        done += len(waiting)
        waiting.clear()
        # The writer may wait for an answer before it sends the next line.
        sys.stdout.flush()

    def given(before_read: Any = lambda: None) -> Iterator[tuple[str, str]]:
        """Lines and their ends, as they are."""
        for source in find_sources(texts):
            if source.kind == "builtin":
                yield from ((line, "\n") for line, _ in read_lines(source.name, blank=True))
                continue
            read = raw_lines(source, encoding=encoding, advance=lambda n: None, before_read=before_read, exact=True)
            for line in read:
                body = line.rstrip("\r\n")
                yield body, line[len(body) :]

    if diff:
        lines = list(given())
        ends = [end.removesuffix("\n") if end else NO_LINE_END for _, end in lines]
        found = list(corrector.stream(line for line, _ in lines))
        before = [line + end for (line, _), end in zip(found, ends, strict=True)]
        after = [corrected(*each) + end for each, end in zip(found, ends, strict=True)]
        name = texts[0] if len(texts) == 1 and texts[0] != "-" else "text"
        for line in unified_diff(before, after, name=name):
            print(line)
        return
    for each in given(answer):
        waiting.append(each)
        if len(waiting) == _WINDOW:
            answer()
    answer()


def _evaluate(corrector: "Corrector", file: Path, fitted: "Harm | None", *, as_json: bool) -> None:
    from elman.apps.correct_report import line_figures, pair_figures
    from elman.apps.correcting import parallel_lines

    read = parallel_lines(file)
    figures = line_figures(corrector, read.lines) if read.lines else pair_figures(corrector, read.pairs)
    if as_json:
        about = None if fitted is None else {**fitted._asdict(), "share": fitted.share._asdict()}
        print_json({"file": str(file), "threshold": corrector.threshold, "harm": about, "figures": figures})
        return
    rows = []
    for name, value in figures.items():
        if isinstance(value, dict):
            share = [f"{value['value']:.2%}", f"{value['low']:.2%} to {value['high']:.2%}"]
            rows.append([name, *(["-", ""] if math.isnan(value["value"]) else share)])  # of no word at all
        else:
            rows.append([name, f"{value:.2%}" if isinstance(value, float) and value <= 1 else f"{value:,.0f}", ""])
    print(table(["figure", "value", "95% interval"], rows))
    if fitted is not None:
        print(_said(fitted))


def _said(fitted: "Harm") -> str:
    share = f"{fitted.share.value:.2%} (95%: {fitted.share.low:.2%} to {fitted.share.high:.2%})"
    counts = f"{fitted.changed:,} of {fitted.words:,} words of clean text changed"
    return f"threshold {fitted.threshold:.2f} bits: {counts}, {share}"


def _protected(entries: list[str]) -> list[str]:
    """Words that are given, and those of files."""
    from elman.apps.spelling.lexicon import read_words

    return [word for entry in entries for word in (read_words(Path(entry)) if Path(entry).is_file() else [entry])]
