"""In threads a crash of a trial is the kernel's: what a person sees then, and how the job goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plugins.kernel import Kernel

pytestmark = pytest.mark.slow

CELL = """%%tune --maximize score --trials 4 --parallel 1 --prune off --name kin
x = Float(0.0, 1.0)

import ctypes
if trial.number == 1:
    ctypes.string_at(0)
report(score=x)
"""
LOAD = "%load_ext astraml_lab\nimport astraml_lab as lab, json"
TRIALS = "print(json.dumps([[t.state, t.kind, t.reason] for t in lab.job('kin').trials.values()]))"


def revived(kernel: Kernel) -> None:
    """Restart a kernel that has died, as JupyterLab does by itself."""
    provisioner = kernel.manager.provisioner
    assert provisioner is not None
    provisioner.process.wait(120)  # type: ignore[attr-defined]  # of a local one
    kernel.restart()
    kernel.run(LOAD)


def test_a_crash_ends_the_kernel_and_the_job_goes_on(kernel: Kernel) -> None:
    kernel.run(LOAD)
    kernel.start(CELL)
    revived(kernel)
    assert "its kernel is gone" in kernel.run("%tune").text
    kernel.start("%tune resume kin")
    revived(kernel)  # the trial ran again, and took the kernel with it again
    kernel.run("%tune resume kin")
    assert "kin SUCCEEDED · 4/4 trials" in kernel.run("%tune wait kin").text
    reason = (
        "its kernel died in attempt 2, its last, and it has no checkpoint to go on from; "
        "where a trial itself ends the kernel, `--executor processes` keeps that to the trial"
    )
    trials = json.loads(kernel.run(TRIALS).text)
    assert trials[1] == ["FAILED", "stale", reason]
    assert [trial[0] for trial in trials] == ["COMPLETE", "FAILED", "COMPLETE", "COMPLETE"]
