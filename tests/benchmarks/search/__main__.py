"""All benchmarks of the search, one after the other; the summary lines once more at the end.

    PYTHONPATH=tests python -m benchmarks.search --out FOLDER [--seeds 10-19] [--only samplers,pruning]

Each keeps its runs in a file of the folder: broken off, the same command goes on. All of it takes some hours
on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "samplers": ("bench_samplers.py", "--samplers", "auto,tpe,random"),
    "samplers-8-workers": ("bench_samplers.py", "--workers", "8"),
    "pareto": ("bench_pareto.py",),
    "constraints": ("bench_constraints.py",),
    "warm-start": ("bench_warm_start.py",),
    "pruning": ("bench_pruning.py",),
    "pruning-pareto": ("bench_pruning_pareto.py",),
}
"""What is run, by the name of its file of runs."""


def shown(name: str, folder: Path, seeds: str) -> str:
    """Run a benchmark, print what it prints, and return its last line."""
    script, *options = BENCHMARKS[name]
    out = () if name == "constraints" else ("--out", str(folder / f"{name}.jsonl"))
    last = f"{script} failed"
    command = [sys.executable, str(HERE / script), *options, *out, "--seeds", seeds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return last if process.returncode == 0 else f"{script} failed"


def main() -> None:
    """Run them, and say again what each came to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True, help="a folder for the runs")
    parser.add_argument("--seeds", default="10-19")
    parser.add_argument("--only", default=",".join(BENCHMARKS), help=", ".join(BENCHMARKS))
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = {}
    for name in names:
        print(f"# {name}", flush=True)
        lines[name] = shown(name, arguments.out, arguments.seeds)
    print()
    for name, line in lines.items():
        print(f"{name}: {line}")


if __name__ == "__main__":
    main()
