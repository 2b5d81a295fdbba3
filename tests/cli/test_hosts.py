"""A training on two hosts: the cable is cut, and then a host is lost (``benchmarks/hosts.py``)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "hosts.py"


@pytest.mark.slow
@pytest.mark.skipif("ELMAN_FAULTS" not in os.environ, reason="waits for a minute: make faults runs it")
def test_a_cut_cable_is_waited_for_and_a_lost_host_ends_the_training() -> None:
    command = [sys.executable, SCRIPT, "--cut", "2", "--timeout", "10"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240)
    if found.returncode == 3:
        pytest.skip(found.stderr.strip())
    steps = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(each["step"], each["good"]) for each in steps] == [("start", True), ("cut", True), ("lost", True)], found
