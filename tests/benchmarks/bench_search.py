"""Ask and tell through the searcher beside bare Optuna: six floats, random, in memory.

The two run in turn, round after round; the figure is the median of the ratios within a round, because the
machine's speed drifts.

    python tests/benchmarks/bench_search.py [--rounds 7] [--trials 500]

Must hold: x_optuna <= 1.5.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import optuna

from astraml_lab.search import Searcher, Told
from astraml_lab.spec import Definition, Float, Space, Strategy, TrialState, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [f"x{index}" for index in range(6)]


def bare(trials: int) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(trials):
        trial = study.ask()
        for name in NAMES:
            trial.suggest_float(name, 0, 1)
        study.tell(trial, 0.5)


def ours(trials: int) -> None:
    space = Space({name: Float(0, 1) for name in NAMES})
    definition = Definition(space=space, objectives=objectives_of(minimize="loss"))
    searcher = Searcher(definition, strategy=Strategy.RANDOM, seed=0)
    told = Told(TrialState.COMPLETE, (0.5,))
    for _ in range(trials):
        proposal = searcher.ask()
        if proposal:
            searcher.tell(proposal.number, told)


def microseconds(run: Callable[[int], None], trials: int) -> float:
    begin = time.perf_counter()
    run(trials)
    return (time.perf_counter() - begin) / trials * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trials", type=int, default=500)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ratios = []
    for _ in range(arguments.rounds):
        optunas = microseconds(bare, arguments.trials)
        searchers = microseconds(ours, arguments.trials)
        ratios.append(searchers / optunas)
        print(f"bare Optuna {optunas:7.0f} us, searcher {searchers:7.0f} us per trial")
    print(f"search: x_optuna={statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
