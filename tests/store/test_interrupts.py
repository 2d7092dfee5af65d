"""The kernel is interrupted while its main thread writes: the store goes on, whatever the moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import FrameType

    from astraml_lab.store import Lease, Store


class InterruptAt:
    """A trace function that interrupts this process at the `moment`-th step of what runs in it.

    Every line of ours and of `with` is a step, of other libraries every call.
    """

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, frame: FrameType, _event: str, _argument: Any) -> InterruptAt | None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
        name = frame.f_code.co_filename
        return self if "astraml_lab" in name or name.endswith("contextlib.py") else None


def interrupted(store: Store, lease: Lease, moment: int) -> tuple[bool, KeyboardInterrupt | None]:
    """Write while an interrupt comes; return whether it came, and what it raised, kept as notebooks do."""
    trace = InterruptAt(moment)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        store.request(lease.generation_id, "pause")
    except KeyboardInterrupt as error:
        return True, error
    finally:
        sys.settrace(before)
    return trace.left <= 0, None


def test_an_interrupt_at_any_moment_of_a_write_leaves_the_store_usable(store: Store, lease: Lease) -> None:
    store.request(lease.generation_id, "pause")
    moment, came = 0, True
    raised = 0
    while came:
        moment += 1
        came, error = interrupted(store, lease, moment)
        raised += error is not None
        done: list[bool] = []

        def write(done: list[bool] = done) -> None:
            store.request(lease.generation_id, "resume")
            done.append(True)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        thread.join(120)
        assert done, f"the store cannot be written after an interrupt at moment {moment}"
    assert raised > moment * 0.9, "an interrupt is late, never lost"


def test_an_interrupt_does_not_undo_what_is_being_written(store: Store, lease: Lease) -> None:
    def write() -> None:
        with store.begin() as connection:
            os.kill(os.getpid(), signal.SIGINT)
            connection.exec_driver_sql("UPDATE generations SET note = 'written'")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    found = store.load_generation(lease.generation_id)
    assert found is not None
    assert found.note == "written"
