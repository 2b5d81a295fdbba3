"""elman score MODEL [TEXT...], or elman score MODEL --pairs FILE"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.flags import Json, Mix, ModelArgument
from elman.cli.screen import make_progress, print_json, table
from elman.cli.states import read_state
from elman.errors import UsageError
from elman.progress import counted
from elman.system.files import write_atomic

if TYPE_CHECKING:
    from elman.decode.scoring import LineScore

_WINDOW = 1 << 15
"""Maximum number of lines that are scored together."""


def run(
    model: ModelArgument,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT...]", help="Files; without any, stdin.")] = None,
    per_token: Annotated[
        bool,
        typer.Option("--per-token", help="Print one token per line, with an empty line between the lines of the text."),
    ] = False,
    spelling: Annotated[
        bool,
        typer.Option(
            "--spelling/--no-spelling",
            help="Whether an unknown word costs its spelling in addition to <unk>, and an apostrophe its sign.",
        ),
    ] = True,
    eos: Annotated[bool, typer.Option("--eos/--no-eos", help="Whether a line's end, </s>, is scored.")] = True,
    log10: Annotated[bool, typer.Option("--log10", help="Logarithms to base 10, not nats.")] = False,
    prefix: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Score each line as the continuation of this text, which costs nothing."),
    ] = None,
    save_state: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Read the lines as one text, and save the model's state at its end."),
    ] = None,
    load_state: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read the lines as one text that continues from a saved state.")
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="How often the good one of two sentences is more probable, by phenomenon: BLiMP's .jsonl, or a table "
            "good<TAB>bad[<TAB>phenomenon].",
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the text.")] = "utf-8",
    field: Annotated[str | None, typer.Option(help="Field that holds the text in .jsonl, .csv, .tsv.")] = None,
    mix: Mix = None,
    as_json: Json = False,
) -> None:
    from elman.tasks.language.mixture import load_mixed
    from elman.text.corpus import CorpusConfig, read_lines

    if save_state is not None and (Path(save_state).is_dir() or not Path(save_state).parent.is_dir()):
        raise UsageError(f"--save-state {save_state} cannot be written; give a file in a folder that exists")
    if pairs is not None:
        if texts or per_token or log10 or prefix is not None or save_state or load_state or field:
            raise UsageError("--pairs gives figures of pairs, not scores; leave out texts and flags for single lines")
        _print_pairs(model, mix or [], pairs, encoding, as_json=as_json, spelling=spelling, eos=eos)
        return
    one_text = save_state is not None or load_state is not None
    if one_text and prefix is not None:
        raise UsageError(
            "--prefix goes before each line by itself, and states make the lines one text; give one of them"
        )
    loaded = load_mixed(model, mix or [], progress=make_progress())
    words_apart = loaded.lm.tokenizer.config.pretokenized
    config = CorpusConfig(encoding=encoding, field=field, pretokenized=words_apart)
    options = {"spelling": spelling, "eos": eos}
    shown = _Shown(as_json=as_json, per_token=per_token, log10=log10)
    waiting: list[str] = []

    def answer() -> None:
        for scored in loaded.score_lines(waiting, prefix=prefix or "", **options):
            shown.print(scored)
        waiting.clear()
        # The writer may wait for an answer before it sends the next line.
        sys.stdout.flush()

    lines = (line for line, _ in read_lines(texts or ["-"], config=config, blank=True, before_read=answer))
    if not one_text:
        for line in lines:
            waiting.append(line)
            if len(waiting) == _WINDOW:
                answer()
        answer()
        return
    last = read_state(load_state, loaded.lm, flag="--load-state") if load_state else loaded.lm.start()
    for scored, state in loaded.follow_lines(lines, last, **options):
        last = state
        shown.print(scored)
    if save_state is not None:
        write_atomic(Path(save_state), last.to_bytes())


def _print_pairs(model: str, mix: list[str], pairs: str, encoding: str, *, as_json: bool, **options: bool) -> None:
    from elman.evaluation.minimal_pairs import pair_scores, read_pairs
    from elman.tasks.language.mixture import load_mixed

    read, progress = read_pairs(pairs, encoding=encoding), make_progress()
    loaded = load_mixed(model, mix, progress=progress)
    found = pair_scores(loaded.lm, loaded.speller, read, **options, progress=progress)
    if as_json:
        print_json(found.to_json())
        return
    rows = []
    for each in [*found.phenomena, found.total]:
        rows.append((each.name, each))
        rows += [(f"  {inner.name}", inner) for phenomenon, inner in found.paradigms if phenomenon == each.name]
    cells = [
        [name, str(each.pairs), f"{each.accuracy.value:.1%}", f"{each.accuracy.low:.1%} to {each.accuracy.high:.1%}"]
        for name, each in rows
    ]
    print(table(["phenomenon", "pairs", "accuracy", "95% interval"], cells))
    if found.total.ties:
        print(f"equally probable, counted as wrong: {counted(found.total.ties, 'pair')}")


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """How a line's score is printed."""

    as_json: bool
    per_token: bool
    log10: bool

    def print(self, scored: "LineScore") -> None:
        unit = math.log(10) if self.log10 else 1.0
        total = scored.log_prob / unit
        tokens = [(text, log_prob / unit) for text, log_prob in scored.per_token] if self.per_token else []
        if self.as_json:
            name = "log10_prob" if self.log10 else "log_prob"
            value: dict[str, Any] = {"text": scored.text, name: total, "tokens": scored.tokens, "oov": scored.oov}
            if self.per_token:
                value["per_token"] = [{"text": text, name: log_prob} for text, log_prob in tokens]
            print_json(value)
        elif self.per_token:
            for text, log_prob in tokens:
                print(f"{log_prob:.4f}\t{_visible(text)}")
            print()
        else:
            print(f"{total:.4f}\t{scored.text}")


def _visible(token: str) -> str:
    """A token on one line: its leading space as ▁, its line end as </s>."""
    if token == "\n":
        return "</s>"
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace(" ", "▁")
