"""`--keep-checkpoints`: whose files stay, and that disk use is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.jobs.checkpoints import Keeper
from astraml_lab.spec import Definition, Float, JobSpec, Program, TrialState, TrialView

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
        ("auto", [0, 1, 2, 3, 4]),
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


@pytest.mark.parametrize(
    ("rule", "kind", "state", "values", "gone"),
    [
        ("auto", "finetune", TrialState.PRUNED, None, (3,)),
        ("auto", "finetune", TrialState.PRUNED, (0.5,), ()),  # to some vendors that is a result
        ("auto", "finetune", TrialState.COMPLETE, (0.5,), ()),
        ("auto", "finetune", TrialState.STOPPED, None, ()),
        ("auto", "function", TrialState.PRUNED, None, ()),
        ("all", "finetune", TrialState.PRUNED, None, ()),
    ],
)
def test_what_a_pruned_fine_tuning_has_saved_goes_unless_all_is_kept(
    rule: str,
    kind: Literal["finetune", "function"],
    state: TrialState,
    values: tuple[float, ...] | None,
    gone: tuple[int, ...],
) -> None:
    program = Program(kind=kind, source="tiny data.csv")
    keeper = Keeper(JobSpec(definitions=(Definition(program=program),), keep_checkpoints=rule))

    assert keeper.ended(TrialView(3, state, {}, values=values), ()) == gone


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
