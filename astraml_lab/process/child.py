"""A trial's process, from its birth to its end."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import logging
import os
import select
import signal
import socket
import sys
import threading
import traceback
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from astraml_lab.process import system
from astraml_lab.process.channel import PipeChannel
from astraml_lab.process.parcel import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Pipes(NamedTuple):
    """The descriptors of a trial."""

    brief: int
    stream: int
    out: int
    err: int


@dataclass(frozen=True)
class Label:
    """What a trial's process needs before it unpickles anything of the user's.

    Attributes:
        name: Of the task.
        env: The whole environment.
        niceness: Added to the kernel's.
        runner: Calls what `load` returns with the channel, and returns the result as bytes; known by name.
    """

    name: str
    env: Mapping[str, str]
    niceness: int
    runner: Callable[[Callable[[], Any], PipeChannel], bytes]


def live(pipes: Pipes, parent: int | None, shared: Callable[[], Sequence[object]]) -> NoReturn:
    """Run the trial and leave.

    Args:
        pipes: Its descriptors.
        parent: The process whose end is its end, if that can be had.
        shared: Returns the values that the brief refers to, or raises why they could not be loaded.
    """
    code = 1
    try:
        _begin(pipes, parent)
        parcel = Parcel(pipes.brief)
        label: Label = parcel.label
        _settle(label)
        stream = socket.socket(fileno=pipes.stream)
        threading.Thread(target=_watch, args=(stream.fileno(),), name="astraml-watch", daemon=True).start()
        channel = PipeChannel(stream)
        result = label.runner(lambda: parcel.value(shared()), channel)
        flush()
        channel.finish(result)
        atexit._run_exitfuncs()  # noqa: SLF001  # DataLoader workers, a logger's last lines; `os._exit` would skip them
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may reach the server's loop, of which this is a copy)
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            flush()
        # The teardown of an interpreter that has loaded torch takes longer than many a trial.
        os._exit(code)


def flush() -> None:
    """Write out what the trial printed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    system.flush_c_streams()


def _begin(pipes: Pipes, parent: int | None) -> None:
    """Get away from the kernel's interrupt key and from the output of its cells, before anything else."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (pipes.out, 1), (pipes.err, 2)):
        os.dup2(source, target)
        os.close(source)
    if parent is not None:
        system.die_with_parent(parent)
        _forget_exits()
    system.die_first()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable(file=2, all_threads=False)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _text(1)  # type: ignore[misc]  # Final for those who do not redirect
    sys.stderr = sys.__stderr__ = _text(2)  # type: ignore[misc]  # likewise


def _forget_exits() -> None:
    """Keep what libraries asked the server to do at its exit from being done at each trial's.

    That would delete temporary folders that all trials share, and torch's takes longer than a small training.
    What the trial itself asks for is done.
    """
    atexit._clear()  # noqa: SLF001
    atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]  # noqa: SLF001  # it registers once
    atexit.register(logging.shutdown)
    multiprocessing_util: Any = sys.modules.get("multiprocessing.util")
    if multiprocessing_util is not None:
        atexit.register(multiprocessing_util._exit_function)  # noqa: SLF001


def _text(descriptor: int) -> Any:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _settle(label: Label) -> None:
    system.show_as(label.name)
    os.nice(label.niceness)
    os.environ.clear()
    os.environ.update(label.env)
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()  # as in any fresh process; else all trials would draw the same
    _set_threads(label.env.get("OMP_NUM_THREADS", ""))


def _set_threads(wanted: str) -> None:
    """Do what the variable does in a process that loads these libraries after it was set."""
    if not wanted.isdigit() or int(wanted) < 1:
        return
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != int(wanted):
        torch.set_num_threads(int(wanted))
    threadpoolctl: Any = sys.modules.get("threadpoolctl")
    if threadpoolctl is not None and int(wanted) > 1:
        threadpoolctl.threadpool_limits(int(wanted))


def _watch(stream: int) -> NoReturn:
    """End this process and all that it started when nobody listens at the other end any more."""
    poller = select.poll()
    poller.register(stream, 0)  # a hang-up is always told
    while not poller.poll():
        pass
    system.kill_session(os.getpid())
    os._exit(1)
