"""Strict frozen dataclasses that travel as JSON and as command-line flags.

A subclass writes its fields once, with a docstring under each; the same text explains the field in
Python, in ``--help`` and in errors. An unknown key, a missing key or a wrong type is an error that
names the key.
"""

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, Self, get_type_hints

from elman.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of all configurations.

    >>> @dataclasses.dataclass(frozen=True, kw_only=True)
    ... class Size(Config):
    ...     layers: int = 2
    >>> Size.from_json({"layers": 3})
    Size(layers=3)
    >>> Size.from_json({"layer": 3})
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: Size: unknown key 'layer'; known: layers
    """

    def __post_init__(self) -> None:
        hints = check_types(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and not isinstance(value, bool) and _wants_float(hints[field.name]):
                object.__setattr__(self, field.name, float(value))

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, in the order they are declared."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild from ``to_json``.

        Raises:
            UsageError: an unknown key, a missing one, or a value of the wrong type.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"{cls.__name__}: expected an object of settings, got {type(values).__name__}")
        known = {field.name: field for field in dataclasses.fields(cls)}
        for key in values:
            if key not in known:
                raise UsageError(f"{cls.__name__}: unknown key {key[:60]!r}; known: {', '.join(known)}")
        for name, field in known.items():
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and name not in values:
                raise UsageError(f"{cls.__name__}: key {name!r} is missing")
        return cls(**values)

    def require(self, name: str, allowed: bool, rule: str) -> None:
        """Raise unless the value of a field is ``allowed``.

        Args:
            rule: what it must be, in words.

        Raises:
            UsageError: it is not.
        """
        if not allowed:
            raise UsageError.of(name, getattr(self, name), rule)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed and checked again."""
        return dataclasses.replace(self, **changes)


def check_types(values: Any) -> dict[str, Any]:
    """The types of the fields of a dataclass, if all its values are of them.

    Raises:
        UsageError: one is not.
    """
    hints = get_type_hints(type(values))
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if not _fits(value, hints[field.name]):
            raise UsageError(
                f"{field.name} is {repr(value)[:300]}; it must be {_spell(hints[field.name])}", field=field.name
            )
    return hints


def check_applies(names: Iterable[str], known: Collection[str], to: str) -> None:
    """Raise unless all settings are known.

    Raises:
        UsageError: one is not.

    >>> check_applies(["top_k"], ["n"], "a tagger")
    Traceback (most recent call last):
    ...
    elman.errors.UsageError: --top-k does not apply to a tagger; leave it out
    """
    for name in names:
        if name not in known:
            raise UsageError(f"--{name.replace('_', '-')} does not apply to {to}; leave it out")


@cache
def field_docs(cls: type) -> dict[str, str]:
    """The docstring under each field of a dataclass, own and inherited, on one line each.

    A field that is declared again without a docstring keeps the one of its base.
    """
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base is Config or not (dataclasses.is_dataclass(base) or issubclass(base, Config)):
            continue
        body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]).body
        for statement, following in zip(body, body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                docs[statement.target.id] = " ".join(str(following.value.value).split())
    return {field.name: docs[field.name] for field in dataclasses.fields(cls) if field.name in docs}


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _fits(value: Any, hint: Any) -> bool:
    return any(_fits_one(value, alternative) for alternative in _alternatives(hint))


def _fits_one(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint is type(None):
        return value is None
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    if origin is tuple:
        # Of any length: tuple[str, ...].
        (inner, _) = typing.get_args(hint)
        return isinstance(value, tuple) and all(_fits(each, inner) for each in value)
    return isinstance(value, origin or hint)


def _wants_float(hint: Any) -> bool:
    alternatives = _alternatives(hint)
    return float in alternatives and int not in alternatives


def _spell(hint: Any) -> str:
    names = []
    for alternative in _alternatives(hint):
        if typing.get_origin(alternative) is typing.Literal:
            names += [repr(choice) for choice in typing.get_args(alternative)]
        elif alternative is type(None):
            names.append("null")
        else:
            words = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
            names.append(words.get(alternative, str(alternative)))
    return " or ".join(names)
