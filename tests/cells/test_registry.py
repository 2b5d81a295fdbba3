"""What register_cell refuses, in one line; and where registering modules are looked for."""

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elman.cells.operators import linear, softplus, split, tanh
from elman.cells.registry import CELLS, cell_named, register_cell
from elman.errors import UsageError
from elman.models.registry import entry, trainable
from elman.system import plugins
from elman.tasks.registry import TASKS, task_named

OWN = """
import elman
from elman.cells.operators import linear, softplus, tanh

def {name}(x, state, w):
    h = tanh(linear(x, w.weight) + 0.5 * state[0])
    return h, (h,)

elman.register_cell("{name}", {name}, weights=lambda sizes: {{"weight": (sizes.hidden, sizes.inputs)}})
"""


def good(x: Any, state: Any, w: Any) -> Any:
    h = tanh(linear(x, w.weight))
    return h, (h,)


def wide(x: Any, state: Any, w: Any) -> Any:
    h = tanh(linear(x, w.wide))
    return h, (h,)


def odd(x: Any, state: Any, w: Any) -> Any:
    return split(linear(x, w.weight), 4)[0], state


def in_place(x: Any, state: Any, w: Any) -> Any:
    (h,) = state
    h *= 0.5
    return linear(x, w.weight) + h, (h,)


@pytest.mark.parametrize(
    ("name", "step", "message"),
    [
        ("lstm", good, "there is a cell 'lstm' already; choose another name"),
        ("My Cell", good, "the cell's name is 'My Cell'; it must consist of lower-case letters, digits and -"),
        (
            "own",
            wide,
            "'own' cannot be recorded with D = 5, H = 6 .*: this cell declares no weights 'wide'; it has",
        ),
        ("own", odd, r"'own' cannot be recorded .*: 6 numbers in pieces of \[1, 1, 1, 1\]"),
        (
            "own",
            lambda x, state, w: (linear(linear(x, w.weight)[..., :5], w.weight)[..., :4], state),
            "gives 4 numbers",
        ),
        ("own", lambda x, state, w: (linear(x, w.weight), ()), r"states of \[\]; it must give 6 and \[6\]"),
        ("own", lambda x, state, w: (state[0], state), "the step never uses x"),
        ("own", lambda x, state, w: (linear(x, w.weight), (1.0,)), "must depend on x or the state"),
        ("own", lambda x, state, w: (linear(x, w.weight, 0.5), state), "a bias of .* for 6 rows"),
        ("own", lambda x, state, w: (softplus(linear(x, w.weight)), state), "softplus is for weights only"),
        ("own", lambda x, state, w: (tanh(x @ w.weight), state), "unsupported operand"),
        ("own", in_place, "must not change a value in place: write h = h . x"),
        ("own", lambda x, state, w: (state[0] + x[..., :1], state), "never uses its weights weight"),
    ],
)
def test_what_does_not_fit_is_said(name: str, step: Any, message: str) -> None:
    before = dict(CELLS)
    with pytest.raises(UsageError, match=message):
        register_cell(name, step, weights=lambda sizes: {"weight": (sizes.hidden, sizes.inputs)})
    assert before == CELLS


def test_a_cell_without_weights_is_refused() -> None:
    with pytest.raises(UsageError, match="the cell 'own' declares no weights"):
        register_cell("own", lambda x, state, w: (state[0], state), weights=lambda sizes: {})


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """As in a process that has asked for no plugins yet; what is registered is gone afterwards."""
    plugins.import_plugins.cache_clear()
    before = set(CELLS)
    yield monkeypatch
    for name in set(CELLS) - before:
        del CELLS[name]
    monkeypatch.undo()
    plugins.import_plugins.cache_clear()


def test_files_and_modules_are_found(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(OWN.format(name="first"), encoding="utf-8")
    (tmp_path / "elman_test_second.py").write_text(OWN.format(name="second"), encoding="utf-8")
    fresh.syspath_prepend(tmp_path)
    fresh.setenv("ELMAN_PLUGINS", f"{tmp_path / 'first.py'}{plugins.os.pathsep}elman_test_second")
    assert "first" not in CELLS
    assert cell_named("second").name == "second" and entry("first").learns
    assert {"first", "second"} <= set(trainable()) and entry("first").preset == (("cell", "first"),)
    sys.modules.pop("elman_test_second")


def test_a_task_is_found_too(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = "from elman.tasks.registry import register_task\nregister_task('elsewhere', 'collections:Counter')\n"
    (tmp_path / "own.py").write_text(own, encoding="utf-8")
    with pytest.raises(UsageError, match="--task is 'elsewhere'; it must be one of: language, .*ELMAN_PLUGINS"):
        task_named("elsewhere")
    plugins.import_plugins.cache_clear()
    fresh.setenv("ELMAN_PLUGINS", str(tmp_path / "own.py"))
    fresh.setattr("elman.tasks.registry.TASKS", dict(TASKS))
    assert type(task_named("elsewhere")).__name__ == "Counter"


def test_the_script_that_runs_is_not_imported_again(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(OWN.format(name="script"), encoding="utf-8")
    fresh.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    fresh.setenv("ELMAN_PLUGINS", str(script))
    with pytest.raises(UsageError, match="unknown cell 'script'"):
        cell_named("script")


def test_entry_points_of_installed_packages_are_found(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Installed:
        value = "elman_test_installed"

        @staticmethod
        def load() -> None:
            exec(OWN.format(name="installed"), {})

    groups: list[str] = []
    fresh.setattr(importlib.metadata, "entry_points", lambda group: (groups.append(group), [Installed])[1])
    assert cell_named("installed").name == "installed" and groups == ["elman.plugins"]
