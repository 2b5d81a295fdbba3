"""A sample of the faults and of the changed files; ``make faults`` and ``make fuzz`` try all of
them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOMENTS = os.environ.get("ELMAN_FAULTS")
JOBS = [] if MOMENTS else ["--jobs", "language", "ngram", "vectors"]


BOTH = """
import json, sys
from tests.faults import campaign, fuzz
failed = 0
for module, words in zip((campaign, fuzz), json.loads(sys.argv[1])):
    sys.argv[1:] = words
    failed += module.main()
sys.exit(failed)
"""
"""One process for both: what they need is loaded and compiled once."""


@pytest.mark.slow
def test_a_sample_of_faults_leaves_nothing_broken() -> None:
    words = [["--moments", MOMENTS or "6", "--seed", "1", *JOBS], ["300", "--seed", "1", *JOBS]]
    command = [sys.executable, "-c", BOTH, json.dumps(words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
