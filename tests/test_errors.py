"""Errors say which setting they are about, wherever they are raised."""

import ast
import pickle
import re
from pathlib import Path

import elman
from elman.errors import UsageError
from rooms import tree

SOURCE = Path(elman.__file__).parent


def test_an_error_of_another_process_keeps_its_fields() -> None:
    error = pickle.loads(pickle.dumps(UsageError.of("beam_size", 0, "at least 1")))
    assert (str(error), error.fields) == ("beam_size is 0; it must be at least 1", ("beam_size",))


def test_each_message_about_a_setting_names_it_as_field() -> None:
    """The command line calls a setting by its flag only where the error names it."""
    for path in SOURCE.rglob("*.py"):
        if "UsageError(" not in path.read_text(encoding="utf-8"):
            continue
        for call in ast.walk(tree(path)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "UsageError":
                setting = re.match(r"f['\"](\{name\}|[a-z]\w*) is \{.* it must ", ast.unparse(call.args[0]))
                assert setting is None or call.keywords, f"{path.name}:{call.lineno} lacks field={setting[1]}"
