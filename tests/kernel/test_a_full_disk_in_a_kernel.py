"""What a person at a notebook meets while the disk is full, also when the kernel is killed then."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from plugins.kernel import Kernel

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.full_disk import SmallDisk

pytestmark = pytest.mark.slow

SETUP = """%load_ext astraml_lab
import astraml_lab as lab, json, time
def until(claim, seconds=120):
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
"""
CELL = """%%tune --maximize score --trials {trials} --parallel 2 --prune off --seed 1 --name {name}
x = Float(0.0, 1.0)

import time
(trial.checkpoint_dir / "weights.bin").write_bytes(bytes({weights}))
for step in range(4):
    time.sleep(0.3)
    print("step", step)
    report(score=x * step)
"""
TRIALS = 20
DONE = "{t.number: t.values for t in lab.job('digits').trials.values() if t.state.ended}"


def begin(kernel: Kernel, disk: SmallDisk) -> None:
    assert kernel.run(disk.setup + SETUP).status == "ok"


def answer(kernel: Kernel, expression: str) -> Any:
    ran = kernel.run(f"print('>' + json.dumps({expression}))")
    assert ran.status == "ok", ran.text
    return json.loads(ran.text.partition(">")[2])


def test_a_full_disk_loses_nothing_even_when_the_kernel_is_killed_then(small_disk: SmallDisk) -> None:
    home: Path = small_disk.path / "home"
    kernel = Kernel(home)
    second = None
    try:
        begin(kernel, small_disk)
        for name in ("old", "older"):
            kernel.run(CELL.format(trials=2, name=name, weights=100_000))
            kernel.run(f"lab.job('{name}').wait()")
        kernel.run(CELL.format(trials=TRIALS, name="digits", weights=100))
        kernel.run("until(lambda: lab.job('digits').view().finished >= 4)")
        small_disk.fill()
        paused = "lab.job('digits').view()"
        kernel.run(f"until(lambda: {paused}.state == 'PAUSED' and {paused}.reason.startswith('the disk'))")

        listed = kernel.run("%tune")
        assert "digits  PAUSED" in listed.text
        assert f"digits: the disk of {home} is full but for 0.0 MB: free some space" in listed.text
        assert kernel.run("%tune show digits").status == "ok"
        refused = kernel.run(CELL.format(trials=2, name="another", weights=100))
        assert refused.status == "error"
        assert refused.text.startswith("StoreUnavailable: nothing was started: the disk of")
        assert "Traceback" not in refused.text
        assert "old is deleted, with " in kernel.run("%tune delete old").text
        late = [str(content) for _, content in kernel.late()]
        assert [text for text in late if "Traceback" in text] == []
        small_disk.fill()  # what that had freed
        shown = answer(kernel, DONE)
        os.kill(kernel.pid, signal.SIGKILL)

        second = Kernel(home)
        begin(second, small_disk)
        assert answer(second, DONE) == shown
        assert "digits  STALE" in second.run("%tune").text
        small_disk.fill()  # what its opening had freed: the log of the first
        resumed = second.run("%tune resume digits")
        assert "nothing was started: the disk of" in resumed.text
        assert answer(second, "lab.job('digits').state") == "STALE"
        assert second.run("%tune delete older").text.startswith("older is deleted, with ")
        small_disk.free()
        resumed = second.run("%tune resume digits")
        assert resumed.status == "ok", resumed.text
        assert f"digits SUCCEEDED · {TRIALS}/{TRIALS} trials" in second.run("%tune wait digits").text
        after = answer(second, DONE)
        assert shown.items() <= after.items()
        assert sorted(map(int, after)) == list(range(TRIALS))
        print(f"{small_disk.how}: {len(shown)} trials shown before the kill, all kept")  # noqa: T201 - the count
    finally:
        kernel.close()
        if second is not None:
            second.close()
