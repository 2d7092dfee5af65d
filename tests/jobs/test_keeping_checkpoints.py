"""`--keep-checkpoints`: whose files stay, and that disk use is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Float

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

SCORES = [0.3, 0.9, 0.1, 0.8, 0.5]
SIZE = 10_000


def train(trial: Trial) -> float:
    (trial.checkpoint_dir / "weights.bin").write_bytes(b"w" * SIZE)
    return SCORES[trial.number]


def kept(job: Job) -> list[int]:
    return [number for number, trial in job.trials.items() if (trial.checkpoint_dir / "weights.bin").exists()]


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        ("all", [0, 1, 2, 3, 4]),
        ("none", []),
        ("best:2", [1, 3]),
        ("best:1", [1]),
        ("last:2", [3, 4]),
        ("best:9", [0, 1, 2, 3, 4]),
    ],
)
def test_the_rule_says_who_keeps_a_checkpoint(bench: Bench, rule: str, numbers: list[int]) -> None:
    job = bench.run(train, trials=5, keep_checkpoints=rule)
    assert kept(job) == numbers
    sizes = {number: trial.view().disk_bytes for number, trial in job.trials.items()}
    assert all((sizes[number] >= SIZE) == (number in numbers) for number in sizes)
    assert job.view().disk_bytes == sum(sizes.values())


def test_the_store_knows_the_sizes_too(bench: Bench) -> None:
    job = bench.run(train, trials=5, keep_checkpoints="best:1")
    live = job.view().disk_bytes
    bench.manager._runners.clear()
    bench.manager._readers.clear()
    assert bench.manager.find(job.name).view().disk_bytes == live


def test_best_goes_by_the_goal_and_counts_complete_trials_only(bench: Bench) -> None:
    def some_fail(trial: Trial) -> float:
        (trial.checkpoint_dir / "weights.bin").touch()
        if trial.number == 2:
            raise RuntimeError
        return SCORES[trial.number]

    job = bench.run(some_fail, trials=5, keep_checkpoints="best:2", maximize=(), minimize="loss")
    assert kept(job) == [0, 4]


def test_a_front_is_kept_whole(bench: Bench) -> None:
    def two(trial: Trial) -> tuple[float, float]:
        (trial.checkpoint_dir / "weights.bin").touch()
        return float(trial.number % 3), -float(trial.number % 3)

    job = bench.run(two, {"x": Float(0, 1)}, trials=6, keep_checkpoints="best:1", maximize=("a", "b"))
    assert kept(job) == list(job.view().best)
    assert len(kept(job)) >= 3


@pytest.mark.parametrize("rule", ["best", "best:0", "3", "newest:2", "best:-1"])
def test_another_rule_is_refused(bench: Bench, rule: str) -> None:
    with pytest.raises(InvalidSpec, match="keep_checkpoints"):
        bench.prepare(train, keep_checkpoints=rule)
