"""Tests that several processes run: each once, a file in one process, and nothing that went wrong
is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUITE = {
    "conftest.py": """
        import pytest
        from tests.workers import pytest_addoption, pytest_runtestloop
    """,
    "test_one.py": """
        import os, pytest
        @pytest.fixture(scope="module")
        def made():
            with open(os.environ["MADE"], "a") as file:
                file.write(f"{os.getpid()}\\n")
        def test_first(made): pass
        def test_wrong(made):
            print("said before")
            assert [1] == [2]
        def test_left_out(made): pytest.skip("of no use here")
        @pytest.mark.parametrize("number", range(20))
        def test_more(made, number): pass
    """,
    "test_two.py": """
        import os
        def test_before(): pass
        def test_ends(): os._exit(3)
        def test_after(): pass
    """,
    "test_three.py": """
        import os
        def test_here(): assert os.path.dirname(os.environ["ELMAN_CACHE"]) == os.environ["PARENT"]
    """,
}


@pytest.mark.slow
def test_each_test_is_run_once_and_what_went_wrong_is_told(tmp_path: Path) -> None:
    for name, text in SUITE.items():
        lines = [line[8:] for line in text.splitlines()]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    made, cache = tmp_path / "made", tmp_path / "cache"
    command = [
        "-m",
        "pytest",
        "-q",
        "-rfs",
        "-p",
        "no:cacheprovider",
        "--disable-plugin-autoload",
        "--rootdir",
        tmp_path,
    ]
    variables = {
        "MADE": str(made),
        "ELMAN_CACHE": str(cache),
        "PARENT": str(tmp_path),
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, *command, tmp_path, "--workers", "2"], capture_output=True, text=True,
        env={**os.environ, **variables}, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    # The last of test_two.py has no process any more.
    assert "2 failed, 23 passed, 1 skipped" in done.stdout
    for told in ("assert [1] == [2]", "said before", "ended with code 3", "of no use here", "test_two.py::test_ends"):
        assert told in done.stdout
    assert len(made.read_text().splitlines()) == 1
