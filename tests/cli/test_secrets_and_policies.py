"""`astraml secret` and `astraml policy`, as a shell sees them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from typer.testing import CliRunner

import astraml_lab as lab
from astraml_lab.cli.app import app
from astraml_lab.secrets import Secrets

if TYPE_CHECKING:
    from pathlib import Path

RUN = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]
VALUE = "s3cr/t+tok en=7!"


def astraml(*words: str, text: str = "") -> tuple[int, str, str]:
    ran = subprocess.run([*RUN, *words], input=text, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def test_a_secret_is_typed_at_a_prompt_that_shows_nothing(home: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*RUN, "secret", "set", "hf-token", "--project", "p-demo"])  # noqa: S606
    seen = b""
    while b"not shown" not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, f"{VALUE}\n".encode())
    try:
        while data := os.read(terminal, 1024):
            seen += data
    except OSError:  # how a terminal says that its other end is gone
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert VALUE.encode() not in seen
    assert b"hf-token of p-demo is kept" in seen
    assert Secrets(home).resolve("p-demo", "hf-token") == VALUE


def test_a_secret_comes_from_the_standard_input_is_listed_without_its_value_and_removed(home: Path) -> None:
    assert astraml("secret", "set", "key", text="-----BEGIN-----\nabc\n-----END-----\n")[0] == 0
    assert Secrets(home).resolve("default", "key") == "-----BEGIN-----\nabc\n-----END-----"
    assert CliRunner().invoke(app, ["secret", "list"]).output == "default  key  (file)\n"
    listed = CliRunner().invoke(app, ["secret", "list", "--project", "default", "--json"]).output
    assert json.loads(listed) == [{"project": "default", "name": "key", "source": "file"}]
    assert "key of default is forgotten" in CliRunner().invoke(app, ["secret", "rm", "key"]).output
    assert CliRunner().invoke(app, ["secret", "list"]).output == "No secret yet.\n"


def test_a_value_on_the_line_is_refused_and_not_repeated() -> None:
    status, out, error = astraml("secret", "set", "key", "hunter2")
    assert status == 2
    assert "leave it out: you will be asked" in error
    assert "hunter2" not in out + error
    assert lab.secrets.list() == []


def test_a_short_secret_is_taken_with_a_warning() -> None:
    status, _, error = astraml("secret", "set", "pin", text="1234")
    assert status == 0
    assert "shorter than 6 characters, so logs are not searched for it" in error


def test_a_policy_is_set_got_and_set_again_as_it_was_got() -> None:
    status, _, error = astraml("policy", "get", "--project", "p-demo")
    assert status == 2
    assert "the project p-demo has no policy" in error
    text = "ceilings: {gpus: 2}\ndefaults: {epochs: 3}\n"
    said = astraml("policy", "set", "-", "--project", "p-demo", text=text)
    assert said[:2] == (0, "The policy of p-demo is of version 1; jobs that were submitted keep theirs.\n")
    found = CliRunner().invoke(app, ["policy", "get", "--project", "p-demo"]).output
    assert found == "ceilings:\n  gpus: 2\ndefaults:\n  epochs: 3\nversion: 1\n"
    assert astraml("policy", "set", "-", "--project", "p-demo", text=found)[0] == 0
    got = json.loads(CliRunner().invoke(app, ["policy", "get", "--project", "p-demo", "--json"]).output)
    assert got == {"ceilings": {"gpus": 2}, "defaults": {"epochs": 3}, "version": 2}
    status, _, error = astraml("policy", "set", "-", "--project", "p-demo", text=found)
    assert status == 2
    assert "is of version 2 now, and the change was made to version 1" in error


def test_a_bad_policy_is_refused_with_all_its_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"ceilings": {"gpus": "x", "max_trails": 1}, "defalts": {}, "allowed": {"strategy": 1}}')
    status, _, error = astraml("policy", "set", str(file))
    assert status == 2
    assert error.count("\n  - ") == 4
    assert 'did you mean "max_trials"' in error
    assert 'did you mean "defaults"' in error
    assert "Traceback" not in error
    assert "there is no file nowhere.json" in astraml("policy", "set", "nowhere.json")[2]


def test_a_dry_run_says_where_each_value_comes_from() -> None:
    lab.set_policy({"defaults": {"epochs": 3}, "ceilings": {"batch_size": 16}}, "p-demo")
    line = ["submit", "--project", "p-demo", "--model", "m", "--dataset", "d", "--dry-run"]
    said = CliRunner().invoke(app, line).output
    assert "From the project's policy (version 1):\n  epochs" in said
    assert "Cut to what the project's policy allows (version 1):\n  batch_size" in said
    refused = astraml(*line, "--batch-size", "32")
    assert "--batch-size: 32 is above the project's ceiling, 16" in refused[2]
