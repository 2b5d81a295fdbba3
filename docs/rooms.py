"""The rooms of src/elman, the floor of each, and which modules import which: read from every import
statement."""

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "elman"

FLOORS = {
    "errors": 0, "notation": 0, "config": 0, "progress": 0,
    "system": 1, "metrics": 1,
    "text": 2, "cells": 2,
    "data": 3,
    "nn": 4,
    "models": 5,
    "inference": 6,
    "storage": 7, "web": 7,
    "training": 8, "decode": 8,
    "evaluation": 9, "report": 9,
    "export": 10, "explain": 10, "apps": 10,
    "tasks": 11,
    "api": 12, "__init__": 12, "sklearn": 12,
    "studies": 13, "serve": 13,
    "cli": 14,
    "__main__": 15,
}  # fmt: skip
"""The floor of each folder and of each file at the top. A room imports from lower floors only."""

ROOT = {"api", "__init__"}
"""Files that may import each other: ``import elman`` is both."""

SAYS = {
    "errors": "exceptions and exit codes",
    "notation": "letters of shapes",
    "config": "strict configurations",
    "progress": "progress for the screen",
    "system": "this machine, files",
    "metrics": "figures from counts",
    "text": "readers, tokenizers, speller",
    "cells": "one step of every cell",
    "data": "token stores, examples, batches",
    "nn": "torch layers, compiled loops",
    "models": "networks, n-grams, registry",
    "inference": "the engine without torch",
    "storage": "the model folder",
    "web": "files of the pages",
    "training": "the training loop",
    "decode": "completion, sampling, scoring",
    "evaluation": "figures of a model, rivals",
    "report": "pictures and pages",
    "export": "ARPA, ONNX, one HTML page",
    "explain": "pages on cells and ideas",
    "apps": "uses of language models",
    "tasks": "what is learned, and from what",
    "api": "import elman",
    "__init__": "import elman",
    "sklearn": "import elman.sklearn",
    "studies": "compare, x-ray, doctor",
    "serve": "the HTTP server",
    "cli": "one file for each verb",
    "__main__": "python -m elman",
}
"""What is in each room, in a few words."""


def modules() -> dict[str, Path]:
    """The file of every module by its full name; a package has the name of its folder.

    >>> modules()["elman.cells.cell"].name
    'cell.py'
    """
    files = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE.parent).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        files[".".join(parts)] = path
    return files


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements in a module or in another statement, at any depth."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            yield from statements(child)


def _for_type_checkers(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def tree(path: Path) -> ast.Module:
    """The syntax of a file.

    It has so many parts that looking for garbage among them would take longer than to read it.
    """
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


class _Import(NamedTuple):
    statement: ast.Import | ast.ImportFrom
    at_once: bool
    """Whether it runs as soon as the file is imported."""
    ever: bool
    """Whether it runs at all: some are there for type checkers alone."""


@cache
def _imports(path: Path) -> list[_Import]:
    module = tree(path)
    found = list(statements(module))
    never = {inner for each in found if _for_type_checkers(each) for inner in statements(each)}
    return [
        _Import(each, each in module.body, each not in never)
        for each in found
        if isinstance(each, ast.Import | ast.ImportFrom)
    ]


def import_statements(path: Path, *, run: bool = False) -> list[ast.Import | ast.ImportFrom]:
    """The import statements of a file, those in functions too; with ``run``, none for type checkers
    alone."""
    return [each.statement for each in _imports(path) if each.ever or not run]


def imports(path: Path, known: set[str]) -> set[str]:
    """The elman modules that a file imports, as full names; imports for type checkers alone do not
    count."""
    return {
        module if name is None or f"{module}.{name}" not in known else f"{module}.{name}"
        for module, name in _imported(path)
    }


@cache
def _imported(path: Path) -> list[tuple[str, str | None]]:
    """Each module of elman, and the name that is imported from it."""
    found: list[tuple[str, str | None]] = []
    for node in import_statements(path, run=True):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names if alias.name.split(".")[0] == "elman"]
        elif node.module and node.module.split(".")[0] == "elman":
            assert node.level == 0, f"{path}: relative import"
            found += [(node.module, alias.name) for alias in node.names]
    return found


def room(module: str) -> str:
    """The room of a module: a folder, or a file at the top.

    >>> room("elman.cells.cell"), room("elman.errors"), room("elman")
    ('cells', 'errors', '__init__')
    """
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def uses_torch(path: Path) -> bool:
    """Whether a file imports torch as soon as it is imported itself."""
    nodes = [each.statement for each in _imports(path) if each.at_once]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return any(name.split(".")[0] == "torch" for name in names)


def room_imports() -> dict[str, set[str]]:
    """Which other rooms each room imports from."""
    files = modules()
    graph: dict[str, set[str]] = {name: set() for name in FLOORS}
    for module, path in files.items():
        here = room(module)
        graph.setdefault(here, set()).update(room(target) for target in imports(path, set(files)))
    return {name: targets - {name} for name, targets in graph.items()}
