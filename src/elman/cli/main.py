"""The command ``elman``: finds the verb, turns errors into one line and an exit code.

A verb's module is imported when it is called; ``elman --help`` imports none.
"""

import importlib
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from elman.errors import ElmanError, FirstEnded, Interrupted, UsageError

VERBS: dict[str, str] = {
    "quickstart": "Train on text that ships with every Python, and see the results (about 90 s).",
    "train": "Train a model on your data: a language model (default), a text classifier, or word vectors.",
    "predict": "Labels of texts, with probabilities.",
    "compare": "Train every kind of model on your text under one budget, and say which to use.",
    "evaluate": "Figures of a model on data, next to those of its rivals.",
    "mix": "Several models as one that is better than each: a folder with all of them and fitted weights.",
    "score": "The log-probability of each line.",
    "rescore": "Choose again among a recogniser's hypotheses: n-best lists and lattices.",
    "correct": "Correct spelling in context, with reasons, and with a bound on harm.",
    "rank": "The documents that answer a query best, with figures where judgements are known.",
    "reply": "Replies to a message, chosen among candidates.",
    "answer": "The answer to a question in documents, or that they do not say.",
    "summarize": "The most central sentences of a text.",
    "complete": "The next words, with probabilities.",
    "learned": "The words that a user taught the keyboard: list them, learn from text, forget.",
    "generate": "Generate text.",
    "similar": "The words nearest to a word, or how similar two words are.",
    "analogy": "What is to one word as another is to a third.",
    "serve": "Models over HTTP: next words as they are typed, and OpenAI's completions.",
    "export": "Convert a model for other tools: ARPA, ONNX, a compact folder, or one HTML page.",
    "xray": "Why a model forgets: gradient and influence by lag, gates, a diagnosis.",
    "explain": "A cell or an idea on one page: equations, a drawing, papers, how to see it.",
    "info": "Show the model card: data, settings, results, versions.",
    "verify": "Check a model: digests of its files, the figures of its card derived again, memorised secrets.",
    "doctor": "This machine, the versions, and what is slow here and why.",
}

# UsageError and its parent, whichever click typer brings along.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
_CLICK_ERROR: Any = typer.BadParameter.__mro__[2]


class Verbs(TyperGroup):
    """A group whose verbs are imported when called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            return None
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(cmd_name, help=VERBS[cmd_name])(importlib.import_module(f"elman.cli.{cmd_name}").run)
        return typer.main.get_command(app)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise _USAGE_ERROR(f"there is no verb {args[0]!r}; the verbs are: {', '.join(VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Your text into language models, and language models into tools.\n\n"
    "Start with `elman quickstart`, or `elman train my.txt --out model`. "
    "`elman VERB --help` explains a verb; --json works on every verb.",
    epilog="Results go to stdout, everything else to stderr. "
    "Exit code 2: a user error, explained in one line, or a model that `elman verify` finds wrong; 130: interrupted.",
)


@app.callback(invoke_without_command=True)
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from elman.system.machine import version as installed

        print(f"elman {installed('elman')}")
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the command; ends with ``sys.exit``."""
    words = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in words
    try:
        _prepare()
        code = app(words, standalone_mode=False)
        sys.stdout.flush()
        if code == Interrupted.exit_code:
            code = _fail(Interrupted.code, "interrupted", Interrupted.exit_code, as_json)
        sys.exit(code if isinstance(code, int) else 0)
    except SystemExit as stop:
        # typer's own way to say that the reader of our output went away (`elman score ... | head`).
        sys.exit(0 if stop.code == 1 else stop.code)
    except FirstEnded as error:
        sys.exit(error.exit_code)  # told once
    except UsageError as error:
        sys.exit(_fail(error.code, _spelled_as_flags(error, words), error.exit_code, as_json))
    except ElmanError as error:
        sys.exit(_fail(error.code, str(error), error.exit_code, as_json))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_fail(Interrupted.code, "interrupted", Interrupted.exit_code, as_json))
    except BrokenPipeError:
        # The reader of our output went away (`elman score ... | head`): no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(
            _fail(
                "storage", f"{place}{error.strerror or error}; check the path, its permissions and the disk", 2, as_json
            )
        )
    except (MemoryError, RuntimeError) as error:
        if "no locator available" in str(error):  # numba's words
            from elman.system.compiled import HOW_TO_KEEP

            what = "compiled loops cannot be cached anywhere, not even in a temporary folder"
            sys.exit(_fail("storage", f"{what}; {HOW_TO_KEEP}", 2, as_json))
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        sys.exit(
            _fail("memory", "not enough memory; use smaller sizes (--hidden-size, --batch) or less text", 2, as_json)
        )
    except _CLICK_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            sys.exit(2)
        context = getattr(error, "ctx", None)
        hint = _came(words, error)
        hint += f" (see: {context.command_path} --help)" if context is not None else ""
        sys.exit(_fail("usage", error.format_message().replace("\n", " ") + hint, 2, as_json))


def _prepare() -> None:
    """What a process needs before any verb."""
    # Before torch is loaded: threads that wait should sleep soon, or one busy neighbour halves the
    # speed.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    if not os.access(os.path.dirname(__file__), os.W_OK):
        from elman.system.compiled import keep_compiled

        keep_compiled(Path(__file__).parent)
    if threading.current_thread() is threading.main_thread():
        # SIGTERM like Ctrl-C: what is half-written is cleaned up, and training says how to resume.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.stdout is None or sys.stderr is None:
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _spelled_as_flags(error: UsageError, words: list[str]) -> str:
    """The message of an error with the flags of the verb in the place of their names in Python."""
    from elman.cli.flags import spelled_as_flags

    verb = next((word for word in words if word in VERBS), None)
    if verb is None:
        return str(error)
    options = typer.main.get_command(app).get_command(None, verb).params  # type: ignore[attr-defined]
    flags = {option.name: option.opts[0] for option in options if option.opts[0].startswith("--")}
    return spelled_as_flags(error, flags)


def _came(words: list[str], error: Any) -> str:
    """The value of the flag that an error is about, if its message leaves it out."""
    flags = getattr(getattr(error, "param", None), "opts", ())
    for flag, value in zip(words, words[1:], strict=False):
        if flag in flags and repr(value) not in error.format_message():
            return f" The value was {value!r}."
    return ""


def _fail(code: str, message: str, exit_code: int, as_json: bool) -> int:
    line = " ".join(message.split())
    if len(line) > 1000:
        line = f"{line[:600]} ... {line[-300:]}"
    try:
        if as_json:
            print(json.dumps({"error": {"code": code, "message": line}}, ensure_ascii=False), flush=True)
        else:
            print(f"elman: {line}", file=sys.stderr)
    except OSError:  # nobody is left to tell, and the buffer must not cause an error at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return exit_code
