"""Jobs of the command line run in processes of their own: detached, killed, taken up, followed, leashed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from plugins.patience import until
from typer.testing import CliRunner

import astraml_lab as lab
from astraml_lab.cli import patience
from astraml_lab.cli.app import app
from astraml_lab.cli.patience import TRIES, Failures, patiently
from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.errors import StoreUnavailable
from astraml_lab.lab import manager
from astraml_lab.spec import JobState, TrialState
from astraml_lab.store import engine

RUN = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]
REQUEST = """
apiVersion: "2.1"
project_id: p-demo
name: steps
model: mine
dataset: .
resources: {gpus: 0}
hyperparams: {lr: {min: 0.1, max: 0.9}}
tuning: {objective: {metric: score, direction: maximize}, max_trials: 3}
"""
SCRIPT = """
import os, pathlib, time
for step in range(12000):
    print(f"score={step}", flush=True)
    if os.path.exists(os.environ["GO"]) or os.path.exists(os.environ["GO"] + os.environ["ASTRAML_TRIAL"]):
        break
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a request and a script that goes on until this file is there, or `go0`."""
    monkeypatch.chdir(tmp_path)
    Path("request.yaml").write_text(REQUEST)
    Path("train.py").write_text(SCRIPT)
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    return tmp_path / "go"


def astraml(*words: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run([*RUN, *words], capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def detached(*more: str) -> dict[str, Any]:
    """Start the job, and return what the command says of it."""
    ran = astraml("submit", "request.yaml", "--target", "train.py", "--detach", "--json", *more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    facts: dict[str, Any] = json.loads(ran.stdout)
    return facts


def ended(job: lab.Job) -> int:
    return sum(trial.state.ended for trial in job.reader.trials()[1])


def test_a_detached_job_outlives_its_command_and_a_killed_one_is_taken_up_where_it_was(go: Path) -> None:
    facts = detached()
    pid, job = facts["pid"], lab.job("steps", project="p-demo")
    process = psutil.Process(pid)
    assert os.getsid(pid) == pid  # a session of its own: no terminal's end reaches it
    assert "job\tproject" in astraml("list").stdout
    until(lambda: job.view().running)

    go.with_name("go0").touch()
    until(lambda: ended(job) == 1)
    process.kill()
    process.wait(120)
    until(lambda: job.state is JobState.STALE)
    first = job.trials[0].view()
    assert first.state is TrialState.COMPLETE
    assert "Traceback" not in Path(facts["log"]).read_text()

    go.touch()
    again = astraml("resume", "steps", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["trials"] == 3
    assert lab.job("steps", project="p-demo").trials[0].view() == first


def test_what_is_wrong_is_said_before_a_command_detaches() -> None:
    ran = astraml("submit", "request.yaml", "--target", "no-such.py", "--detach", "--json")

    assert ran.returncode == 2
    assert "no-such.py" in json.loads(ran.stdout)["message"]
    assert "no-such.py" in ran.stderr
    assert lab.jobs() == []
    assert list((manager().store.files.home / "runs").iterdir()) == []


def test_a_command_that_is_killed_where_nobody_is_at_a_terminal_takes_its_process_along() -> None:
    ran = subprocess.Popen(
        [*RUN, "submit", "request.yaml", "--target", "train.py"], stdout=subprocess.PIPE, text=True
    )
    assert ran.stdout is not None
    assert "steps" in ran.stdout.readline()
    job = lab.job("steps", project="p-demo")
    until(lambda: job.view().running)
    process = psutil.Process(int(job.elsewhere.rpartition(":")[2]))
    assert process.pid != ran.pid

    ran.kill()
    ran.communicate(timeout=120)
    psutil.wait_procs([process], timeout=120)
    assert not process.is_running()
    until(lambda: job.state is JobState.STALE)


def test_a_job_is_followed_waited_for_and_deleted_from_the_shell(go: Path) -> None:
    detached("--idempotency-key", "one")
    again = detached("--idempotency-key", "one")
    assert (again["name"], again["pid"], again["log"]) == ("steps", None, "")
    assert list((manager().store.files.home / "runs").iterdir()) == []
    job = lab.job("steps", project="p-demo")
    until(lambda: job.view().running)
    early = astraml("wait", "steps", "--timeout", "0.1s")
    assert (early.returncode, "steps goes on: `astraml wait steps" in early.stdout) == (124, True)
    busy = astraml("delete", "steps")
    assert (busy.returncode, "stop it first (`astraml stop steps --project p-demo`)" in busy.stderr) == (
        2,
        True,
    )

    following = subprocess.Popen(
        [*RUN, "logs", "steps", "-f", "-n", "9999"], stdout=subprocess.PIPE, text=True
    )
    assert following.stdout is not None
    assert following.stdout.readline() == "trial 0 | score=0\n"
    go.touch()
    lines = following.communicate(timeout=120)[0].splitlines()
    assert following.returncode == 0
    assert lines[-1] == "trial 2 | score=0"
    rows = [json.loads(row) for row in astraml("logs", "steps", "2", "--json").stdout.splitlines()]
    assert [(row["trial"], row["stream"], row["text"]) for row in rows] == [(2, "out", "score=0")]

    waited = json.loads(astraml("wait", "steps", "--json").stdout)
    assert (waited["state"], waited["best"][0]["number"]) == ("SUCCEEDED", 0)
    deleted = json.loads(astraml("delete", "steps", "--json").stdout)
    assert deleted == {"name": "steps", "project": "p-demo", "generations": 1, "trials": 3}
    assert lab.jobs() == []


@pytest.mark.slow
def test_a_locked_store_is_waited_for_and_one_job_is_made(go: Path, home: Path) -> None:
    assert lab.jobs() == []  # the store is there
    go.touch()
    other = sqlite3.connect(home / "lab.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ran = subprocess.Popen(
        [*RUN, "submit", "request.yaml", "--target", "train.py", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert ran.stderr is not None
    assert "database is locked" in (said := ran.stderr.readline())
    assert said.rstrip().endswith(f"(try 2 of {TRIES})")
    other.execute("ROLLBACK")
    other.close()
    out, wrong = ran.communicate(timeout=120)

    assert ran.returncode == 0, wrong
    assert json.loads(out)["state"] == "SUCCEEDED"
    assert [view.name for view in lab.jobs()] == ["steps"]


def test_what_passes_is_tried_again_and_what_does_not_is_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    assert lab.jobs() == []
    other = sqlite3.connect(home / "lab.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    told: list[str] = []

    def unlock(sentence: str) -> None:
        told.append(sentence)
        if len(told) == 2:
            other.execute("ROLLBACK")

    locked = manager().store.requests
    patiently(lambda: locked.claim("p-demo", "key", "print", "name"), told=unlock)
    assert [each.rpartition("(")[2] for each in told] == ["try 2 of 6)", "try 3 of 6)"]

    def fails() -> None:
        told.append("called")
        raise StoreUnavailable("the disk is full")

    told.clear()
    with pytest.raises(StoreUnavailable):
        patiently(fails, told=told.append)
    assert told == ["called"]
    other.close()


def test_failures_of_an_hour_ago_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST", 0.001)
    told: list[str] = []
    failures = Failures()
    calls = iter([*("locked",) * 4, "goes on", *("locked",) * 5])

    def wait() -> None:
        if next(calls) == "goes on":
            failures.over()
        raise ProblemError("store-locked", "the store is locked")

    with pytest.raises(ProblemError):
        patiently(wait, told=told.append, failures=failures)
    tries = [each.rpartition("(")[2] for each in told]
    assert tries == [f"try {count} of {TRIES})" for count in (2, 3, 4, 5, 2, 3, 4, 5, 6)]


def test_a_finished_job_resumes_with_more_trials(go: Path) -> None:
    go.touch()
    assert astraml("submit", "request.yaml", "--target", "train.py").returncode == 0
    spent = astraml("resume", "steps")
    assert spent.returncode == 2
    assert "`astraml resume steps --trials 13 --project p-demo` runs more" in spent.stderr
    more = astraml("resume", "steps", "--trials", "4")
    assert (more.returncode, "steps  succeeded  4/4 trials" in more.stdout) == (0, True)


def test_sigterm_lets_go_of_a_detached_job(go: Path) -> None:
    facts = detached()
    job = lab.job("steps", project="p-demo")
    until(lambda: job.view().running)
    process = psutil.Process(facts["pid"])
    process.send_signal(signal.SIGTERM)
    process.wait(120)
    until(lambda: job.state is JobState.STALE)
    waited = CliRunner().invoke(app, ["wait", "steps"])
    assert waited.output.count("its kernel is gone") == 1
    assert "is kept: astraml resume steps --project p-demo goes on" in waited.output
    assert str(waited.exception) == "steps is STALE: nobody runs it"
    assert job.stop().state is JobState.CANCELLED
    assert not go.exists()
