"""Commands of pages, run in this process: torch is loaded once, not for every command."""

import contextlib
import io
import runpy
import sys
from pathlib import Path

import pytest


def run_here(words: list[str], folder: Path) -> str:
    """What ``elman ...`` or ``python FILE ...`` prints, run in a folder."""
    from elman.cli.main import main

    shown = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(io.StringIO()) as talk,
    ):
        if words[0] == "elman":
            with pytest.raises(SystemExit) as stopped:
                main(words[1:])
            assert not stopped.value.code, f"{words}\n{talk.getvalue()}"
        else:
            kept, sys.argv = sys.argv, words[1:]
            try:
                runpy.run_path(words[1], run_name="__main__")
            finally:
                sys.argv = kept
    return shown.getvalue()
