from __future__ import annotations

import subprocess
import sys
import threading

from plugins.patience import until

import astraml_lab as lab
from astraml_lab.spec import JobState, TrialState

RUN = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]


def astraml(*words: str) -> str:
    """Run the command line in a process of its own; return what it says."""
    ran = subprocess.run([*RUN, *words], capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).strip()


def test_a_job_of_a_kernel_is_controlled_from_the_command_line() -> None:
    go = threading.Event()

    def hold(trial: lab.Trial) -> float:
        while not go.wait(0.02):
            trial.report(score=0.0)
        return float(trial.number)

    space = {"x": lab.Float(0, 1)}
    job = lab.tune(hold, space, maximize="score", trials=5, parallel=1, name="digits", wait=False)
    asked = f"Asked kernel {job.view().owner} to"

    assert astraml("pause", "digits") == f"{asked} pause digits; it looks once a second."
    until(lambda: job.state is JobState.PAUSED)
    assert astraml("resume", "digits") == f"{asked} resume digits; it looks once a second."
    until(lambda: job.state is JobState.RUNNING)
    assert astraml("stop", "digits", "0") == f"{asked} stop trial 0 of digits; it looks once a second."
    assert astraml("stop", "digits").startswith(f"{asked} stop digits")
    job.wait(120)

    assert job.trials[0].state is TrialState.STOPPED
    assert job.state is JobState.CANCELLED
    assert astraml("resume", "digits") == (
        "astraml: digits is CANCELLED, and its code lives where it was started: in its notebook, %tune "
        'resume takes it up, in its script lab.resume("digits")'
    )
    assert astraml("stop", "digits").startswith("digits CANCELLED")
