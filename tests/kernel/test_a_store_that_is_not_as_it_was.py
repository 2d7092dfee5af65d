"""What a notebook shows of a newer store, an older one, a damaged one, and one that is damaged under it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jobs.test_older_store import FINISHED, write_old
from plugins.jobs import Bench

from astraml_lab.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.kernel import Kernel, Ran

SETUP = """%load_ext astraml_lab
import astraml_lab as lab, os
"""
CELL = """%%tune --maximize score --trials 400 --parallel 2 --prune off --name running
x = Float(0.0, 1.0)

import time
time.sleep(0.01)
report(score=x)
"""


def errors(ran: Ran) -> str:
    return "".join(content["text"] for kind, content in ran.outputs if content.get("name") == "stderr")


def table(ran: Ran) -> str:
    """Return what the live table says where it cannot be drawn."""
    return next(str(content["data"]["text/plain"]) for kind, content in ran.outputs if kind == "display_data")


def printed(ran: Ran) -> str:
    return "".join(content["text"] for kind, content in ran.outputs if content.get("name") == "stdout")


def test_each_is_told_in_one_sentence_and_never_in_a_traceback(
    kernel: Kernel, home: Path, tmp_path: Path
) -> None:
    write_old(home, version=99)
    kernel.run(SETUP)
    for line in ("%tune", "%tune show", CELL):
        refused = kernel.run(line)
        assert refused.status == "error"
        assert refused.text == (
            f"StoreError: the store `{home / 'lab.db'}` was written by a newer version (schema 99, this one "
            f"knows {SCHEMA_VERSION}); run: pip install -U astraml-lab"
        )

    for file in home.glob("lab.db*"):
        file.unlink()
    write_old(home)
    listed = kernel.run("%tune")
    sentence = "the store was brought from schema 1 to 5; a copy of the old file is kept as lab.db.schema1"
    assert errors(listed) == f"{sentence}\n"
    assert "elsewhere (vision)" in table(listed)
    assert printed(listed).splitlines()[-1] == sentence
    missing = "first run the cells that define `pause`, then `%tune resume cut`: cut uses them"
    assert kernel.run("%tune resume cut").text == f"Conflict: {missing}"
    kernel.run("pause = 0.05")
    assert kernel.run("%tune resume cut").status == "ok"
    assert "cut SUCCEEDED · 12/12 trials" in printed(kernel.run("%tune wait cut"))
    kept = kernel.run(f"print([lab.job('cut').trials[n].values[0] for n in {list(FINISHED)}])")
    assert kept.text.strip() == str(list(FINISHED.values()))

    damaged = tmp_path / "damaged"
    bench = Bench(damaged)
    bench.run(lambda x: x, name="first", trials=30)
    bench.close()
    os.truncate(damaged / "lab.db", (damaged / "lab.db").stat().st_size * 2 // 3)
    kernel.run(f"os.environ['ASTRAML_HOME'] = {str(damaged)!r}")
    listed = kernel.run("%tune")
    (aside,) = damaged.glob("lab.db.damaged-*")
    assert errors(listed).startswith("the store was damaged: 1 of 1 job and ")
    assert errors(listed).endswith(f"the damaged file is kept as {aside.name}\n")
    assert printed(listed).splitlines()[-1] == errors(listed).strip()
    print(errors(listed))  # noqa: T201 - the sentence

    kernel.run(CELL)
    kernel.run("while lab.job('running').view().finished < 10: pass")
    log = damaged / "lab.db-wal"
    log.write_bytes(os.urandom(log.stat().st_size))
    kernel.run("import time; time.sleep(2)")
    for line in ("%tune", "%tune show running", "%tune best running", "print(lab.job('running'))"):
        answered = kernel.run(line)
        print(f"{line}: {answered.text}")  # noqa: T201 - what is said
        assert "Traceback" not in answered.text
        if answered.status == "error":
            assert answered.text.startswith("StoreUnavailable: ")
            assert answered.text.endswith(
                "malformed; restart the kernel: the store mends itself when it is opened, finished trials "
                "are kept"
            )
    assert kernel.run("print(6 * 7)").text.strip() == "42"
