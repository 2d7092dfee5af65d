from __future__ import annotations

import pytest

from astraml_lab.errors import LeaseLost, StoreUnavailable
from astraml_lab.jobs.backlog import Backlog


def test_writes_wait_in_order_while_the_store_is_full_and_none_is_lost() -> None:
    backlog, written, full = Backlog(), list[str](), [True]

    def write(name: str) -> None:
        if full[0]:
            raise StoreUnavailable("disk full")
        written.append(name)

    for name in ("trial 1", "trial 2"):
        backlog.write(lambda name=name: write(name))  # type: ignore[misc]  # bound at once
    assert backlog
    assert "disk full" in backlog.trouble
    full[0] = False
    backlog.write(lambda: write("trial 3"))
    assert written == []
    backlog.retry()

    assert written == ["trial 1", "trial 2", "trial 3"]
    assert not backlog
    assert backlog.trouble == ""


def test_a_write_that_can_never_work_holds_up_no_other() -> None:
    backlog, written = Backlog(), list[str]()

    def fail() -> None:
        raise ValueError("no text")

    with pytest.raises(ValueError, match="no text"):
        backlog.write(fail)
    backlog.write(lambda: written.append("the next"))

    assert written == ["the next"]


def test_a_lost_lease_is_not_retried() -> None:
    def lost() -> None:
        raise LeaseLost("another kernel")

    with pytest.raises(LeaseLost):
        Backlog().write(lost)
