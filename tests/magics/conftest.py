from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from IPython.utils.capture import capture_output

from astraml_lab.dialects import Export, translate
from astraml_lab.errors import NotFound
from astraml_lab.magics import load_ipython_extension, unload_ipython_extension
from astraml_lab.spec import (
    Categorical,
    Definition,
    FailureKind,
    Float,
    Goal,
    JobSpec,
    JobState,
    JobView,
    Objective,
    Space,
    TrialState,
    TrialView,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.objectives import Code

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)


@dataclass
class FakeTrial:
    number: int
    kind: FailureKind | None = None

    def view(self) -> TrialView:
        return TrialView(
            self.number,
            TrialState.COMPLETE,
            {"lr": 0.25, "mom": None},
            values=(0.5,),
            started_at=1.0,
            kind=self.kind,
        )


@dataclass
class FakeJob:
    """A job that writes down what it is asked for."""

    name: str
    state: JobState = JobState.RUNNING
    project: str = "default"
    objectives: tuple[Objective, ...] = (LOSS,)
    elsewhere: str = ""
    reason: str = ""
    budget: int = 20
    weight: tuple[int, int] = (1, 3)
    grows: int = 0
    last_kind: FailureKind | None = None
    asked: list[Any] = field(default_factory=list)

    def view(self) -> JobView:
        counts = {TrialState.COMPLETE: 2, TrialState.STOPPED: 1}
        return JobView(
            self.name,
            self.name,
            self.project,
            1,
            self.state,
            self.objectives,
            self.budget,
            counts,
            best=(1,),
            reason=self.reason,
        )

    @property
    def reader(self) -> FakeJob:
        return self

    @property
    def best(self) -> FakeTrial:
        return FakeTrial(1)

    @property
    def pareto(self) -> list[FakeTrial]:
        return [FakeTrial(1), FakeTrial(2)]

    def trials(self) -> tuple[int, tuple[TrialView, ...]]:
        return 1, (FakeTrial(0).view(), FakeTrial(1, self.last_kind).view())

    def trial(self, number: int) -> TrialView | None:
        return {view.number: view for view in self.trials()[1]}.get(number)

    def log_tail(self, trial: int, lines: int) -> list[str]:
        return [f"line of {trial}"] * min(lines, 2)

    def best_as_cell(self) -> str:
        return "lr = 0.25"

    def narrowed(self, *numbers: int) -> str:
        return f"%%tune around {numbers}"

    def show(self, *, live: bool = False) -> None:
        self.asked.append("show live" if live else "show")

    def stop(self) -> None:
        self.asked.append("stop")

    def stop_trial(self, number: int) -> None:
        self.asked.append(("stop", number))

    def wait(self, timeout: float | None = None) -> None:
        self.asked.append(("wait", timeout))

    def raise_if_bad(self) -> None:
        self.asked.append("raise")

    def pause(self) -> None:
        self.asked.append("pause")

    @property
    def alive(self) -> bool:
        return self.state in {JobState.RUNNING, JobState.PAUSED}

    def rerun(self, number: int) -> int | None:
        self.asked.append(("rerun", number))
        return None if self.elsewhere else 2

    @property
    def spec(self) -> JobSpec:
        space = Space({"lr": Float(0.0, 1.0), "act": Categorical(["relu", "1"])})
        return JobSpec(definitions=(Definition(space=space, objectives=(LOSS,)),))

    def enqueue(self, params: dict[str, Any]) -> int | None:
        self.asked.append(("enqueue", params))
        self.budget += self.grows
        return None if self.elsewhere else 3

    def debug(self, number: int) -> str:
        return f"all about trial {number}"

    def trial_as_cell(self, number: int) -> str:
        if self.state is JobState.STALE:
            raise NotFound("its code is not in the store")
        return f"with foreground({number}):"

    def delete(self) -> tuple[int, int]:
        self.asked.append("delete")
        return self.weight

    def export(self, form: str) -> Any:
        return f"as {form}" if form in {"cell", "csv", "optuna"} else Export({"form": form}, ["seed 3."])

    def __repr__(self) -> str:
        return f"<{self.name}>"


class FakeLab:
    """A lab that launches nothing."""

    def __init__(self) -> None:
        self.launched: list[tuple[JobSpec, Code]] = []
        self.submitted: list[Any] = []
        self.imported: list[tuple[Any, dict[str, Any]]] = []
        self.known: list[FakeJob] = []
        self.said: tuple[str, ...] = ()

    def launch(self, spec: JobSpec, code: Code) -> Any:
        self.launched.append((spec, code))
        return "launched"

    def preflight(self, spec: JobSpec, code: Code) -> Any:
        return f"{spec.name} would try, by {type(code).__name__}"

    def policy(self, project: str = "default") -> dict[str, Any]:
        return {"defaults": {"epochs": 3}, "version": 2, "project": project}

    def import_trials(self, source: Any, **options: Any) -> Any:
        self.imported.append((source, options))
        return FakeJob("imported", JobState.SUCCEEDED)

    def submit(self, request: Any) -> Any:
        self.submitted.append(request)
        return "submitted"

    def read(self, request: Any) -> Any:
        return translate(request)

    def check(self, translation: Any) -> Any:
        return f"{translation.spec.name} would try"

    def sql(self, query: str) -> Any:
        if "nope" in query:
            raise NotFound("there is no table nope; there are jobs, trials, windows")
        return f"answer to {query}"

    def job(self, name: str | None = None, *, project: str = "default") -> Any:
        for job in self.known:
            if name is None or (job.name, job.project) == (name, project):
                return job
        raise NotFound(f"no job {name}")

    def resume(
        self, name: str, *, project: str = "default", trials: int | None = None, confirm: int | None = None
    ) -> Any:
        job = self.job(name, project=project)
        job.asked.append(("resume", trials) if confirm is None else ("resume", trials, confirm))
        return job

    def schedules(self, project: str | None = None) -> Any:
        return f"the schedules of {project}"

    def find_schedule(self, name: str, project: str | None = None) -> Any:
        raise NotFound(f"no schedule {name} in {project}")

    def accompany_run(self, job: Any) -> Any:
        return job

    def notices(self) -> tuple[str, ...]:
        return self.said

    def jobs(self, project: str | None = None, state: JobState | None = None) -> list[JobView]:
        return [
            job.view() for job in self.known if project in {None, job.project} and state in {None, job.state}
        ]


@dataclass
class Notebook:
    """An IPython of its own with our magics in it."""

    shell: Any
    lab: FakeLab

    def run(self, source: str) -> str:
        """Run a cell; return all that it printed."""
        with capture_output() as captured:
            self.shell.run_cell(source)
        return str(captured.stdout) + str(captured.stderr)

    def refused(self, source: str) -> str:
        """Run a cell that must fail; return what the notebook shows."""
        with capture_output() as captured:
            result = self.shell.run_cell(source)
        assert not result.success
        return str(captured.stdout) + str(captured.stderr)


@pytest.fixture
def notebook(shell: Any) -> Iterator[Notebook]:
    lab = FakeLab()
    load_ipython_extension(shell, lab)
    yield Notebook(shell, lab)
    unload_ipython_extension(shell)


@pytest.fixture
def digits(notebook: Notebook) -> FakeJob:
    job = FakeJob("digits")
    notebook.lab.known.insert(0, job)
    return job


@pytest.fixture
def old(notebook: Notebook) -> FakeJob:
    job = FakeJob("old", JobState.SUCCEEDED)
    notebook.lab.known.append(job)
    return job
