"""Imports go down only: every import statement of every file is parsed, those inside functions too."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "elman"

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
    "export": 10, "explain": 10,
    "tasks": 11,
    "api": 12, "__init__": 12, "sklearn": 12,
    "studies": 13, "serve": 13,
    "cli": 14,
    "__main__": 15,
}  # fmt: skip
ROOT = {"api", "__init__"}
"""The floor of each file at the top and of each folder."""

TORCH = {
    "nn", "training", "tasks", "system/machine.py", "models/neural.py", "models/encoder.py", "models/classifier.py",
    "models/dynamic.py", "models/parameter_vector.py",
    "studies/doctor.py", "studies/xray.py",
    "studies/xray_gates.py", "studies/xray_training.py", "studies/xray_words.py",
}  # fmt: skip
"""What may import torch; the learner and the doctor only inside functions or because torch trained what they read, and
the x-ray because it looks into what torch computes."""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE.parent).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        found[".".join(parts)] = path
    return found


def imports(path: Path, known: set[str]) -> set[str]:
    """The elman modules that a file imports, as full names."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "elman"}
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "elman":
            assert node.level == 0, f"{path}: relative import"
            found |= {
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in known else node.module for a in node.names
            }
    return found


def place(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


MODULES = modules()


def test_every_file_has_a_floor() -> None:
    assert {place(module) for module in MODULES} <= set(FLOORS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_down(module: str) -> None:
    for target in imports(MODULES[module], set(MODULES)):
        if target == "elman":
            target = "elman.__init__"
        here, there = FLOORS[place(module)], FLOORS[place(target)]
        same_room = place(module) == place(target) or here == there == 0 or {place(module), place(target)} == ROOT
        assert there < here or same_room, f"{module} (floor {here}) imports {target} (floor {there})"


def test_training_and_decoding_never_meet() -> None:
    assert FLOORS["training"] == FLOORS["decode"]  # so that the floor test forbids both directions


def test_no_circles() -> None:
    graph = {module: imports(path, set(MODULES)) & set(MODULES) for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"circle: {' -> '.join([*above, module])}"
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_torch_stays_where_it_belongs() -> None:
    for module, path in MODULES.items():
        relative = path.relative_to(PACKAGE).as_posix()
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        if "torch" in names:
            assert relative in TORCH or relative.split("/")[0] in TORCH, f"{module} imports torch"


def test_the_check_bites(tmp_path: Path) -> None:
    culprit = tmp_path / "tokenizer.py"
    culprit.write_text("def late():\n    from elman.models.neural import NeuralModel\n")
    assert imports(culprit, set(MODULES)) == {"elman.models.neural"}
    assert FLOORS[place("elman.models.neural")] > FLOORS["text"]
