"""A kernel that tunes a notebook is killed: what executes the notebook, and its kernel, go with it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from plugins.notebooks import write_notebook

if TYPE_CHECKING:
    from pathlib import Path

HANG = """
import os, time
from astraml_lab import report
report(score=1.0)
open(f"pid-{os.environ['ASTRAML_TRIAL']}", "w").write(str(os.getpid()))
time.sleep(600)
"""
TUNE = """
import sys, time
import astraml_lab as lab
lab.tune(notebook="train.ipynb", space={{"lr": lab.Float(0.0, 1.0)}}, maximize="score", trials=1, wait=False,
         executor={executor!r})
time.sleep(600)
"""


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_nothing_of_a_trial_outlives_a_killed_kernel(tmp_path: Path, executor: str) -> None:
    write_notebook(tmp_path / "train.ipynb", "lr: float = 0.1", HANG)
    code = TUNE.format(executor=executor)
    with (tmp_path / "errors").open("wb") as errors:
        tuning = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=errors, stderr=errors)
    try:
        pid = tmp_path / "pid-0"
        until = time.monotonic() + 120
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < until, (tmp_path / "errors").read_text()
            time.sleep(0.05)
        below = psutil.Process(tuning.pid).children(recursive=True)
        assert int(pid.read_text()) in {each.pid for each in below}
    finally:
        tuning.kill()
        tuning.wait(120)
    _, alive = psutil.wait_procs(below, timeout=120)
    assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
