"""The misbehaviour table: what a trial may do wrong, and what its job says of it, word for word.

Each row is a piece of a `%%tune` cell or of a function. `test_misbehaviour.py` runs them with good trials in
between, compares, and prints the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["threads", "processes"]

STOP_GRACE, KILL_GRACE = "{stop}", "{kill}"
"""Stand for the seconds that a thread or process has to report; the tests cut them short."""
DIES = (
    "(the kernel dies; `%tune resume` tries it once more, then it is FAILED (stale): its kernel died in "
    "attempt 2, its last, and it has no checkpoint to go on from; where a trial itself ends the kernel, "
    "`--executor processes` keeps that to the trial)"
)
FREEZES = "(the kernel freezes until it is over)"
NOT_RUN = frozenset({DIES, FREEZES})
"""What a crash means where the trial runs in the kernel itself: tests/kernel/test_a_crash_in_threads.py."""


@dataclass(frozen=True)
class Row:
    """One kind of bad trial.

    Attributes:
        name: What is wrong.
        code: What the trial runs.
        threads: State, kind, sentence and notes of the trial, and what else can be seen.
        processes: The same there, where it differs.
    """

    name: str
    code: str
    threads: str
    processes: str = ""

    def expected(self, where: Where) -> str:
        """Return what is to be seen."""
        return self.processes or self.threads if where == "processes" else self.threads


def _again(sentence: str, kind: str = "crashed") -> str:
    """Return what is seen of a crash: it is tried once more by default."""
    retried = f"attempt 1 failed ({sentence}): tried again after 1 s"
    return f"FAILED ({kind}): {sentence} · {retried}"


CUDA_OOM = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB"
ASSERT = "CUDA error: device-side assert triggered"
NO_ROOM = "Unable to allocate 1.00 EiB for an array with shape (1152921504606846976,) and data type uint8"
NO_SCORE = "ended without a report of score, which the job is to maximize: it reported"
TIMEOUT = 5.0
"""In seconds, after which a trial is too long: the others are done by then on a busy machine, too."""
LONG = f"ran longer than {TIMEOUT:g} s (--trial-timeout)"
KILLED = (
    f"FAILED (timeout): {LONG} · did not report for {KILL_GRACE} s after it was told to end: "
    "its process was killed"
)
LEFT = (
    f"FAILED (timeout): {LONG} · did not report for {STOP_GRACE} s after it was told to end: its thread was "
    "left behind, and its slot stays taken until it ends by itself or the kernel restarts"
)
NO_SLOT = (
    "trial 1 does not end, though told to, and no slot is left: a thread cannot be killed. Restart the "
    "kernel, then `%tune resume bad`; with `--executor processes` such a trial is killed"
)
BROKEN = (
    "CUDA is broken in this kernel and every further trial would fail: restart the kernel and resume, or use "
    "--executor processes, where such an error costs one trial"
)

CROWD = (
    Row(
        "an exception",
        'raise KeyError("no such layer")',
        "FAILED (exception): KeyError: 'no such layer'",
    ),
    Row("an exception without text", "raise ValueError", "FAILED (exception): ValueError"),
    Row(
        "an exception whose `__str__` fails",
        """
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError("no text")
        raise Odd
        """,
        "FAILED (exception): Odd: (its text could not be had: RuntimeError)",
    ),
    Row(
        "an exception that cannot be pickled",
        """
        import threading
        class Odd(Exception):
            def __init__(self):
                super().__init__("locked")
                self.lock = threading.Lock()
        raise Odd
        """,
        "FAILED (exception): Odd: locked",
    ),
    Row(
        "endless recursion",
        """
        def deeper(n):
            return deeper(n + 1) + 1
        deeper(0)
        """,
        "FAILED (exception): RecursionError: maximum recursion depth exceeded",
    ),
    Row(
        "`sys.exit(3)`", "import sys; sys.exit(3)", "FAILED (exception): SystemExit: the code called exit(3)"
    ),
    Row("`exit()`", "exit()", "FAILED (exception): SystemExit: the code called exit()"),
    Row(
        "`sys.exit` with a text",
        'import sys; sys.exit("no data")',
        "FAILED (exception): SystemExit: no data",
    ),
    Row(
        "`input()`",
        'input("how many? ")',
        "FAILED (exception): EOFError: a trial has no keyboard, so input() cannot ask: set the value "
        "in a cell above",
    ),
    Row("`KeyboardInterrupt`", "raise KeyboardInterrupt", "FAILED (exception): KeyboardInterrupt"),
    Row("NaN objective", 'report(score=float("nan"))', "FAILED (nan): score is nan at step 1"),
    Row(
        "infinite objective",
        'report(score=0.5); report(score=float("inf"))',
        "FAILED (nan): score is inf at step 2",
    ),
    Row("NaN in another metric", 'report(loss=float("nan")); report(score=0.5)', "COMPLETE"),
    Row("no report at all", "pass", f"FAILED (no_metric): {NO_SCORE} nothing"),
    Row("another metric's name", "report(accuracy=0.9)", f"FAILED (no_metric): {NO_SCORE} accuracy"),
    Row(
        "report of a text",
        'report(score="high")',
        "FAILED (exception): TypeError: report(score=…) takes a number, not str 'high'",
    ),
    Row(
        "report of `None`",
        "report(score=None)",
        "FAILED (exception): TypeError: report(score=…) takes a number, not None",
    ),
    Row(
        "report without a name",
        "report(0.9)",
        "FAILED (exception): TypeError: report() takes names: write report(accuracy=0.93, step=1)",
    ),
    Row(
        "bare `except:` around `report`",
        """
        for _ in range(3):
            try:
                report(score=float("nan"))
            except:
                pass
        report(score=1.0)
        """,
        "FAILED (nan): score is nan at step 1",
    ),
    Row("`trial.infeasible`", 'trial.infeasible("odd width")', "FAILED (infeasible, no failure): odd width"),
    Row(
        "`optuna.TrialPruned`",
        "import optuna; raise optuna.TrialPruned",
        "PRUNED: the code raised optuna.TrialPruned",
    ),
    Row("`MemoryError`", "raise MemoryError", "FAILED (oom): MemoryError: memory ran out"),
    Row(
        "an array that fits nowhere",
        "import numpy; numpy.empty(2**60, 'u1')",
        f"FAILED (oom): MemoryError: {NO_ROOM}",
    ),
    Row(
        "more memory than the limit (`RLIMIT_AS`)",
        """
        import pathlib, resource
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
        rows = bytearray(2**29)
        """,
        "(the limit would be the kernel's own)",
        "FAILED (oom): MemoryError: memory ran out",
    ),
    Row(
        "the text of CUDA out of memory",
        f"raise RuntimeError({CUDA_OOM!r})",
        f"FAILED (oom): RuntimeError: {CUDA_OOM}",
    ),
    Row(
        "segmentation fault",
        "import ctypes; ctypes.string_at(0)",
        DIES,
        _again("its process crashed: segmentation fault (SIGSEGV)"),
    ),
    Row(
        "`abort()` in C code", "import os; os.abort()", DIES, _again("its process crashed: aborted (SIGABRT)")
    ),
    Row(
        "`os._exit(3)`",
        "import os; os._exit(3)",
        DIES,
        _again("its process ended itself with exit code 3 (os._exit)"),
    ),
    Row(
        "SIGKILL",
        "import os; os.kill(os.getpid(), 9)",
        DIES,
        _again("its process was killed (SIGKILL) from outside"),
    ),
    Row(
        "SIGTERM",
        "import os; os.kill(os.getpid(), 15)",
        DIES,
        _again("its process was ended by a signal (SIGTERM) from outside"),
    ),
    Row(
        "100 MB of prints",
        """
        for _ in range(1000):
            print("x" * 99_999)
        report(score=0.5)
        """,
        "COMPLETE · its log keeps the first 20 MB and the last 500 lines, with a line that says so",
    ),
    Row(
        "a thread that never ends",
        """
        import threading
        print(threading.Thread(target=forever, name="astray", daemon=True).start())
        report(score=0.5)
        """,
        "COMPLETE · its thread goes on in the kernel",
        "COMPLETE · its thread ended with its process",
    ),
    Row(
        "a subprocess left behind",
        """
        import os
        print(os.posix_spawn("/bin/sleep", ["sleep", "600"], {}))
        report(score=0.5)
        """,
        "COMPLETE · its subprocess goes on",
        "COMPLETE · its subprocess was killed",
    ),
    Row(
        "closes `sys.stdout`, then prints",
        'import sys; sys.stdout.close(); print("still here"); report(score=0.5)',
        "COMPLETE",
        "FAILED (exception): ValueError: I/O operation on closed file.",
    ),
    Row(
        "changes `os.environ` and the working folder",
        'import os; os.environ["ASTRAY"] = "1"; os.chdir("/"); report(score=0.5)',
        "COMPLETE · later trials see it",
        "COMPLETE · no other trial sees it",
    ),
    Row(
        "deletes its checkpoint folder",
        "import shutil; shutil.rmtree(trial.checkpoint_dir); report(score=0.5)",
        "COMPLETE",
    ),
)
"""Pieces of one cell, which one job runs, two trials at a time, every second one a good one."""

FUNCTIONS = (
    Row(
        "returns a text",
        'return "high"',
        'FAILED (exception): TypeError: `train` returned str "high"; the final report is a number, a '
        "tuple of numbers, a dict of numbers, or nothing",
    ),
    Row(
        "returns what cannot be pickled",
        "return (number for number in ())",
        "FAILED (exception): TypeError: `train` returned generator <generator object "
        "train.<locals>.<genexpr>; the final report is a number, a tuple of numbers, a dict of numbers, "
        "or nothing",
    ),
    Row(
        "returns too many values",
        "return 0.5, 0.25",
        "FAILED (exception): TypeError: `train` returned 2 values, the job's objectives are: score",
    ),
    Row("returns nothing and reports nothing", "return", f"FAILED (no_metric): {NO_SCORE} nothing"),
)
"""Bodies of one function, run likewise."""

SLOW = (
    Row(
        "too long, but it reports",
        """
        while True:
            forever(0.02)
            report(score=0.5)
        """,
        f"FAILED (timeout): {LONG}",
    ),
    Row("too long, and it never reports", "forever()", LEFT, KILLED),
    Row(
        "an endless loop in C code that holds the GIL",
        "import ctypes; ctypes.PyDLL(None).pause()",
        FREEZES,
        KILLED,
    ),
    Row(
        "a process that was halted (SIGSTOP)",
        "import os; os.kill(os.getpid(), 19)",
        "(it would halt the kernel)",
        KILLED,
    ),
)
"""Pieces of a cell that a job with `--trial-timeout` runs."""

ALONE = (
    Row(
        "the text of a device assert (CUDA)",
        f"raise RuntimeError({ASSERT!r})",
        f"FAILED (exception): RuntimeError: {ASSERT} · the job is FAILED: {BROKEN} (RuntimeError: {ASSERT})",
        f"FAILED (exception): RuntimeError: {ASSERT}",
    ),
    Row(
        "too long, never reports, and has the last slot",
        "forever()",
        f"{LEFT} · the job is PAUSED: {NO_SLOT}",
        KILLED,
    ),
    Row(
        "`DataLoader(num_workers=2)`",
        """
        import torch
        data = torch.utils.data.TensorDataset(torch.arange(8.0))
        DataLoader = torch.utils.data.DataLoader
        loader = DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context="fork")
        report(score=sum(float(batch.sum()) for (batch,) in loader))
        """,
        "COMPLETE",
    ),
)
"""Pieces of cells that have a job each, one trial at a time."""

ROWS = (*CROWD, *FUNCTIONS, *SLOW, *ALONE)


def as_markdown(stop: float, kill: float) -> str:
    """Return the table as it can be quoted."""
    lines = ["| a trial with | in `threads` | in `processes` |", "| --- | --- | --- |"]
    for row in ROWS:
        processes = row.processes or "the same"
        text = f"| {row.name} | {row.threads} | {processes} |"
        lines.append(text.replace(STOP_GRACE, f"{stop:g}").replace(KILL_GRACE, f"{kill:g}"))
    return "\n".join(lines)
