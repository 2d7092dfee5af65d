"""What a report costs with each vendor's rule: `python tests/benchmarks/bench_stopping.py [--finished 1000]`.

Trials of 100 steps report to a board that has seen many finished trials; of every ten, one is new, so that
columns are brought up to date as in a job. Processor time, median over the trials.
"""

from __future__ import annotations

import argparse
import random
import time
from statistics import median

from astraml_lab.metrics import Board, PruneRule
from astraml_lab.spec import StoppingKind, StoppingRule

STEPS = 100
PROBES = 60
SECOND = 1.0
RULES: dict[str, PruneRule | StoppingRule] = {
    "our median": PruneRule(),
    "averages, value now": StoppingRule(kind=StoppingKind.AVERAGES),
    "averages, best so far": StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=True),
    "averages by time": StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=True, by_time=True),
    "decay curve": StoppingRule(kind=StoppingKind.DECAY_CURVE),
    "convex": StoppingRule(kind=StoppingKind.CONVEX),
    "hyperband": StoppingRule(kind=StoppingKind.HYPERBAND, max_resource=STEPS + 1),
}


def filled(rule: PruneRule | StoppingRule, finished: int) -> Board:
    generator = random.Random(0)  # noqa: S311 - a benchmark keeps no secrets
    board = Board("loss", maximize=False, rule=rule)
    for number in range(finished):
        curve = [(step, 1 + generator.random()) for step in range(STEPS)]
        board.restore(number, curve, complete=True, seconds=STEPS * SECOND)
    return board


def bench(rule: PruneRule | StoppingRule, finished: int) -> tuple[float, float]:
    """Return microseconds per report, and for the end of a trial per step of it."""
    board = filled(rule, finished)
    reports, ends = [], []
    for probe in range(PROBES):
        number = finished + probe
        begun = time.process_time_ns()
        for step in range(STEPS):
            # ever better than all others, and by jumps: nobody gives it up
            board.report(number, 1 / (step + 2) - probe, step, step * SECOND)
        told = time.process_time_ns()
        board.finish(number, complete=probe % 10 == 0)
        reports.append((told - begun) / STEPS / 1000)
        ends.append((time.process_time_ns() - told) / STEPS / 1000)
    return median(reports), max(ends)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, nargs="*", default=[10, 1000])
    for finished in parser.parse_args().finished:
        for name, rule in RULES.items():
            report, end = bench(rule, finished)
            print(
                f"{name:22} {finished:5} trials: {report:6.2f} us a report, {end:5.2f} us a step at the end"
            )


if __name__ == "__main__":
    main()
