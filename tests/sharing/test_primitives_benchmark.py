"""The benchmark of the primitives runs: three processes over TLS, as predicted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "primitives.py"


def test_measured_rounds_and_bytes_are_the_predicted_ones():
    command = [sys.executable, str(SCRIPT), "equal", "radix-sort", "--rows", "8", "--repeat", "1"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["equal", "radix-sort"]
    for line in lines:
        measured, predicted = line.split()[:10], line.split()[10:]
        assert predicted == [measured[8], "rounds,", measured[6], "MB"]


def test_an_unknown_workload_is_named():
    command = [sys.executable, str(SCRIPT), "frobnicate"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "there is no workload frobnicate" in run.stderr
