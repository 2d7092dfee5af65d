"""User code that does what most does not, and a system that has no more to give."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from contracts.executor_contract import RecordingChannel
from plugins.patience import PATIENCE, until, within

from astraml_lab.executors import Outcome, ProcessExecutor, Task
from astraml_lab.process import Templates

if TYPE_CHECKING:
    from executors.conftest import Bench

    from astraml_lab.spec import AnyDimension, ParamValue
    from astraml_lab.trial import Channel


class Loaded:
    """Stands for shared data: what `load` returns takes its place in the template."""

    def __init__(self, load: Any) -> None:
        self._load = load

    def __reduce__(self) -> tuple[Any, ...]:
        return self._load, ()


def test_a_fork_that_returns_from_the_code_does_not_speak_for_the_trial(bench: Bench) -> None:
    def run(_channel: Channel) -> str:
        if not os.fork():
            return "the fork's"
        os.wait()
        return "the trial's"

    def crash(_channel: Channel) -> str:
        if not os.fork():
            sys.exit(0)
        os.wait()
        os._exit(3)

    assert bench.value(run) == "the trial's"
    assert bench.end(crash).lost == "ended itself with exit code 3 (os._exit)"


@pytest.mark.parametrize("kind", [TimeoutError, ValueError])
def test_an_alarm_during_a_call_leaves_the_next_call_its_own_answer(
    forking: Templates, kind: type[Exception]
) -> None:
    class Slow(RecordingChannel):
        def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:  # noqa: ARG002
            if name == "slow":
                os.kill(int(self.reports[0][0]["pid"]), signal.SIGALRM)
                time.sleep(0.2)
            return name

    def run(channel: Channel) -> list[object]:
        def ring(*_: object) -> None:
            raise kind

        answers: list[object] = []
        signal.signal(signal.SIGALRM, ring)
        channel.report({"pid": os.getpid()}, None)
        for name in ("slow", "next", "last"):
            try:
                answers.append(channel.suggest(name, None))  # type: ignore[arg-type]  # nobody looks at it
            except kind:
                answers.append("rang")
        return answers

    executor = ProcessExecutor(home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", run, Slow()), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome(value=["rang", "next", "last"])
    assert executor.close(PATIENCE)


def test_a_path_that_is_no_text_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, Path("/nowhere")])
    servers = Templates(fork=True, heavy=())
    assert servers.base().probe().threads == 1
    assert servers.close(PATIENCE)


def test_the_main_module_of_a_trial_has_no_names_of_ours_and_the_arguments_are_the_kernels(
    forking: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "--data", "here"])

    def run(_channel: Channel) -> tuple[list[str], list[str]]:
        names = vars(sys.modules["__main__"])
        return [name for name in names if not name.startswith("__")], sys.argv

    executor = ProcessExecutor(home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", run, RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE).value == ([], ["train.py", "--data", "here"])
    assert executor.close(PATIENCE)


def test_a_module_that_a_change_of_folder_hides_travels_by_value(
    forking: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcome_of_a_job() -> Outcome:
        executor = ProcessExecutor(home=forking)
        ends: queue.Queue[Outcome] = queue.Queue()
        executor.submit(Task("t", module.run, RecordingChannel()), ends.put)
        outcome = ends.get(timeout=PATIENCE)
        assert executor.close(PATIENCE)
        return outcome

    name = "astraml_made_up_beside_the_notebook"
    (tmp_path / f"{name}.py").write_text("def run(channel):\n    return 'ran'\n")
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as in a notebook
    monkeypatch.chdir(tmp_path)
    module = __import__(name)
    assert outcome_of_a_job() == Outcome(value="ran")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    try:
        assert outcome_of_a_job() == Outcome(value="ran")
    finally:
        del sys.modules[name]


def test_what_is_shared_is_loaded_where_libraries_start_no_threads_and_leave_cuda_alone(
    forking: Templates,
) -> None:
    names = ("OMP_NUM_THREADS", "PYTORCH_NVML_BASED_CUDA_CHECK")

    def look() -> list[str | None]:
        return [os.environ.get(name) for name in names]

    there, here = Loaded(look), look()
    executor = ProcessExecutor([there], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", lambda _channel: (there, look()), RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE).value == (["1", "1"], here)
    assert executor.close(PATIENCE)


def test_a_refused_fork_costs_one_trial_and_says_why(forking: Templates) -> None:
    def refuse_the_second() -> None:
        fork, forks = os.fork, []

        def limited() -> int:
            forks.append(1)
            if len(forks) == 2:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            return fork()

        os.fork = limited

    def run(channel: Channel) -> str:
        channel.report({"begun": 1}, None)
        while not channel.should_stop():
            time.sleep(0.01)
        return "ran"

    executor = ProcessExecutor([Loaded(refuse_the_second)], home=forking)
    first, channel = queue.Queue[Outcome](), RecordingChannel()
    executor.submit(Task("first", run, channel), first.put)
    while not channel.reports:
        time.sleep(0.01)
    others: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("second", lambda _channel: None, RecordingChannel()), others.put)
    lost = others.get(timeout=PATIENCE).lost
    assert lost.startswith("could not be started: [Errno 11] Resource temporarily unavailable")
    executor.submit(Task("third", lambda _channel: "ran", RecordingChannel()), others.put)
    assert others.get(timeout=PATIENCE) == Outcome(value="ran")
    channel.stopping.set()
    assert first.get(timeout=PATIENCE) == Outcome(value="ran")
    assert executor.close(PATIENCE)


def test_a_template_that_never_ends_its_loading_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> None:
        while True:
            pass

    monkeypatch.setattr("astraml_lab.process.templates._LAST_PATIENCE", PATIENCE)
    servers = Templates(fork=True, heavy=())
    executor = ProcessExecutor([Loaded(never)], home=servers)
    ends: queue.Queue[Outcome] = queue.Queue()
    handle = executor.submit(Task("t", lambda _channel: None, RecordingChannel()), ends.put)
    base = psutil.Process(servers.base().probe().pid)
    while not base.children():
        time.sleep(0.01)
    handle.cancel()
    assert ends.get(timeout=PATIENCE) == Outcome(error="cancelled before it began")
    until(lambda: not handle.alive)
    assert executor.close(0.5)
    until(lambda: not base.children())
    assert servers.close(PATIENCE)


def test_a_fork_of_the_kernel_holds_up_neither_a_job_nor_its_end() -> None:
    servers = Templates(fork=True, heavy=())
    executor = ProcessExecutor(home=servers)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", lambda _channel: "ran", RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE) == Outcome(value="ran")
    fork = os.fork()  # has copies of the sockets to the servers
    if not fork:
        time.sleep(PATIENCE)
        os._exit(0)
    try:
        with within(60):
            assert executor.close(PATIENCE)
            assert servers.close(PATIENCE)
    finally:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)


def test_what_a_trial_started_dies_with_a_template_that_could_not_fork() -> None:
    def run(channel: Channel) -> None:
        import subprocess

        channel.report({"child": subprocess.Popen(["sleep", "600"]).pid, "parent": os.getppid()}, None)
        time.sleep(600)

    servers = Templates(fork=False, heavy=())
    executor = ProcessExecutor(home=servers)
    ends, channel = queue.Queue[Outcome](), RecordingChannel()
    executor.submit(Task("t", run, channel), ends.put)
    while not channel.reports:
        time.sleep(0.01)
    pids = {name: int(pid) for name, pid in channel.reports[0][0].items()}
    child = psutil.Process(pids["child"])
    os.kill(pids["parent"], signal.SIGKILL)
    assert "template" in ends.get(timeout=PATIENCE).lost
    with within(30):
        _, left = psutil.wait_procs([child], timeout=120)
    assert not left
    assert executor.close(PATIENCE)


@pytest.mark.parametrize("fork", [True, False], ids=["forked", "spawned"])
def test_a_kernel_without_standard_streams_has_trials_too(tmp_path: Path, *, fork: bool) -> None:
    code = (
        "import os, queue\n"
        "from pathlib import Path\n"
        "from astraml_lab.executors import ProcessExecutor, Task\n"
        "from astraml_lab.process import Templates\n"
        "for each in range(3):\n"
        "    os.close(each)\n"
        f"servers = Templates(fork={fork}, heavy=())\n"
        "first = servers.base() if servers._forks else None\n"
        "executor, ends = ProcessExecutor(home=servers), queue.Queue()\n"
        "executor.submit(Task('t', lambda channel: 'ran', None), ends.put)\n"
        "value = ends.get(timeout=120).value\n"
        "same = first is None or first is servers.base()\n"
        f"Path({str(tmp_path / 'said')!r}).write_text(f'{{value}} {{same}}')\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=120, check=True)
    assert (tmp_path / "said").read_text() == "ran True"
