"""Writes docs/cli.md from the help of every verb, and docs/python.md from the docstrings of
`import elman`.

    python docs/build_reference.py           # `make reference` runs this and build_architecture.py
    python docs/build_reference.py FOLDER    # writes them elsewhere

docs/python.md has every name of ``elman.__all__``, and every class of elman that their functions
and methods return.
"""

import ast
import importlib
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

import elman.sklearn
from elman import errors
from elman.cli.main import VERBS, app
from elman.config import field_docs
from elman.models.registry import resolve
from elman.tasks.network_task import NetworkTask
from elman.tasks.registry import TASKS, task_named
from elman.tasks.task import Task

_WIDTH = 100
_NOTE = "<!-- Written by docs/build_reference.py from the source; run: make reference -->"
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Yields):$")
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
        _NOTE,
        "",
        *_wrapped(
            "Every verb with its arguments and flags, as `elman VERB --help` shows them. Results go to stdout, "
            "everything else to stderr; `--json` works on every verb. The exit code is 0, 2 after an error that the "
            "user can mend (one line says how), or 130 after an interruption. A setting of `elman train` that several "
            "tasks share stands with the first of them."
        ),
        "",
        "| verb | what it does |",
        "|---|---|",
    ]
    lines += [f"| [`elman {verb}`](#elman-{verb}) | {_cell(says)} |" for verb, says in VERBS.items()]
    for verb, says in VERBS.items():
        verb_command = command.get_command(context, verb)
        lines += ["", f"## elman {verb}", "", *_wrapped(says), "", f"    {_usage(verb, verb_command.params)}", ""]
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
    return f"| {_cell(name)} | {_cell(f'`{value}`') if value else ''} | {_cell(says + default)} |"


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


def _cell(text: str) -> str:
    """Text inside a cell of a table."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    text = re.sub(r"__(\w+?)__", r"\_\_\1\_\_", text)
    return re.sub(r"(?<!`)<(\w+)>(?!`)", r"`<\1>`", text).replace("|", "\\|")


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
        _NOTE,
        "",
        *_wrapped(
            "What `import elman` gives, and the classes that its functions return, with their docstrings. Options are "
            "keyword-only. Log-probabilities are natural (nats) everywhere. Every error that a user can cause is an "
            "`ElmanError`, and its message is one line."
        ),
        "",
        *_wrapped("Functions: " + ", ".join(f"[{name}](#elman{name.lower()})" for name in order) + "."),
        "",
        *_wrapped(
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
    lines += _wrapped("`elman.sklearn` has estimators for pipelines and searches; it needs `elman[tasks]`.")
    for name in elman.sklearn.__all__:
        cls, whole = getattr(elman.sklearn, name), f"elman.sklearn.{name}"
        lines += ["", f"### {whole}", "", "```python", *_signature(cls.__init__, whole, returns=False), "```", ""]
        lines += _class(cls, whole)
    lines += ["", "## Errors", "", *_wrapped("All are in `elman.errors`; `ElmanError` also in `elman`."), ""]
    lines += ["| exception | when | `code` | exit code |", "|---|---|---|--:|"]
    for cls in _error_classes():
        says = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
        lines.append(f"| `{cls.__name__}` | {_cell(says)} | `{cls.code}` | {cls.exit_code} |")
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
    tree = ast.parse(inspect.getsource(inspect.getmodule(function) or elman))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return getattr(importlib.import_module(node.module or ""), name)
    return None


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
    lines = _docstring("\n".join([docs[0], *inherited]))
    fields = list(_fields(cls))
    if fields:
        lines += ["", "Attributes:", ""]
        for name, kind, says in fields:
            lines += _item(f"`{name}: {kind}`" + (f": {_plain(says)}" if says else ""))
    for name, member in _members(cls):
        lines += ["", f"#### {title}.{name}", ""]
        if isinstance(member, property):
            node = _node(member.fget)
            assert isinstance(node, ast.FunctionDef)
            kind = f": {ast.unparse(node.returns)}" if node.returns else ""
            lines += ["```python", f"{title}.{name}{kind}", "```", "", *_docstring(member.fget.__doc__ or "")]
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
    return ["```python", *_signature(function, name), "```", "", *_docstring(function.__doc__ or "")]


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
    if len(whole) <= _WIDTH:
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
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


def _docstring(text: str) -> list[str]:
    """A docstring as Markdown: paragraphs, sections as lists, examples as code."""
    lines: list[str] = []
    for block in inspect.cleandoc(text).split("\n\n"):
        rows = block.split("\n")
        heading = _SECTION.match(rows[0])
        if heading:
            lines += [f"{heading[1]}:", ""]
            for entry in _entries(rows[1:]):
                name, colon, says = entry.partition(": ")
                named = colon and re.fullmatch(r"[\w, *`]+", name) and heading[1] != "Returns"
                lines += _item(f"`{name}`: {_plain(says)}" if named else _plain(entry))
        elif rows[0].startswith(">>>"):
            lines += ["```python", *(re.sub(r"\s*# doctest:.*", "", row) for row in rows), "```"]
        elif rows[0].startswith("    "):
            lines += rows
        else:
            lines += _wrapped(_plain(" ".join(rows)))
        lines.append("")
    return lines[:-1]


def _entries(rows: Iterable[str]) -> list[str]:
    """The entries of a section, each with its continuation lines."""
    entries: list[str] = []
    for row in rows:
        if row.startswith("     ") and entries:
            entries[-1] += " " + row.strip()
        elif row.startswith("    "):
            entries.append(row.strip())
    return entries


def _plain(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "python.md").write_text(python_page(), encoding="utf-8")
