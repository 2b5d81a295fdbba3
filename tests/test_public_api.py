import ast
import subprocess
import sys
from pathlib import Path

import pytest

import elman
from elman import api
from rooms import import_statements, tree

PACKAGE = Path(elman.__file__).parent


def test_all_is_sorted_and_every_name_is_there() -> None:
    assert elman.__all__ == sorted(elman.__all__)
    for name in elman.__all__:
        assert getattr(elman, name).__doc__, name
    assert dir(elman) == elman.__all__


def test_all_of_the_api_is_public() -> None:
    assert set(api.__all__) | set(elman._HOMES) == set(elman.__all__) and not set(api.__all__) & set(elman._HOMES)


def test_importing_elman_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "tokenizers", "matplotlib", "rich")
    code = f"import sys, elman, elman.cli.main; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.slow
def test_nothing_is_ever_pickled() -> None:
    forbidden = {"pickle", "shelve", "marshal", "dill", "joblib", "cloudpickle"}
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "torch.load(" not in source and "torch.save(" not in source and "allow_pickle=True" not in source, path
        if any(name in source for name in forbidden):
            nodes = import_statements(path)
            names = {alias.name.split(".")[0] for n in nodes if isinstance(n, ast.Import) for alias in n.names}
            names |= {(n.module or "").split(".")[0] for n in nodes if isinstance(n, ast.ImportFrom)}
            assert not names & forbidden, path


@pytest.mark.slow
def test_public_functions_say_what_they_do() -> None:
    for path in PACKAGE.rglob("*.py"):
        module = tree(path)
        assert ast.get_docstring(module) or path.name == "__init__.py", f"{path} has no docstring"
        for node in module.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                verb = path.parent.name == "cli" and node.name == "run"
                overload = any(ast.unparse(each) == "overload" for each in node.decorator_list)
                assert verb or overload or ast.get_docstring(node), f"{path}: {node.name} has no docstring"


def test_files_stay_small() -> None:
    for path in PACKAGE.rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path} has {lines} lines; is it one concept?"
