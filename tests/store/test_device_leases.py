from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from sqlalchemy import text, update

from astraml_lab.store import tables
from astraml_lab.store.processes import this_host

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.store import Store

GPU, OTHER = "GPU-1", "GPU-2"

CLAIMANT = """
import sys
from astraml_lab.store import Store

store = Store(sys.argv[1])
store.device_claims()
print("ready", flush=True)
sys.stdin.readline()
print(store.claim_device(["GPU-1"], 0.5, sys.argv[2]) is not None, flush=True)
sys.stdin.readline()
"""


def start_claimant(home: Path, owner: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, str(home), owner],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert answer(child) == "ready"
    return child


def answer(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def nudge(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def end(*children: subprocess.Popen[str]) -> None:
    for child in children:
        child.kill()
        child.communicate()


def test_a_device_is_given_until_it_is_used_up(store: Store) -> None:
    halves = [store.claim_device([GPU], 0.5, "kernel-1") for _ in range(2)]
    assert None not in halves
    assert store.claim_device([GPU], 0.1, "kernel-1") is None
    assert store.claim_device([OTHER], 1.0, "kernel-1") is not None
    store.release_device(halves[0] or ())
    store.release_device(halves[0] or ())
    assert store.claim_device([GPU], 0.6, "kernel-1") is None
    assert store.claim_device([GPU], 0.5, "kernel-1") is not None


def test_of_several_devices_all_are_claimed_or_none(store: Store) -> None:
    assert store.claim_device([OTHER], 0.5, "kernel-1")
    assert store.claim_device([GPU, OTHER], 1.0, "kernel-1") is None
    both = store.claim_device([GPU, OTHER], 0.5, "kernel-1")
    assert both is not None
    assert [each.device for each in store.device_claims()] == [OTHER, GPU, OTHER]
    assert [each.id for each in store.device_claims()][1:] == list(both)
    assert store.claim_device([], 1.0, "kernel-1") == ()


def test_ten_tenths_are_a_whole(store: Store) -> None:
    assert all(store.claim_device([GPU], 0.1, "kernel-1") for _ in range(10))
    assert store.claim_device([GPU], 0.1, "kernel-1") is None


def test_a_claim_says_who_holds_it(store: Store) -> None:
    store.claim_device([GPU], 0.25, "job default/digits")
    (claim,) = store.device_claims()
    assert (claim.device, claim.share, claim.owner, claim.alive) == (GPU, 0.25, "job default/digits", True)


def test_the_devices_of_another_machine_are_its_own(store: Store) -> None:
    store.claim_device([GPU], 1.0, "kernel-1")
    with store.begin() as connection:
        connection.execute(update(tables.device_leases).values(host="elsewhere", pid=1))
    assert store.device_claims() == ()
    assert [claim.alive for claim in store.device_claims("elsewhere")] == [True]
    assert store.claim_device([GPU], 1.0, "kernel-1") is not None
    assert [claim.device for claim in store.device_claims(this_host())] == [GPU]


def test_of_two_kernels_exactly_one_gets_the_last_half(store: Store) -> None:
    store.claim_device([GPU], 0.5, "kernel-1")
    children = [start_claimant(store.files.home, f"kernel-{number}") for number in (2, 3)]
    for child in children:
        nudge(child)
    try:
        assert sorted(map(answer, children)) == ["False", "True"]
        assert [claim.share for claim in store.device_claims()] == [0.5, 0.5]
    finally:
        end(*children)


def test_what_a_killed_kernel_held_is_free_at_once(store: Store) -> None:
    child = start_claimant(store.files.home, "kernel-2")
    nudge(child)
    assert answer(child) == "True"
    assert store.claim_device([GPU], 1.0, "kernel-1") is None
    end(child)
    assert store.claim_device([GPU], 1.0, "kernel-1") is not None
    assert [claim.owner for claim in store.device_claims()] == ["kernel-1"]


def test_the_dead_are_removed_when_seen_and_shown_where_nothing_can_be_written(store: Store) -> None:
    store.claim_device([GPU], 1.0, "kernel-1")
    with store.begin() as connection:
        connection.execute(update(tables.device_leases).values(pid_started_at=0.0))
    with store.begin() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    assert [claim.alive for claim in store.device_claims()] == [False]
    with store.connect() as connection:
        connection.execute(text("PRAGMA query_only = OFF"))
    store.close()
    assert store.device_claims() == ()
    with store.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM device_leases")).scalar() == 0


def test_a_claim_takes_less_than_a_millisecond(store: Store) -> None:
    times = []
    for _ in range(50):
        began = time.perf_counter()
        claimed = store.claim_device([GPU, OTHER], 0.5, "kernel-1")
        store.release_device(claimed or ())
        times.append(time.perf_counter() - began)
    assert sorted(times)[25] < 0.002, "a claim and its return"
