"""A schedule made in a cell is served by the kernel, from the side: its runs show in no cell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugins.kernel import Kernel

CELL = """%%tune
project_id: p-demo
apiVersion: "2.1"
name: nightly
model: mine
dataset: data.csv
schedule: {cron: "0 * * * *"}
"""
A_TICK_IS_DUE = """
from sqlalchemy import text
from astraml_lab.lab import manager, scheduler
with manager().store.begin() as connection:
    connection.execute(text("UPDATE schedules SET since = since - 3600"))
scheduler().start()
"""


def test_a_kernel_serves_the_schedule_that_one_of_its_cells_made(kernel: Kernel) -> None:
    kernel.run("%load_ext astraml_lab")
    kernel.run("""
import threading, astraml_lab as lab
def mine(trial):
    print("nobody is to see this")
    trial.report(accuracy=0.5)
lab.register("mine", mine)
""")
    idle = kernel.run("lab.jobs(); print([t.name for t in threading.enumerate() if 'scheduler' in t.name])")
    assert "[]" in idle.text, idle.text
    made = kernel.run(CELL)
    assert "nightly: `0 * * * *` UTC, next 20" in made.text, made.text
    assert "served by this kernel" in made.text
    assert kernel.run(A_TICK_IS_DUE).status == "ok"
    until = time.monotonic() + 120
    while "SUCCEEDED" not in (seen := kernel.run("%tune schedule show nightly").text):
        assert time.monotonic() < until, seen
    assert "STARTED  nightly-20" in seen
    assert "nobody" not in "".join(str(output) for output in kernel.late())
    assert "nightly (p-demo)" in kernel.run("%tune schedule").text
    assert "paused" in kernel.run("%tune schedule pause nightly").text
    refused = kernel.run("%tune schedule paus nightly").text
    assert "pause" in refused
    assert "Traceback" not in refused
    assert "the jobs of its runs stay" in kernel.run("%tune schedule rm nightly").text
