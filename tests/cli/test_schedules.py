"""`astraml schedule …` and `astraml scheduler`, as processes of their own over one store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from astraml_lab.spec import JobState, TickState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

ASTRAML = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]
SUBMIT = ["submit", "--project", "p-demo", "--model", "bert-base", "--dataset", "data.csv", "--gpus", "1"]


def astraml(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ASTRAML, *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_schedule_is_submitted_run_by_hand_and_served_until_ctrl_c(home: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('accuracy=0.5')\n")
    rule = ["--cron", "0 * * * *", "--timezone", "Europe/Berlin", "--target", "train.py"]
    wrong = astraml(tmp_path, *SUBMIT, "--cron", "0 0 30 2 *", "--target", "train.py")
    assert (wrong.returncode, "--cron: never occurs" in wrong.stderr) == (2, True)
    made = astraml(tmp_path, *SUBMIT, *rule)
    assert (made.returncode, "bert-base: `0 * * * *` Europe/Berlin, next 20" in made.stdout) == (0, True)

    other = astraml(tmp_path, "schedule", "show", "weekly")
    assert other.stderr == "astraml: no schedule 'weekly': there are bert-base\n"

    ran = astraml(tmp_path, "schedule", "run", "bert-base", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["state"]) == (0, "SUCCEEDED")
    shown = json.loads(astraml(tmp_path, "schedule", "show", "bert-base", "--json").stdout)
    assert [(run["state"], run["job_state"]) for run in shown["runs"]] == [("STARTED", "SUCCEEDED")]

    with Store(home) as store:
        with store.begin() as connection:
            connection.execute(text("UPDATE schedules SET since = since - 3600"))
        schedule = store.schedules.find()[0].id
        serving = subprocess.Popen(
            [*ASTRAML, "scheduler"], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert serving.stdout is not None
        lines: list[str] = []
        while not any("succeeded" in line or "SUCCEEDED · " in line for line in lines):
            lines.append(serving.stdout.readline())
            assert lines[-1], lines
        os.kill(serving.pid, signal.SIGINT)
        assert serving.wait(120) == 0
        serving.stdout.close()
        assert "serving 1 schedule until Ctrl-C" in lines[0]
        by_hand, tick = store.schedules.ticks(schedule)
        assert {by_hand.state, tick.state} == {TickState.STARTED}
        assert {by_hand.job_state, tick.job_state} == {JobState.SUCCEEDED}

    assert "the jobs of its runs stay" in astraml(tmp_path, "schedule", "rm", "bert-base").stdout
    gone = astraml(tmp_path, "schedule", "show", "bert-base")
    assert (gone.returncode, "no schedule 'bert-base'" in gone.stderr) == (2, True)
