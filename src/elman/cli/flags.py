"""Flags from configurations: each field becomes a flag, with its docstring as help and its check as
validation."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from elman.config import Config, field_docs
from elman.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Mix = Annotated[
    list[str] | None,
    typer.Option(
        "--mix", metavar="MODEL[=WEIGHT]", help="Mix in another model (repeatable); equal weights by default."
    ),
]
Block = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|PATTERN", help="Never show these words: a word, a stem like dog*, /EXPRESSION/, a file with one "
        "of them a line, or builtin for a list of profanities."
    ),
]  # fmt: skip
Secrets = Annotated[
    bool, typer.Option("--secrets/--no-secrets", help="Whether to show long numbers, addresses and random strings.")
]
Typos = Annotated[
    bool | None,
    typer.Option("--typos/--no-typos", help="Whether to offer corrections of a mistyped word (default: for words)."),
]
Learned = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Offer the user's own words too, from a file of `elman learned`."),
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL", help="Offer the words of another model too, such as one of another language (repeatable)."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Share the work among this many processes, which Dask starts (docs/scale.md)."),
]
Cluster = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="Or among the workers of this Dask scheduler."),
]
Context = Annotated[
    str,
    typer.Option(
        metavar="carry|document|independent",
        help="What the model has read when a line begins: all that precedes, what precedes in its document, or "
        "nothing.",
    ),
]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A model folder or an ARPA file.")]


def with_flags(
    *configs: type[Config], leave_out: Collection[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a verb's ``**settings`` by one flag for each field of the configurations.

    A flag that is not given is None and does not reach the verb; choices are checked by the
    configuration.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
        taken = {parameter.name for parameter in own} | set(leave_out)
        # A field that two configurations share becomes one flag, with the help of the first.
        annotations = {
            name: annotation
            for config in reversed(configs)
            for name, annotation in _annotations(config)
            if name not in taken
        }
        order = dict.fromkeys(name for config in configs for name, _ in _annotations(config) if name in annotations)
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotations[name])
            for name in order
        ]

        def run(**values: Any) -> None:
            flags = {parameter.name for parameter in extra}
            settings = {name: value for name, value in values.items() if name in flags and value is not None}
            function(**{name: value for name, value in values.items() if name not in flags}, **settings)

        kept = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        told: Any = run
        told.__signature__ = inspect.Signature(kept + extra)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in kept + extra}
        return run

    return decorate


def is_given(call: typer.Context, name: str) -> bool:
    """Whether the user gave a flag, even if with its default as the value.

    Args:
        name: its parameter of the verb.
    """
    source = call.get_parameter_source(name)
    assert source is not None, name
    return source.name not in ("DEFAULT", "DEFAULT_MAP")


def refuse(call: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuse flags that are given, whatever their value.

    Args:
        names: their parameters of the verb.

    Raises:
        UsageError: one is given.
    """
    for name in names:
        if is_given(call, name):
            flag = next(each.opts[0] for each in call.command.params if each.name == name)
            raise UsageError(f"{flag} {why}; leave it out")


def spelled_as_flags(error: UsageError, flags: Mapping[str, str]) -> str:
    """The message of an error in the words of the command line: its fields are named as flags.

    Args:
        flags: the flag of each field.

    >>> flags = {"beam_size": "--beam-size", "batch": "--batch"}
    >>> spelled_as_flags(UsageError("beam_size is 0; with a batch it must be 1", field="beam_size"), flags)
    '--beam-size is 0; with a batch it must be 1'
    """
    message = str(error)
    for field in error.fields:
        message = message.replace(field, flags.get(field, field), 1)
    return message


def _annotations(config: type[Config]) -> list[tuple[str, Any]]:
    hints, docs = get_type_hints(config), field_docs(config)
    found = []
    for field in dataclasses.fields(config):
        kind, choices = _plain(hints[field.name])
        flag = "--" + field.name.replace("_", "-")
        names = (f"{flag}/--no-{flag[2:]}",) if kind is bool else (flag,)
        help_text = docs.get(field.name, "")
        metavar = "|".join(choices) if choices else None
        option = typer.Option(*names, help=help_text, metavar=metavar, show_default=False)
        found.append((field.name, Annotated[kind | None, option]))
    return found


def _plain(hint: Any) -> tuple[type, list[str]]:
    alternatives = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for alternative in alternatives:
        if typing.get_origin(alternative) is typing.Literal:
            return str, [str(choice) for choice in typing.get_args(alternative)]
        if alternative is not type(None):
            return alternative, []
    raise AssertionError(f"cannot make a flag from {hint}")
