"""Plugin modules that register cells, kinds of model and tasks, imported when an unknown name is
asked for.

Installed packages declare an entry point in the group ``elman.plugins``; the environment variable
``ELMAN_PLUGINS`` names files or modules, separated as in ``PATH``. Each registers what it has on
import: ``elman.register_cell``, ``register_kind``, ``register_task``.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from elman.errors import UsageError

VARIABLE = "ELMAN_PLUGINS"
GROUP = "elman.plugins"


@cache
def import_plugins() -> None:
    """Import all plugins once.

    Raises:
        UsageError: a plugin cannot be imported.
    """
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    for each in entry_points(group=GROUP):
        _guarded(f"the entry point {each.value!r}", each.load)
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        _guarded(f"{VARIABLE} names {name!r}, which", lambda name=name: _import(name))


def _import(name: str) -> None:
    if not name.endswith(".py"):
        importlib.import_module(name)
        return
    path = Path(name).resolve()
    # The running script may be this file.
    if any(
        Path(file).resolve() == path for each in list(sys.modules.values()) if (file := getattr(each, "__file__", ""))
    ):
        return
    label = f"elman_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(label, path)
    assert spec is not None and spec.loader is not None
    sys.modules[label] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[label])


def _guarded(what: str, load: Callable[[], Any]) -> None:
    try:
        load()
    except Exception as error:
        message = str(error).split("\n")[0]
        raise UsageError(f"{what} cannot be imported: {message}") from error
