"""How a real kernel feels beside trials: the cell's return, and the round trip of `1+1`.

Prints milliseconds; the last line is for machines. Run: python tests/benchmarks/bench_kernel.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from plugins.kernel import Kernel

PINGS = 40
TORCH = """%%tune --maximize score --trials {n} --parallel {n} --prune off --new --name torch{n}
x = Float(0.0, 1.0)
import torch
model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
stepper = torch.optim.SGD(model.parameters(), lr=0.1)
rows, labels = torch.randn(64, 64, generator=trial.generator), torch.arange(64) % 10
for step in range(10**9):
    loss = torch.nn.functional.cross_entropy(model(rows), labels)
    stepper.zero_grad(); loss.backward(); stepper.step()
    if step % 50 == 0:
        report(score=-float(loss))
"""
LOOPS = """%%tune --maximize score --trials {n} --parallel {n} --prune off --new --name loops{n}
x = Float(0.0, 1.0)
for step in range(10**9):
    for number in range(100_000):
        total = number * number
    report(score=1.0)
"""
QUICK = "%%tune --maximize score --trials 1 --name quick{n}\nx = Float(0.0, 1.0)\nreport(score=x)"


def pings(kernel: Kernel) -> tuple[float, float]:
    """Return median and 95th percentile of `1+1` in milliseconds."""
    times = sorted(1000 * kernel.run("1+1").seconds for _ in range(PINGS))
    return statistics.median(times), times[int(0.95 * PINGS)]


def launches(home: Path, *, warm: bool) -> tuple[float, float]:
    """Return the milliseconds of the first and the second `%%tune` of a fresh kernel."""
    kernel = Kernel(home)
    try:
        kernel.run("%load_ext astraml_lab")
        if warm:
            time.sleep(12)  # a person types longer than this
        return tuple(1000 * kernel.run(QUICK.format(n=number)).seconds for number in (1, 2))  # type: ignore[return-value]  # two
    finally:
        kernel.close()


def beside(kernel: Kernel, cell: str, trials: int) -> tuple[float, float, float]:
    """Return the round trip beside running trials, and the seconds from stop to ended."""
    name = cell.split("--name ")[1].split("\n", maxsplit=1)[0]
    launched = kernel.run(cell)
    if launched.status != "ok":
        raise SystemExit(launched.text)
    time.sleep(4 + trials)
    found = pings(kernel)
    stop = f"import astraml_lab as lab\njob = lab.job({name!r}).stop().wait(60)\njob.state"
    return (*found, kernel.run(stop).seconds)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        rows: list[tuple[str, Any]] = []
        cold = launches(Path(folder) / "cold", warm=False)
        warm = launches(Path(folder) / "warm", warm=True)
        print(f"%%tune returns, ms: right after %load_ext {cold[0]:.0f}, second {cold[1]:.0f}")
        print(f"%%tune returns, ms: 12 s after %load_ext {warm[0]:.0f}, second {warm[1]:.0f}")
        kernel = Kernel(Path(folder) / "home")
        kernel.run("%load_ext astraml_lab\nimport torch, astraml_lab.lab")
        rows.append(("idle", pings(kernel)))
        for label, cell, trials in (
            ("2 torch trials", TORCH, 2),
            ("4 torch trials", TORCH, 4),
            ("2 pure-Python loops", LOOPS, 2),
        ):
            rows.append((label, beside(kernel, cell.format(n=trials), trials)))
        kernel.close()
        for label, (median, high, *stopped) in rows:
            end = f", stop to ended {stopped[0]:.2f} s" if stopped else ""
            print(f"1+1 round trip, {label}: median {median:.1f} ms, p95 {high:.1f} ms{end}")
        figures = {label: found[0] for label, found in rows}
        print(
            f"kernel: ms_cold={cold[0]:.0f} ms_warm={warm[0]:.0f} ms_idle={figures['idle']:.1f} "
            f"ms_torch2={figures['2 torch trials']:.1f} ms_loops2={figures['2 pure-Python loops']:.1f}"
        )


if __name__ == "__main__":
    main()
