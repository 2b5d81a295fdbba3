"""The page of Python, from the docstrings of `import elman`.

It has every name of ``elman.__all__``, and every class of elman that their functions and methods
return.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import elman.sklearn
from elman import errors
from elman.models.registry import resolve
from elman.tasks.network_task import NetworkTask
from elman.tasks.registry import TASKS, task_named
from elman.tasks.task import Task
from reference_markdown import NOTE, WIDTH, cell, docstring, item, plain, wrapped
from rooms import tree


def python_page() -> str:
    """Everything that ``import elman`` gives, as Markdown."""
    public = {name: getattr(elman, name) for name in elman.__all__}
    functions = {name: value for name, value in public.items() if inspect.isfunction(value)}
    classes = {cls.__name__: cls for cls in returned_classes()}
    first = [name for name in ("train", "load", "resume") if name in functions]
    order = [*first, *(name for name in functions if name not in first)]
    lines = [
        "# Elman from Python",
        "",
        NOTE,
        "",
        *wrapped(
            "What `import elman` gives, and the classes that its functions return, with their docstrings. Options are "
            "keyword-only. Log-probabilities are natural (nats) everywhere. Every error that a user can cause is an "
            "`ElmanError`, and its message is one line."
        ),
        "",
        *wrapped("Functions: " + ", ".join(f"[{name}](#elman{name.lower()})" for name in order) + "."),
        "",
        *wrapped(
            f"Classes: {', '.join(f'[{name}](#{name.lower()})' for name in classes)}. "
            "Also: [scikit-learn](#scikit-learn), [errors](#errors)."
        ),
        "",
        "## Functions",
    ]
    for name in order:
        lines += ["", f"### elman.{name}", "", *_function(functions[name], f"elman.{name}")]
    lines += ["", "## Classes"]
    for name, cls in classes.items():
        lines += ["", f"### {name}", "", f"`{cls.__module__}.{name}`", "", *_class(cls, name)]
    lines += ["", "## scikit-learn", ""]
    lines += wrapped("`elman.sklearn` has estimators for pipelines and searches; it needs `elman[tasks]`.")
    for name in elman.sklearn.__all__:
        cls, whole = getattr(elman.sklearn, name), f"elman.sklearn.{name}"
        lines += ["", f"### {whole}", "", "```python", *_signature(cls.__init__, whole, returns=False), "```", ""]
        lines += _class(cls, whole)
    lines += ["", "## Errors", "", *wrapped("All are in `elman.errors`; `ElmanError` also in `elman`."), ""]
    lines += ["| exception | when | `code` | exit code |", "|---|---|---|--:|"]
    for cls in _error_classes():
        says = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
        lines.append(f"| `{cls.__name__}` | {cell(says)} | `{cls.code}` | {cls.exit_code} |")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _error_classes() -> list[type[errors.ElmanError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ElmanError) and value.__module__ == errors.__name__
    ]


def returned_classes() -> list[type]:
    """The classes of elman that public functions return, and methods of these classes; the models
    first."""
    waiting: list[type] = [value for value in vars_of_elman() if isinstance(value, type)]
    models = [cls for name in TASKS for cls in _models_of(task_named(name))]
    found = dict.fromkeys(models)
    waiting += [cls for value in vars_of_elman() if inspect.isfunction(value) for cls in _returns(value)]
    waiting = [*models, *waiting]
    while waiting:
        cls = waiting.pop(0)
        if issubclass(cls, errors.ElmanError):
            continue
        found[cls] = None
        for _, member in _members(cls):
            function = member.fget if isinstance(member, property) else member
            waiting += [other for other in _returns(getattr(function, "__func__", function)) if other not in found]
    return list(found)


def vars_of_elman() -> list[Any]:
    """The values of ``elman.__all__``."""
    return [getattr(elman, name) for name in elman.__all__]


def _models_of(task: Task) -> list[type]:
    return [resolve(task.model)] if isinstance(task, NetworkTask) else _returns(type(task).load)


def _returns(function: Any) -> list[type]:
    """The classes of elman that the annotation of a function's result names."""
    node = _node(function)
    assert isinstance(node, ast.FunctionDef)
    if node.returns is None:
        return []
    names = [each.id for each in ast.walk(node.returns) if isinstance(each, ast.Name)]
    names += [each.value for each in ast.walk(node.returns) if isinstance(each, ast.Constant) and each.value]
    values = [_named(str(name), function) for name in names]
    return [value for value in values if isinstance(value, type) and value.__module__.startswith("elman")]


def _named(name: str, function: Any) -> Any:
    """What a name means in the module of a function, where type checkers alone import it too."""
    if name in function.__globals__:
        return function.__globals__[name]
    module = _imported_names(inspect.getmodule(function) or elman).get(name)
    return getattr(importlib.import_module(module), name) if module else None


@cache
def _imported_names(module: ModuleType) -> dict[str, str]:
    """Every name that a module imports from another, with that other one; the first, if several
    do."""
    statements = [each for each in ast.walk(tree(Path(module.__file__ or ""))) if isinstance(each, ast.ImportFrom)]
    return {alias.name: each.module or "" for each in reversed(statements) for alias in reversed(each.names)}


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """The methods and properties of a class that are documented, in the order of the source, its
    bases' last."""
    seen: set[str] = set()
    for base in _bases(cls):
        fields = inspect.get_annotations(base)
        for name, value in list(vars(base).items()):
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not (name.startswith("_") or name in fields or name in seen) and inspect.isfunction(function):
                seen.add(name)
                if function.__doc__:
                    yield name, value


def _bases(cls: type) -> list[type]:
    """A class and those classes of elman that it is based on."""
    return [base for base in cls.__mro__ if base.__module__.startswith("elman")]


def _class(cls: type, title: str) -> list[str]:
    docs = [inspect.cleandoc(base.__doc__ or "") for base in _bases(cls)]
    inherited = [block.split("\n", 1)[1] for doc in docs[1:] for block in doc.split("\n\n") if _is_attributes(block)]
    lines = docstring("\n".join([docs[0], *inherited]))
    fields = list(_fields(cls))
    if fields:
        lines += ["", "Attributes:", ""]
        for name, kind, says in fields:
            lines += item(f"`{name}: {kind}`" + (f": {plain(says)}" if says else ""))
    for name, member in _members(cls):
        lines += ["", f"#### {title}.{name}", ""]
        if isinstance(member, property):
            node = _node(member.fget)
            assert isinstance(node, ast.FunctionDef)
            kind = f": {ast.unparse(node.returns)}" if node.returns else ""
            lines += ["```python", f"{title}.{name}{kind}", "```", "", *docstring(member.fget.__doc__ or "")]
        else:
            lines += _function(getattr(member, "__func__", member), f"{title}.{name}")
    return lines


def _is_attributes(block: str) -> bool:
    return block.startswith("Attributes:\n")


def _fields(cls: type) -> Iterator[tuple[str, str, str]]:
    """The annotated fields of a class with their types and the docstrings under them."""
    body = _node(cls).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        says = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            says = str(after.value.value)
        if not statement.target.id.startswith("_"):
            yield statement.target.id, ast.unparse(statement.annotation), says


def _function(function: Any, name: str) -> list[str]:
    return ["```python", *_signature(function, name), "```", "", *docstring(function.__doc__ or "")]


def _signature(function: Any, name: str, *, returns: bool = True) -> list[str]:
    """The head of a function as it stands in the source; a long one with a line for each
    parameter."""
    node = _node(function)
    assert isinstance(node, ast.FunctionDef)
    arguments = node.args
    if arguments.args and arguments.args[0].arg in ("self", "cls"):
        arguments.args = arguments.args[1:]
    result = f" -> {ast.unparse(node.returns)}" if node.returns and returns else ""
    parameters = _parameters(arguments)
    whole = f"{name}({', '.join(parameters)}){result}"
    if len(whole) <= WIDTH:
        return [whole]
    return [f"{name}(", *(f"    {each}," for each in parameters), f"){result}"]


def _parameters(arguments: ast.arguments) -> list[str]:
    def shown(argument: ast.arg, default: ast.expr | None) -> str:
        value = "" if default is None else f" = {ast.unparse(default)}"
        return ast.unparse(argument) + value

    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    found = [shown(argument, default) for argument, default in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        found.append(f"*{ast.unparse(arguments.vararg)}")
    elif arguments.kwonlyargs:
        found.append("*")
    found += [shown(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return found + ([f"**{ast.unparse(arguments.kwarg)}"] if arguments.kwarg else [])


def _node(value: Any) -> Any:
    """The definition of a function or a class in its source."""
    return ast.parse(_source(value)).body[0]


@cache
def _source(value: Any) -> str:
    return textwrap.dedent(inspect.getsource(value))
