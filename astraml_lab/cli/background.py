"""The process that runs a job of the command line, in a session of its own.

Every `submit` and `resume` starts one; what the shell shows only watches the store. So a closed terminal ends
nothing, and `--detach`, or `d` after Ctrl-C, is to stop watching. Where nobody is at a terminal it is leashed
to the command: if that is killed, it ends as well, and lets go of the job for `astraml resume`.

It and the command talk over a socket, in lines of JSON: the wish comes in; `told`, `refused` or `begun` go
out.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from astraml_lab.cli.answers import as_json, refusal_facts
from astraml_lab.cli.patience import patiently
from astraml_lab.errors import AstramlError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from astraml_lab.jobs import Job

_ENDED_BY_SIGNAL = 128 + signal.SIGTERM


class Talk:
    """The socket to the command that started this process."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._words = line.makefile("r", encoding="utf-8")

    def wish(self) -> dict[str, Any]:
        """Return what the command wants."""
        found: dict[str, Any] = json.loads(self._words.readline())
        return found

    def say(self, kind: str, content: object) -> None:
        """Say something; nobody may be listening any more."""
        with contextlib.suppress(OSError):
            self._line.sendall((as_json({kind: content}, indent=None) + "\n").encode())

    def told(self, sentence: str) -> None:
        """Pass a sentence on to whoever waits at the shell."""
        self.say("told", sentence)

    def watch_leash(self) -> threading.Event:
        """Return what is set once the command is gone."""
        gone = threading.Event()

        def read() -> None:
            with contextlib.suppress(OSError):
                while self._words.readline():
                    pass
            gone.set()

        threading.Thread(target=read, name="leash", daemon=True).start()
        return gone


def main() -> None:
    """Start the job that the command wishes for, say so, and stay until it has ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_ENDED_BY_SIGNAL))  # the manager lets go of its jobs
    talk = Talk(socket.socket(fileno=int(sys.argv[1])))
    wish = talk.wish()
    try:
        job = patiently(lambda: _begin(wish), told=talk.told)
    except AstramlError as error:
        talk.say("refused", {**refusal_facts(error), "message": str(error)})
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the command says it, the log has all of it
        talk.say("broken", f"{type(error).__name__}: {error}")
        traceback.print_exc()
        sys.exit(1)
    ours = job.alive and not job.elsewhere
    log = _keep_log(job, str(wish["log"])) if ours else wish["log"]
    gone = talk.watch_leash() if wish["leashed"] else threading.Event()
    name = {"name": job.name, "project": job.project, "generation": job.generation}
    talk.say("begun", {**name, "said": job.said, "log": str(log), "ours": ours})
    if ours:
        _stay(job, gone)


def _begin(wish: Mapping[str, Any]) -> Job:
    from astraml_lab import lab
    from astraml_lab.lab.requests import begin

    again = wish.get("resume")
    if again:
        job = lab.job(again["name"], project=again["project"], generation=again["generation"])
        return job.resume(again["trials"], confirm=again["confirm"])
    try:
        return begin(
            wish["request"],
            wish["dialect"],
            target=wish["target"],
            api_version=wish["api_version"],
            idempotency_key=wish["idempotency_key"],
        )
    except NotFound as error:
        raise NotFound(f"{error}; or say --target train.py, or [targets] in astraml.toml") from None


def _stay(job: Job, gone: threading.Event) -> None:
    print(f"{job!r}\n{job.said}".strip(), flush=True)  # noqa: T201 - into the log

    def glance(_job: Job) -> None:
        if gone.is_set():
            print("the command that started it is gone: letting go of the job", flush=True)  # noqa: T201
            sys.exit(_ENDED_BY_SIGNAL)

    job.wait(glance=glance)
    print(repr(job), flush=True)  # noqa: T201


def _keep_log(job: Job, log: str) -> Path | str:
    """Move this process's log to the job's folder, where it goes when the job is deleted."""
    from astraml_lab.lab import manager

    folder = manager().store.files.job(job.project, job.name) / str(job.generation)
    kept = folder / f"run-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(log, kept)  # noqa: PTH105 - it is open, and stays so
    except OSError:
        return log
    return kept


if __name__ == "__main__":
    main()
