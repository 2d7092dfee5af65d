from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from plugins.patience import gone, until

from astraml_lab.process import OutOfMemoryCounter, how_it_ended
from astraml_lab.process.system import kill_session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (0, "ended itself with exit code 0 (os._exit)"),
        (-signal.SIGSEGV, "crashed: segmentation fault (SIGSEGV)"),
        (-signal.SIGBUS, "crashed: bus error (SIGBUS)"),
        (-signal.SIGFPE, "crashed: arithmetic error (SIGFPE)"),
        (-signal.SIGHUP, "was ended by a signal (SIGHUP) from outside"),
        (-99, "was ended by signal 99"),
    ],
)
def test_an_exit_code_in_words(code: int, sentence: str) -> None:
    assert how_it_ended(code) == sentence


def test_the_count_of_kills_is_the_first_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "events"
    counter = OutOfMemoryCounter([tmp_path / "none", file])
    assert counter.count() is None
    file.write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert counter.count() == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts are Linux's")
def test_this_machine_has_a_count() -> None:
    assert OutOfMemoryCounter().count() is not None


def test_a_session_is_killed_with_all_of_its_process_groups() -> None:
    code = (
        "import subprocess, time\n"
        "for group in (None, 0):\n"
        "    print(subprocess.Popen(['sleep', '600'], process_group=group).pid, flush=True)\n"
        "time.sleep(600)"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert leader.stdout is not None
    members = [int(leader.stdout.readline()) for _ in range(2)]
    assert os.getsid(members[1]) == leader.pid
    kill_session(leader.pid)
    assert leader.wait(120) == -signal.SIGKILL
    leader.stdout.close()
    until(lambda: all(gone(pid) for pid in members))  # a signal takes its time


def test_a_member_that_kills_its_session_leaves_nobody() -> None:
    code = (
        "import os, subprocess\n"
        "from astraml_lab.process.system import kill_session\n"
        "print(subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL).pid, flush=True)\n"
        "kill_session(os.getpid())"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    child = int(leader.communicate(timeout=120)[0])
    assert leader.returncode == -signal.SIGKILL
    until(lambda: gone(child))
