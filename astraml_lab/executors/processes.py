"""Trials in processes: each gets a fresh one, which can be killed and whose crash costs that trial alone."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import cloudpickle

from astraml_lab import process
from astraml_lab.errors import NotBuiltYet
from astraml_lab.executors.base import Executor, Handle, Outcome, Task, outcome_of
from astraml_lab.executors.crew import Crew
from astraml_lab.secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HERE = __name__
_CANCELLED = Outcome(error="cancelled before it began")
_KILLED = "was killed because its job asked for it"


class ProcessExecutor(Executor):
    """Forks one process per task from a template that holds what all tasks share.

    A task's `run` travels by cloudpickle, and what it returns comes back so: the kernel's objects are not
    changed by it. Its standard output goes to `Task.write`. It has its own session, so that neither the
    kernel's interrupt key reaches it nor what it starts survives it, but for what makes a session again.

    Args:
        shared: Sent once for all tasks: a `run` that holds one of them does not carry it again.
        niceness: How far trials stand back behind the kernel.
        modules: To be imported ahead, with the heavy ones that the kernel has loaded.
        home: The servers of this process; the executor makes its own where none are given, and ends them.
        memory: Tells a process that was killed because memory ran out from another.

    Raises:
        NotBuiltYet: This system is Windows.
    """

    def __init__(
        self,
        shared: Sequence[object] = (),
        *,
        niceness: int = 10,
        modules: Sequence[str] = (),
        home: process.Templates | None = None,
        memory: process.OutOfMemoryCounter | None = None,
    ) -> None:
        if not process.CAN_SPAWN:
            raise NotBuiltYet("trials in processes need Linux or macOS; here use `--executor threads`")
        self._site = _Site(tuple(shared), tuple(modules), home)
        self._niceness = niceness
        self._memory = memory or process.OutOfMemoryCounter()
        self._crew: Crew[_ProcessHandle] = Crew()

    @property
    def can_kill(self) -> bool:
        """Always."""
        return True

    def prepare(self) -> None:
        """Pack what is shared, as it is now; start the servers and send it to them in the background."""
        self._site.pack()
        threading.Thread(target=self._site.prepare, name="astraml-prepare", daemon=True).start()

    def submit(self, task: Task, on_end: Callable[[Outcome], None]) -> Handle:
        """Start a thread that starts and serves the process."""
        errand = _Errand(task, self._site, self._niceness, self._memory)
        return self._crew.start(_ProcessHandle(errand, on_end), task.name)

    def close(self, timeout: float = 5.0) -> bool:
        """Kill what runs, wait for it, and end the template."""
        until = time.monotonic() + timeout
        ended = self._crew.close(until)
        return self._site.close(max(0.0, until - time.monotonic())) and ended


class _Site:
    """The template of an executor: started when needed, and again when it has died."""

    def __init__(
        self, shared: tuple[object, ...], modules: tuple[str, ...], home: process.Templates | None
    ) -> None:
        self.shared = shared
        self._modules = (_HERE, *modules)
        self._own_home = home is None
        self.home = process.Templates() if home is None else home
        self._lock = threading.Lock()
        self._payload: int | None = None
        self._template: process.Template | None = None
        self._old: list[process.Template] = []
        self._closed = False

    def prepare(self) -> None:
        # What goes wrong is told by the first task, which tries again.
        with contextlib.suppress(Exception):
            self.home.prepare()
            self.template()

    def pack(self) -> None:
        # What cannot be sent is told by the first task, which tries again.
        with contextlib.suppress(Unsendable, OSError), self._lock:
            if self._payload is None and not self._closed:
                self._payload = self._packed()

    def template(self) -> process.Template:
        """Return the living template. Waits while another thread packs what is shared, never for a server.

        Raises:
            Unsendable: Something shared cannot be sent.
            OSError: It cannot be started.
        """
        with self._lock:
            if self._closed:
                raise OSError("the executor was closed")
            if self._template is not None and self._template.gone:
                self._old.append(self._template)
                self._template = None
            if self._template is None:
                if self._payload is None:
                    self._payload = self._packed()
                self._template = self.home.template(self._payload, self._modules)
            return self._template

    def _packed(self) -> int:
        payload = process.unnamed_file("payload", large=True)
        try:
            process.pack(payload, self.shared)
        except BaseException as error:
            os.close(payload)
            if isinstance(error, OSError):
                raise
            raise Unsendable(process.explain(error, self.shared, "shared")) from error
        return payload

    def close(self, timeout: float) -> bool:
        with self._lock:
            self._closed = True
            templates = [*self._old, *([self._template] if self._template else [])]
            self._old, self._template = [], None
            until = time.monotonic() + timeout
            for template in templates:
                template.close()
            ended = [template.wait(max(0.0, until - time.monotonic())) for template in templates]
            if self._payload is not None:
                os.close(self._payload)
                self._payload = None
        if self._own_home:
            ended.append(self.home.close(max(0.0, until - time.monotonic())))
        return all(ended)


class Unsendable(Exception):
    """A task, or what it shares with others, cannot be sent to a process; the message is one sentence."""


class _Errand:
    """One task on its way to a process and back; used by one thread, but for `kill`."""

    def __init__(self, task: Task, site: _Site, niceness: int, memory: process.OutOfMemoryCounter) -> None:
        self._task = task
        self._site = site
        self._niceness = niceness
        self._memory = memory
        self._lock = threading.Lock()
        self._attendance: process.Attendance | None = None
        self._cancelled = False

    def kill(self) -> None:
        with self._lock:
            self._cancelled = True
            attendance = self._attendance
        if attendance is not None:
            attendance.kill()

    def outcome(self) -> Outcome:
        brief = -1
        try:
            brief = self._brief()
            return self._outcome(brief)
        except Unsendable as error:
            return Outcome(error=str(error), error_type="astraml_lab.executors.Unsendable")
        except OSError as error:
            return Outcome(lost=f"could not be started: {error}{self._last_words()}")
        finally:
            if brief >= 0:
                os.close(brief)

    def _outcome(self, brief: int) -> Outcome:
        deaths = self._memory.count()
        attendance = self._begin(brief)
        ended = attendance.run() if attendance else None
        if attendance and ended and not ended.started and not attendance.killed:
            # A template that dies before it has forked has run nothing of this trial: try again, once.
            attendance = self._begin(brief)
            ended = attendance.run() if attendance else None
        return self._told(ended, attendance, deaths) if attendance and ended else _CANCELLED

    def _begin(self, brief: int) -> process.Attendance | None:
        for last in (False, True):
            with self._lock:
                if self._cancelled:
                    return None
            template = self._site.template()
            try:
                trial = template.start(brief)
                break
            except OSError:
                if last:
                    raise
        attendance = process.Attendance(
            trial, template, self._task.channel, self._task.write, self._task.begun
        )
        with self._lock:
            self._attendance = attendance
            cancelled = self._cancelled
        if cancelled:
            attendance.kill()
        return attendance

    def _told(self, ended: process.Ended, attendance: process.Attendance, deaths: int | None) -> Outcome:
        if ended.result is not None:
            return _unpacked(ended.result)
        if attendance.killed:
            return Outcome(lost=_KILLED) if ended.started else _CANCELLED
        code = ended.code
        now = self._memory.count()
        if code in (None, -signal.SIGKILL) and deaths is not None and now is not None and now > deaths:
            return Outcome(lost=process.OUT_OF_MEMORY, out_of_memory=True)
        if code is not None:
            return Outcome(lost=process.how_it_ended(code))
        if ended.started:
            return Outcome(lost="was lost with the template process of its job, which died")
        return Outcome(lost=f"could not be started: the template process of its job died{self._last_words()}")

    def _last_words(self) -> str:
        words = self._site.home.last_words()
        return f" ({words})" if words else ""

    def _brief(self) -> int:
        task = self._task
        env = {**without_secrets(os.environ), "MPLBACKEND": "agg", **task.env}
        label = process.Label(task.name, env, self._niceness, run_in_process)
        brief = process.unnamed_file("brief")
        try:
            process.pack(brief, task.run, label=label, shared=self._site.shared)
        except BaseException as error:
            os.close(brief)
            if isinstance(error, OSError):
                raise
            raise Unsendable(process.explain(error, task.run, task.name, self._site.shared)) from error
        return brief


class _ProcessHandle(Handle):
    def __init__(self, errand: _Errand, on_end: Callable[[Outcome], None]) -> None:
        self.ended = threading.Event()
        self._errand: _Errand | None = errand
        self._on_end = on_end

    def cancel(self) -> None:
        self.kill()

    def kill(self) -> bool:
        errand = self._errand
        if errand is not None:
            errand.kill()
        return True

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    def run(self) -> None:
        """Be the body of the thread."""
        try:
            outcome = self._outcome()
            self._errand = None
            self._on_end(outcome)
        finally:
            self.ended.set()

    def _outcome(self) -> Outcome:
        errand = self._errand
        if errand is None:
            return _CANCELLED
        try:
            return errand.outcome()
        except Exception as error:  # noqa: BLE001  (`on_end` is called whatever happens)
            return Outcome(error=f"{type(error).__name__}: {error}")


def run_in_process(load: Callable[[], Callable[[Any], object]], channel: Any) -> bytes:
    """Run a task in the trial's process, and pack how it ended."""

    def run(given: Any) -> object:
        return load()(given)  # here, so that what goes wrong in loading is the trial's error

    outcome = outcome_of(Task("", run, channel))
    try:
        packed: bytes = cloudpickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001  (whatever the user's code returned)
        kind = type(outcome.value).__qualname__
        return pickle.dumps(
            Outcome(error=f"returned a {kind}, which cannot come back from its process: {error}")
        )
    return packed


def _unpacked(result: bytes) -> Outcome:
    try:
        outcome: Outcome = pickle.load(io.BytesIO(result))  # noqa: S301  (the user's own code sent it)
    except Exception as error:  # noqa: BLE001  (likewise)
        return Outcome(
            error=f"returned something that the kernel cannot load: {type(error).__name__}: {error}"
        )
    return outcome
