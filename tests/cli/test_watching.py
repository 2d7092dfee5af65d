"""A watched job ends at the very moment at which it is shown."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import PATIENCE, until

import astraml_lab as lab
from astraml_lab.cli.watching import Watch
from astraml_lab.errors import JobFailed
from astraml_lab.jobs.presenter import presenter

if TYPE_CHECKING:
    from pathlib import Path

SPACE = {"x": lab.Float(0, 1)}
HOLDS = """
import pathlib, sys, time
import astraml_lab as lab

def hold(x):
    while not pathlib.Path(sys.argv[1]).exists():
        time.sleep(0.02)
    if sys.argv[2] == "badly":
        raise ValueError("no data here")
    return x

lab.tune(hold, {"x": lab.Float(0, 1)}, maximize="score", trials=1, name="digits", max_failures=1)
"""


def test_a_job_that_ends_while_it_is_shown_is_said_to_have_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go = threading.Event()

    def hold(x: float) -> float:
        go.wait(120)
        return 0.0 * x

    job = lab.tune(hold, SPACE, maximize="score", trials=1, name="digits", wait=False)
    shows = presenter().show

    def show(shown: Any, **how: Any) -> None:
        shows(shown, **how)
        go.set()
        job.wait(120)

    monkeypatch.setattr(presenter(), "show", show)

    assert Watch(job, owned=True).run() == 0
    before, after = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    assert "digits  0/1 trials" in before
    assert after.startswith("digits  succeeded  1/1 trials  best score 0 (trial 0)")


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_so_it_is_of_another_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, ends: str
) -> None:
    go = tmp_path / "go"
    script = [sys.executable, "-c", HOLDS, str(go), ends]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as other:
        until(lambda: [view for view in lab.jobs() if view.running])
        job = lab.job("digits")
        shows = presenter().show

        def show(shown: Any, **how: Any) -> None:
            shows(shown, **how)
            go.touch()
            other.communicate(timeout=PATIENCE)

        monkeypatch.setattr(presenter(), "show", show)
        if ends == "badly":
            with pytest.raises(JobFailed, match="no data here"):
                Watch(job, owned=True).run()
        else:
            assert Watch(job, owned=True).run() == 0
    state = "succeeded" if ends == "well" else "failed"
    assert capsys.readouterr().out.rstrip().rpartition("\n")[2].startswith(f"digits  {state}  1/1 trials")


def test_a_job_that_has_ended_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    job = lab.tune(lambda x: 0.0 * x, SPACE, maximize="score", trials=1, name="digits")
    capsys.readouterr()

    assert Watch(job, owned=True).run() == 0
    assert capsys.readouterr().out.count("digits  succeeded") == 1
