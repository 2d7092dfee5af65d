"""The servers: a base that has imported the heavy libraries, and per job a template that has its data too."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import socket
import subprocess
import sys
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from astraml_lab.process import pages, system, wire
from astraml_lab.process.child import Pipes, live
from astraml_lab.process.nursery import Nursery
from astraml_lab.process.parcel import Parcel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Read before any library that starts threads: a process that has some must not fork.
_SINGLE = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Setting:
    """What a server is to be like the kernel in.

    Attributes:
        path: `sys.path`.
        arguments: `sys.argv`.
        folder: The working directory.
        env: The environment.
        modules: To be imported before anything of the user's.
    """

    path: tuple[str, ...]
    arguments: tuple[str, ...]
    folder: str
    env: Mapping[str, str]
    modules: tuple[str, ...]


def main(role: str, *descriptors: int) -> NoReturn:
    """Be what the kernel, or a server, has started."""
    roles: dict[str, Callable[..., NoReturn]] = {"base": _base, "spawner": _spawner, "spare": _spare}
    roles[role](*descriptors)


def command(role: str, *descriptors: int) -> list[str]:
    """Return the command line of a server.

    Not `-m`: `__main__` stays empty for what the notebook's one has, and nothing in the working directory can
    stand in for a library.
    """
    start = "import sys; sys.path[:] = sys.argv.pop(1).split('\\n'); del sys; "
    call = f"__import__({__name__!r}, fromlist=['main']).main({role!r}, {', '.join(map(str, descriptors))})"
    path = "\n".join(entry for entry in sys.path if isinstance(entry, str))  # else a `Path`; imports skip it
    return [sys.executable, "-c", start + call, path]


def single_threaded() -> dict[str, str]:
    """Return the environment in which libraries start no threads and do not touch a GPU."""
    # NVML tells whether there are GPUs; asking CUDA would make every fork useless for it.
    # Trials step back behind the kernel: a thread of theirs that waits for another, which has no core at
    # present, must not spin meanwhile. Beside other work that makes a training ten times slower.
    wait = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
    return {
        **os.environ,
        **dict.fromkeys(_SINGLE, "1"),
        "OMP_WAIT_POLICY": wait,
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow, which pandas imports
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    }


def _base(control: int, setting: int) -> NoReturn:
    parent = os.getppid()
    system.show_as("astraml base")
    system.adopt_orphans()
    _preload(Parcel(setting).label.modules)
    os.close(setting)
    _freeze()
    ranges = pages.large_ranges()
    pages.collapse(ranges)
    nursery = Nursery(socket.socket(fileno=control), parent)

    def fork_template(message: wire.Message) -> None:
        own_control, brief, payload, status = message.fds
        if nursery.fork(message.body, status):
            _template(own_control, brief, payload, ranges)
        for descriptor in (own_control, brief, payload):
            os.close(descriptor)

    nursery.serve({wire.TEMPLATE: fork_template})


def _template(control: int, brief: int, payload: int, inherited: frozenset[int]) -> NoReturn:
    try:
        parent = os.getppid()
        os.setsid()
        system.show_as("astraml template")
        system.adopt_orphans()
        _imitate(Parcel(brief).label)
        shared = _loaded(payload)
        for descriptor in (brief, payload):
            os.close(descriptor)
        _freeze()
        pages.collapse(pages.large_ranges() - inherited)  # the rest is shared with the base, and stays so
        nursery = Nursery(socket.socket(fileno=control), parent)
        here = os.getpid()

        def fork_trial(message: wire.Message) -> None:
            *pipes, status = message.fds
            if nursery.fork(message.body, status):
                live(Pipes(*pipes), here, shared)
            for descriptor in pipes:
                os.close(descriptor)

        nursery.serve({wire.TRIAL: fork_trial})
    finally:
        os._exit(1)  # never back into the loop of the base, of which this is a copy


def _spawner(control: int, brief: int, payload: int) -> NoReturn:
    """Be a template that cannot fork: keep as many interpreters ready as trials are running."""
    parent = os.getppid()
    nursery = Nursery(socket.socket(fileno=control), parent)
    spares: list[tuple[subprocess.Popen[bytes], socket.socket]] = []
    env = {**single_threaded(), **Parcel(brief).label.env}

    def spare() -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        descriptors = (theirs.fileno(), brief, payload)
        process = subprocess.Popen(  # noqa: S603  (our own code)
            command("spare", *descriptors), pass_fds=descriptors, start_new_session=True, env=env
        )
        theirs.close()
        nursery.adopt(process.pid, 0, None)
        return process, ours

    def hand_over(message: wire.Message) -> None:
        *pipes, status = message.fds
        process, line = spares.pop(0) if spares else spare()
        nursery.adopt(process.pid, message.body, status)
        with contextlib.suppress(OSError):  # it has died: its status says so
            wire.ask(line, wire.TRIAL, None, pipes)
        process.returncode = 0  # the nursery reaps it, not `subprocess`
        line.close()
        for descriptor in pipes:
            os.close(descriptor)
        while len(spares) < nursery.busy:
            spares.append(spare())

    spares.append(spare())
    nursery.serve({wire.TRIAL: hand_over})


def _spare(control: int, brief: int, payload: int) -> NoReturn:
    _imitate(Parcel(brief).label)
    shared = _loaded(payload)
    for descriptor in (brief, payload):
        os.close(descriptor)
    line = socket.socket(fileno=control)
    message = wire.take(line)
    if message is None:
        os._exit(0)
    line.close()
    live(Pipes(*message.fds), None, shared)


def _imitate(setting: Setting) -> None:
    os.environ.clear()
    os.environ.update(setting.env)
    os.environ.update(single_threaded())  # what the user's modules load here is forked as well
    sys.path[:] = setting.path
    sys.argv[:] = setting.arguments
    with contextlib.suppress(OSError):
        os.chdir(setting.folder)
    importlib.invalidate_caches()
    _preload(setting.modules)


def _preload(modules: Sequence[str]) -> None:
    for name in modules:
        if name not in sys.modules:
            # What fails here fails again in the trial that needs it, and is told there.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
            if name == "torch" and name in sys.modules:
                _calm(sys.modules[name])


def _calm(torch: Any) -> None:
    """Keep torch from ever starting threads here, and have it find out now what the processor can do."""
    torch.set_num_threads(1)
    with contextlib.suppress(Exception), torch.no_grad():
        outputs = torch.nn.functional.linear(torch.ones(32, 64), torch.ones(10, 64))
        torch.nn.functional.cross_entropy(outputs, torch.zeros(32, dtype=torch.long))


def _loaded(payload: int) -> Callable[[], Sequence[object]]:
    gc.disable()
    try:
        shared = Parcel(payload).value()
    except BaseException as error:  # noqa: BLE001  (each trial raises it, where it becomes the trial's text)
        failure = error

        def fail() -> NoReturn:
            raise failure

        return fail
    else:
        return lambda: shared
    finally:
        gc.enable()


def _freeze() -> None:
    """Keep a collection in a child from copying the memory that it shares, and its exit from undoing it."""
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]  # noqa: SLF001
        finalizer.atexit = False
    gc.collect()
    gc.freeze()
