"""A sample of the faults and of the changed files; ``make faults`` and ``make fuzz`` try all of
them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOMENTS = os.environ.get("ELMAN_FAULTS")
JOBS = [] if MOMENTS else ["--jobs", "language", "ngram", "vectors"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [("campaign", "--moments", MOMENTS or "6"), ("fuzz", "300")], ids=["faults", "fuzz"])
def test_a_sample_of_faults_leaves_nothing_broken(words: tuple[str, ...]) -> None:
    module, *rest = words
    command = [sys.executable, "-m", f"tests.faults.{module}", *rest, "--seed", "1", *JOBS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
