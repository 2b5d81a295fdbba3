"""Writes docs/cli.md from the help of every verb, and docs/python.md from the docstrings of
`import elman`.

    python docs/build_reference.py           # `make reference` runs this and build_architecture.py
    python docs/build_reference.py FOLDER    # writes them elsewhere
"""

import sys
from pathlib import Path

from reference_cli import cli_page
from reference_python import python_page

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "python.md").write_text(python_page(), encoding="utf-8")
