"""A program under its keeper: output as it comes, its end, and nothing that stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from plugins.patience import PATIENCE, gone, until

from astraml_lab.process import Program


def start(text: str, **env: str) -> Program:
    return Program(
        [sys.executable, "-c", textwrap.dedent(text)], env={**os.environ, **env}, folder=Path.cwd()
    )


def finished(program: Program) -> str:
    """Wait for the end; return what was written to both streams."""
    pieces = list(_pieces(program))
    return b"".join(data for _, data in pieces).decode()


def _pieces(program: Program) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    end = time.monotonic() + PATIENCE
    while not program.ended:
        assert time.monotonic() < end
        found += program.output(0.1)
    found += program.output(0.1)
    return found


def first_line(program: Program) -> str:
    text = ""
    end = time.monotonic() + PATIENCE
    while "\n" not in text:
        assert time.monotonic() < end
        text += "".join(data.decode() for _, data in program.output(0.1))
    return text.splitlines()[0]


def test_both_streams_and_the_exit_code_come_back() -> None:
    with start("import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)") as program:
        pieces = _pieces(program)
    written = {name: b"".join(data for stream, data in pieces if stream == name) for name in ("out", "err")}
    assert written == {"out": b"one\n", "err": b"two\n"}
    assert program.code == 3


def test_a_program_that_cannot_be_started_says_why() -> None:
    with Program(["./nonesuch"], env=dict(os.environ), folder=Path.cwd()) as program:
        finished(program)
    assert "No such file" in program.refused


def test_it_sees_its_own_environment_and_ignores_no_signal() -> None:
    command = ["sh", "-c", 'echo "$ONLY"; grep SigIgn /proc/self/status']
    with Program(command, env={"ONLY": "here", "PATH": os.defpath}, folder=Path.cwd()) as program:
        assert finished(program).split() == ["here", "SigIgn:", "0" * 16]


def test_sigterm_reaches_the_program_alone_and_it_may_clean_up() -> None:
    text = """
        import signal, subprocess, sys
        child = subprocess.Popen(["sleep", "600"])
        def bye(*_):
            print("child", child.poll())
            sys.exit(0)
        signal.signal(signal.SIGTERM, bye)
        print(child.pid, flush=True)
        signal.pause()
    """
    with start(text) as program:
        child = int(first_line(program))
        program.terminate()
        assert finished(program).strip() == "child None"
        assert program.code == 0
        assert gone(child)


def test_kill_ends_what_ignores_sigterm_and_what_made_a_session_of_its_own() -> None:
    text = """
        import signal, subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; echo $$; exec sleep 600"])
        signal.pause()
    """
    with start(text) as program:
        child = int(first_line(program))
        program.terminate()
        assert list(program.output(0.3)) == []
        assert not program.ended
        program.kill()
        finished(program)
        assert program.code == -signal.SIGKILL
        assert gone(child)


def test_a_child_that_outlives_the_program_is_ended_with_it() -> None:
    text = """
        import os, subprocess
        print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
    """
    with start(text) as program:
        child = int(finished(program))
    assert program.code == 0
    assert gone(child)


def test_leaving_the_block_kills_what_runs() -> None:
    with start("import os, time; print(os.getpid(), flush=True); time.sleep(600)") as program:
        pid = int(first_line(program))
    assert gone(pid)


def test_leaving_the_block_kills_what_runs_also_while_a_fork_of_the_kernel_lives() -> None:
    text = """
        import subprocess, time
        print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
        time.sleep(600)
    """
    with start(text) as program:
        child = int(first_line(program))
        held, let_go = os.pipe()
        fork = os.fork()
        if not fork:
            os.close(let_go)
            os.read(held, 1)
            os._exit(0)
    try:
        assert gone(child)
    finally:
        os.close(let_go)
        os.close(held)
        os.waitpid(fork, 0)


def test_killing_the_keeper_kills_the_program_and_tells_of_it() -> None:
    with start("import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(600)") as program:
        pid, keeper = map(int, first_line(program).split())
        os.kill(keeper, signal.SIGKILL)
        finished(program)
        assert program.code == -signal.SIGKILL
        until(lambda: gone(pid))


def test_kill_nine_of_the_kernel_leaves_no_process_behind() -> None:
    kernel = """
        import os, sys
        from pathlib import Path
        from astraml_lab.process import Program
        script = (
            "import os, subprocess, time\\n"
            "child = subprocess.Popen(['setsid', 'sleep', '600'])\\n"
            "print(os.getppid(), os.getpid(), child.pid, flush=True)\\n"
            "time.sleep(600)"
        )
        with Program([sys.executable, "-c", script], env=dict(os.environ), folder=Path.cwd()) as program:
            while True:
                for _, data in program.output(0.1):
                    sys.stdout.write(data.decode())
                    sys.stdout.flush()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(kernel)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == 3
        process.kill()
    until(lambda: all(gone(pid) for pid in pids))
