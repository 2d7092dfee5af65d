"""What a shell does to a command: Ctrl-C before it has begun, a full disk, a pipe, a folder for a file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import astraml_lab as lab
from astraml_lab.cli.answers import in_a_shell
from astraml_lab.cli.apart import _new_log

if TYPE_CHECKING:
    from pathlib import Path

MODULE = [sys.executable, "-m", "astraml_lab"]
SUBMIT = ["submit", "--project", "p-demo", "--model", "m", "--dataset", "data/"]
INTERRUPTED_AT = """
import os, signal, sys

MODULE = sys.argv.pop(1)

class Finder:
    def find_spec(self, name, *_):
        if name == MODULE:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from astraml_lab.cli import main
main()
"""


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("module", "said"), [("typer", "nothing was done"), ("astraml_lab.cli.apart", "`astraml list` says")]
)
def test_ctrl_c_before_a_job_is_watched_is_a_sentence_and_130(module: str, said: str) -> None:
    done = ran(sys.executable, "-c", INTERRUPTED_AT, module, *SUBMIT, "--target", "train.py")

    assert (done.returncode, said in done.stderr) == (130, True), done.stderr
    assert lab.jobs() == []


def test_a_full_disk_behind_the_output_is_a_sentence() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*MODULE, "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    assert (done.returncode, done.stderr) == (2, "astraml: the system refused: No space left on device\n")


def test_a_home_that_cannot_be_written_into_is_a_sentence(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "runs").symlink_to("/sys")  # where not even root makes a file
    done = ran(*MODULE, *SUBMIT)

    assert (done.returncode, "cannot write into the folder" in done.stderr) == (2, True), done.stderr


def test_a_home_that_the_command_line_makes_is_its_owners_alone(home: Path) -> None:
    log = _new_log()

    assert (log.parent, home.stat().st_mode & 0o777) == (home / "runs", 0o700)


def test_a_request_may_come_through_a_pipe_and_a_folder_is_none(tmp_path: Path) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    text = '{"apiVersion": "2.1", "project_id": "p-demo", "model": "bert-base", "dataset": "data/"}'
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    through = ran(*MODULE, "translate", str(pipe))
    writer.join()

    assert (through.returncode, "bert-base" in through.stdout) == (0, True), through.stderr
    assert f"{tmp_path} is a folder" in ran(*MODULE, "submit", str(tmp_path)).stderr


def test_a_dry_run_says_what_its_target_is(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("")
    done = ran(*MODULE, *SUBMIT, "--target", str(script), "--dry-run")

    assert f"m: here {script} runs" in done.stdout
    assert "BEFORE IT CAN RUN" not in done.stdout


def test_what_is_typed_in_a_notebook_is_said_as_a_shell_has_it() -> None:
    stale = "its kernel is gone; what had finished is kept: %tune resume digits --project p goes on"

    assert in_a_shell(stale).endswith("is kept: astraml resume digits --project p goes on")
    assert in_a_shell("`%tune stop digits`; in its notebook, %tune resume takes it up") == (
        "`astraml stop digits`; in its notebook, %tune resume takes it up"
    )
