"""What runs a trial: an executor takes an opaque task and says, once, how it ended."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.trial import Channel

Stream = Literal["out", "err"]
"""Where a process wrote something: its standard output or its standard error."""


@dataclass(frozen=True)
class Task:
    """Something to run.

    Attributes:
        name: Names the thread or process, for debuggers and error messages.
        run: Called with the channel, in the place that the executor stands for.
        channel: How the running code reaches its job.
        env: What a process's environment has on top of the kernel's. Executors within the kernel ignore it.
        write: Takes what a process writes, as text and in the order read, from one thread of the executor.
            Executors within the kernel ignore it: there the router sees what is printed.
        begun: Called once when the code begins to run, from whichever thread sees that: before it a process
            may have waited for a server that was still loading its libraries.
    """

    name: str
    run: Callable[[Channel], object]
    channel: Channel
    env: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[Stream, str], None] | None = None
    begun: Callable[[], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a task ended, by value: it holds no exception, and so no frame and no tensor.

    Attributes:
        value: What `run` returned.
        error: One line on the exception that left `run`, with its type; None if there was none.
        error_type: The name of its class, with the module.
        traceback: Its whole traceback as text.
        lost: How the place that ran it was lost, to follow the name of the trial in a sentence: "crashed:
            segmentation fault (SIGSEGV)", "ended itself with exit code 3 (os._exit)", "was killed …". Empty
            where the code came to its own end.
        out_of_memory: The place was lost because the system's memory ran out.
    """

    value: object = None
    error: str | None = None
    error_type: str = ""
    traceback: str = ""
    lost: str = ""
    out_of_memory: bool = False


class Handle(ABC):
    """A submitted task. Thread-safe."""

    @abstractmethod
    def cancel(self) -> None:
        """End the task early as far as the executor can; `on_end` is still called once. May be called again.

        A thread cannot be killed: it goes on until its code looks at the channel. A process is killed.
        A task that has not begun ends with the error "cancelled before it began".
        """

    def kill(self) -> bool:
        """End the task now, whatever it does; returns at once.

        Returns:
            False where that is impossible (a thread) and nothing was done. Otherwise `on_end` is called soon,
            with an outcome that is `lost` unless the code had come to its end by then. May be called again.
        """
        return False

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether `on_end` has still to return."""


class Executor(ABC):
    """Runs tasks; knows nothing of search, devices or objectives.

    Thread safety: every method may be called from any thread, and `submit` never waits for another task.
    `on_end` is called exactly once for each task that `submit` took, however it ended (by `SystemExit` and
    `KeyboardInterrupt` too), from whichever thread saw the end, possibly before `submit` returns. No lock is
    held meanwhile, and by then the executor has let go of the task and of the frames of its exception.
    """

    @property
    def can_kill(self) -> bool:
        """Whether `Handle.kill` works here: a time limit is hard then."""
        return False

    def prepare(self) -> None:  # noqa: B027  (most have nothing to prepare)
        """Start what the first task will need; returns at once. For a job that knows it will submit."""

    @abstractmethod
    def submit(self, task: Task, on_end: Callable[[Outcome], None]) -> Handle:
        """Start `task`: within the kernel in a fresh copy of the caller's context, else in a fresh process.

        Raises:
            RuntimeError: The executor was closed.
        """

    @abstractmethod
    def close(self, timeout: float = 5.0) -> bool:
        """Take no more tasks, cancel those that run and wait for them.

        Returns:
            Whether all have ended. May be called again, to wait longer.
        """


def outcome_of(task: Task) -> Outcome:
    """Run `task` here. Every exception becomes text, and the frames that it holds are emptied."""
    try:
        if task.begun is not None:
            task.begun()
        return Outcome(value=task.run(task.channel))
    except BaseException as error:  # noqa: BLE001  (it ends the trial only)
        return _failure(error)


def _failure(error: BaseException) -> Outcome:
    report = traceback.TracebackException.from_exception(error)
    outcome = Outcome(
        error=list(report.format_exception_only())[-1].strip(),
        error_type=f"{type(error).__module__}.{type(error).__qualname__}",
        traceback="".join(report.format()),
    )
    seen: set[int] = set()
    _empty_frames(error, seen)
    return outcome


def _empty_frames(error: BaseException | None, seen: set[int]) -> None:
    """Drop the local variables of an exception and of those behind it: each may hold a model."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    traceback.clear_frames(error.__traceback__)
    _empty_frames(error.__cause__, seen)
    _empty_frames(error.__context__, seen)
