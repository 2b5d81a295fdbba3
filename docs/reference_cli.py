"""The page of the command line, from the help of every verb."""

import importlib
import inspect
import re
import typing
from typing import Any

import typer

from elman.cli.main import VERBS, app
from elman.config import field_docs
from elman.tasks.registry import TASKS, task_named
from reference_markdown import NOTE, cell, wrapped

_VALUES = {int: "N", float: "X", str: "TEXT"}
"""What a flag takes, where it does not say so itself."""
_TITLES = {
    "DataConfig": "how text is read",
    "NeuralConfig": "sizes of a network",
    "LanguagePlan": "how a network is trained",
    "NgramConfig": "n-grams",
    "LabelledTextConfig": "how labelled texts are read",
    "ClassifierConfig": "sizes of a classifier",
    "ClassifyPlan": "how a classifier is trained",
}
"""What each configuration of `elman train` is about; others by the first line of their
docstrings."""


def cli_page() -> str:
    """Every verb with its arguments and flags, as Markdown."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="elman")
    lines = [
        "# The command line",
        "",
        NOTE,
        "",
        *wrapped(
            "Every verb with its arguments and flags, as `elman VERB --help` shows them. Results go to stdout, "
            "everything else to stderr; `--json` works on every verb. The exit code is 0, 2 after an error that the "
            "user can mend (one line says how), or 130 after an interruption. A setting of `elman train` that several "
            "tasks share stands with the first of them."
        ),
        "",
        "| verb | what it does |",
        "|---|---|",
    ]
    lines += [f"| [`elman {verb}`](#elman-{verb}) | {cell(says)} |" for verb, says in VERBS.items()]
    for verb, says in VERBS.items():
        verb_command = command.get_command(context, verb)
        lines += ["", f"## elman {verb}", "", *wrapped(says), "", f"    {_usage(verb, verb_command.params)}", ""]
        lines += _flags(verb, verb_command.params)
    return "\n".join(lines) + "\n"


def _usage(verb: str, parameters: list[Any]) -> str:
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    needed = [f"{each.opts[0]} {_value(verb, each)}" for each in parameters if each.required and each not in arguments]
    words = [_argument(each) for each in arguments]
    return " ".join(["elman", verb, *words, *needed, "[OPTIONS]"])


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required or name.startswith("[") else f"[{name}]"


def _flags(verb: str, parameters: list[Any]) -> list[str]:
    """The arguments and flags of a verb as tables, those of each configuration by themselves."""
    groups: dict[str, list[Any]] = {}
    owners = _settings() if verb == "train" else {}
    for parameter in parameters:
        groups.setdefault(owners.get((parameter.name, parameter.help), ""), []).append(parameter)
    lines = []
    for title, members in groups.items():
        lines += [f"### {title}", ""] if title else []
        lines += ["| argument or flag | value | meaning |", "|---|---|---|"]
        lines += [_row(verb, parameter) for parameter in members]
        lines.append("")
    return lines[:-1]


def _settings() -> dict[tuple[str, str], str]:
    """The heading under which each setting of `elman train`, by name and help, stands: its task and
    configuration."""
    owners: dict[tuple[str, str], str] = {}
    for name in TASKS:
        for config in task_named(name).flags():
            says = re.split(r"[:.]", inspect.cleandoc(config.__doc__ or config.__name__))[0].replace("\n", " ")
            for setting, meaning in field_docs(config).items():
                owners.setdefault((setting, meaning), f"--task {name}: {_TITLES.get(config.__name__, says)}")
    return owners


def _row(verb: str, parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name, value = _argument(parameter), ""
    else:
        name = " / ".join(f"`{flag}`" for flag in [*parameter.opts, *parameter.secondary_opts])
        value = _value(verb, parameter)
    says = parameter.help or ""
    shown = (
        parameter.default not in (None, "", False, ()) and parameter.show_default and not callable(parameter.default)
    )
    default = f" Default: {parameter.default}." if shown and not getattr(parameter, "is_flag", False) else ""
    name = name if name.startswith("`") else f"`{name}`"
    return f"| {cell(name)} | {cell(f'`{value}`') if value else ''} | {cell(says + default)} |"


def _value(verb: str, parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    run = importlib.import_module(f"elman.cli.{verb}").run
    kinds = _simple_types(inspect.signature(run).parameters[parameter.name].annotation)
    return parameter.metavar or _VALUES[next(kind for kind in kinds if kind in _VALUES)]


def _simple_types(annotation: Any) -> list[Any]:
    """What an annotation such as ``Annotated[list[str] | None, ...]`` is made of."""
    parts = typing.get_args(annotation)
    return [simple for part in parts for simple in _simple_types(part)] if parts else [annotation]
