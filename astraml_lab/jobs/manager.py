"""The manager: from a specification and its code to a job that runs, attaches, goes on or is just shown.

A named job is idempotent. What happens to a name that is taken:

    running here, same search      attach; with more --trials, extend
    running in another kernel      attach, read-only
    its kernel is gone             resume: what finished is kept, what ran runs again
    ended, same search             show; with more --trials, go on
    anything, changed search       a new generation that says what changed (a running one needs --replace)
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from astraml_lab.devices import LeaseRequest
from astraml_lab.errors import Conflict, InvalidSpec, NotFound, Problem
from astraml_lab.jobs import stored
from astraml_lab.jobs.job import Job
from astraml_lab.jobs.live import LiveJob, LiveTrial
from astraml_lab.jobs.live_reader import LiveReader
from astraml_lab.jobs.naming import made_up_name
from astraml_lab.jobs.preflight import Preflight, preflight
from astraml_lab.jobs.record import Record
from astraml_lab.jobs.runner import Runner
from astraml_lab.jobs.verdict import Verdict
from astraml_lab.objectives.fingerprint import changed, digest
from astraml_lab.search import Searcher, sampler_problems, strategy_notes
from astraml_lab.search.distributions import space_problems
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec import JobSpec, JobState, TrialState, nearest, refuse_unbuilt
from astraml_lab.store import Writer

if TYPE_CHECKING:
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.jobs.runner import Wiring
    from astraml_lab.objectives.base import Code
    from astraml_lab.spec import TrialView
    from astraml_lab.store import GenerationRecord, Lease, Store

_REPLACED_WAIT = 60.0
_NO_GPU = "no GPU here: trials run on the CPU"
_SEEDED = (
    "seeded: the search, trial.seed, trial.generator and trial.rng; torch's global seed is shared by threads"
)


@dataclass(frozen=True)
class _Plan:
    """A launch, completed for this machine."""

    spec: JobSpec
    code: Code
    request: LeaseRequest
    fingerprint: dict[str, str]
    notes: tuple[str, ...]

    def stored(self) -> dict[str, str]:
        """Return what the store keeps of it."""
        return {"spec": self.spec.model_dump_json(), "fingerprint": json.dumps(self.fingerprint)}


class Manager:
    """Owns the runners of this process; thread-safe.

    Args:
        store: Where jobs live.
        wiring: The parts that all jobs share.
        owner: What other kernels call this one.
    """

    def __init__(self, store: Store, wiring: Wiring, *, owner: str) -> None:
        self.store = store
        self._wiring = wiring
        self._owner = owner
        self._writer = Writer(store, self._on_trouble)
        self._lock = threading.RLock()
        self._runners: dict[int, Runner] = {}
        self._readers: dict[int, JobReader] = {}

    # finding

    def find(self, name: str | None, project: str = "default") -> Job:
        """Return a job; without a name the newest of the project.

        Raises:
            NotFound: There is none; the message names the nearest.
        """
        found = self.store.newest_job(project) if name is None else self.store.load_job(project, name)
        if found is not None:
            return Job(self, found)
        if name is None:
            raise NotFound(f"project {project} has no job yet")
        known = [record.name for record in self.store.list_jobs(project)]
        hint = nearest(name, known) or (
            f"there are {', '.join(known[:10])}" if known else "there is none yet"
        )
        raise NotFound(f"no job {name!r} in project {project}: {hint}")

    def jobs(self, project: str | None = None) -> list[Job]:
        """Return the newest generation of every job, the newest first."""
        return [Job(self, found) for found in self.store.list_jobs(project)]

    def runner(self, generation_id: int) -> Runner | None:
        """Return the runner of a generation, if it ran in this process."""
        with self._lock:
            return self._runners.get(generation_id)

    def reader(self, generation_id: int) -> JobReader:
        """Return the read side of a generation.

        Raises:
            NotFound: It was deleted.
        """
        with self._lock:
            found = self._readers.get(generation_id)
            if found is None:
                found = self._readers[generation_id] = stored.StoredReader(
                    self.store, self._stored(generation_id)
                )
            return found

    def spec(self, generation_id: int) -> JobSpec:
        """Return what was asked for."""
        runner = self.runner(generation_id)
        return runner.spec if runner else JobSpec.model_validate_json(self._stored(generation_id).spec)

    # launching

    def launch(self, spec: JobSpec, code: Code, *, attended: bool) -> Job:
        """Start the job, or do whatever its name asks for.

        Raises:
            NotBuiltYet: An option is valid, but of a later version.
            InvalidSpec: The devices cannot be had.
            Conflict: The name belongs to a running job with another search, or to another kernel.
        """
        refuse_unbuilt(spec)
        plan = self._plan(spec, code)
        with self._lock:
            found = self.store.load_job(spec.project, spec.name) if spec.name else None
            if found is None:
                return self._create(plan)
            _refuse_missing_names(found, plan)
            what = _difference(found, plan)
            if what:
                return self._next_generation(found, plan, what, attended=attended)
            return self._same_search(found, plan)

    def preflight(self, spec: JobSpec, code: Code) -> Preflight:
        """Try the job without storing or starting anything; see `jobs.preflight`.

        Raises:
            InvalidSpec: No objective was reported, or the devices cannot be had.
        """
        plan = self._plan(spec, code)
        return preflight(plan.spec, code, self._wiring.pool, plan.request)

    def delete(self, job: Job) -> None:
        """Remove a job that does not run.

        Raises:
            Conflict: It runs.
        """
        if job.state in {JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.STOPPING}:
            raise Conflict(f"{job.name} is {job.state}: stop it first (%tune stop {job.name})")
        self._writer.flush()
        with self._lock:
            record = self.store.load_job(job.project, job.name)
            for generation in self.store.list_generations(record.job_id) if record else ():
                self._runners.pop(generation.id, None)
                self._readers.pop(generation.id, None)
        self.store.delete_job(job.project, job.name)

    def close(self, timeout: float = 10.0) -> None:
        """Stop what runs, write what waits, and let go of the store."""
        with self._lock:
            runners = list(self._runners.values())
        for runner in runners:
            Job(self, self._stored(runner.record.generation_id)).stop("the kernel shuts down")
        for runner in runners:
            runner.done.wait(timeout)
        self._writer.close(timeout)
        self.store.close()

    def _plan(self, spec: JobSpec, code: Code) -> _Plan:
        """Fill in what depends on this machine and on the code."""
        problems = [*space_problems(spec.space), *sampler_problems(spec.strategy, spec.definitions[0])]
        if problems:
            raise InvalidSpec(problems)
        pool = self._wiring.pool
        has_gpu = bool(pool.devices())
        gpus = (1.0 if spec.gpus is None else spec.gpus) if has_gpu else 0.0
        request = LeaseRequest("", gpus, spec.devices if has_gpu else None, spec.reserve)
        refused = pool.refuse_reason(request)
        if refused:
            raise InvalidSpec([Problem("gpus", f"{gpus:g}", refused)])
        single = not len(spec.space) and "suggest_" not in code.program.source
        parallel = 1 if single else spec.parallel or max(1, pool.slots(request))
        update: dict[str, Any] = {
            "name": spec.name or made_up_name(),
            "definitions": (spec.definitions[0].model_copy(update={"program": code.program}),),
            "parallel": parallel,
            "trials": 1 if single else spec.trials,
        }
        notes = [] if has_gpu or not (spec.gpus or spec.devices) else [_NO_GPU]
        notes += [_SEEDED] if spec.seed is not None else []
        notes += strategy_notes(spec.strategy, spec.definitions[0], spec.trials)
        planned = spec.model_copy(update=update)
        return _Plan(
            planned, code, replace(request, parallel=parallel), fingerprint(spec, code), tuple(notes)
        )

    def _create(self, plan: _Plan) -> Job:
        name = str(plan.spec.name)
        twins = [f"{t} runs the same search" for t in self._running_twins(plan)]
        found, lease = self.store.create_job(plan.spec.project, name, **plan.stored(), owner=self._owner)
        return self._start(found, lease, plan, (*twins, *plan.notes))

    def _running_twins(self, plan: _Plan) -> list[str]:
        """Return the names of the running jobs of this kernel that are the same search."""
        alive = [runner for runner in self._runners.values() if not runner.done.is_set()]
        return [r.record.name for r in alive if fingerprint(r.spec, r.code) == plan.fingerprint]

    def _same_search(self, found: GenerationRecord, plan: _Plan) -> Job:
        runner = self.runner(found.id)
        if runner is not None and not runner.done.is_set():
            return Job(self, found).extend(plan.spec.trials)
        if found.state is not JobState.STALE and not found.state.ended:
            return Job(self, found)  # another kernel runs it: watch
        used = sum(trial.state.counts for trial in self.store.load_trials(found.id))
        if found.state.ended and plan.spec.trials <= used:
            return Job(self, found)
        return self._resume(found, plan)

    def _next_generation(self, found: GenerationRecord, plan: _Plan, what: str, *, attended: bool) -> Job:
        if not found.state.ended and found.state is not JobState.STALE:
            if attended and not plan.spec.replace:
                raise Conflict(
                    f"{found.name} is {found.state} with another search ({what}); "
                    "--replace stops it and starts this one, --name gives this one a name of its own"
                )
            self._stop_and_wait(found)
        new, lease = self.store.create_generation(found.job_id, **plan.stored(), owner=self._owner)
        note = f"generation {new.number}; since generation {found.number}: {what}"
        return self._start(new, lease, plan, (note, *plan.notes))

    def _resume(self, found: GenerationRecord, plan: _Plan) -> Job:
        lease = self.store.acquire(found.id, self._owner)
        views = self.store.load_trials(found.id)
        kept = sum(view.state.ended for view in views)
        note = f"went on after {kept} finished trials"
        return self._start(found, lease, plan, (note, *plan.notes), views).extend(plan.spec.trials)

    def _start(
        self,
        found: GenerationRecord,
        lease: Lease,
        plan: _Plan,
        notes: tuple[str, ...],
        views: tuple[TrialView, ...] = (),
    ) -> Job:
        """Wire a job together and start it."""
        spec = plan.spec
        storage = StudyStorage(self.store.journal(lease))
        definition = spec.definitions[0]
        searcher = Searcher(definition, strategy=spec.strategy, seed=spec.seed, storage=storage)
        record = Record(self.store, self._writer, found, lease, spec, storage)
        record.note = "; ".join(notes)
        live = LiveJob(spec, self._wiring.clock)
        request = replace(plan.request, owner=record.id)
        runner = Runner(plan.code, live, record, searcher, request, self._wiring)
        self._restore(runner, searcher, views)
        with self._lock:
            self._runners[found.id] = runner
            self._readers[found.id] = LiveReader(runner)
        runner.start()
        return Job(self, found)

    def _restore(self, runner: Runner, searcher: Searcher, views: tuple[TrialView, ...]) -> None:
        """Bring back the trials of an earlier run, and what the board knew of them."""
        held = {proposal.number for proposal in searcher.restore()} if views else set()
        board, objectives = runner.live.board, runner.spec.objectives
        for view in views:
            if not view.state.ended and view.number not in held:
                continue  # its start was never committed: as if it had not been asked for
            trial = _restored(view)
            runner.live.add(trial)
            runner.restore(trial)
            if board is not None and view.state is TrialState.COMPLETE:
                found = stored.curve(
                    self.store, runner.record.generation_id, view.number, objectives[0].metric
                )
                curve = zip(found.steps, found.values, strict=True) if found else ()
                board.restore(
                    view.number, ((int(step), float(value)) for step, value in curve), complete=True
                )

    def _stop_and_wait(self, found: GenerationRecord) -> None:
        old = Job(self, found).stop("replaced by a changed search")
        old.wait(_REPLACED_WAIT)
        if not old.state.ended:
            raise Conflict(
                f"{old.name} was told to stop, but trial {old.view().running} has not reported since: "
                "wait for it, or interrupt the kernel"
            )

    def _stored(self, generation_id: int) -> GenerationRecord:
        found = self.store.load_generation(generation_id)
        if found is None:
            raise NotFound("the job was deleted")
        return found

    def _on_trouble(self, sentence: str | None) -> None:
        """Show what the store's writer cannot do on the line of every job that runs."""
        with self._lock:
            runners = list(self._runners.values())
        for runner in runners:
            runner.trouble = sentence or ""


def fingerprint(spec: JobSpec, code: Code) -> dict[str, str]:
    """Return what makes two runs the same job, by readable part."""
    space = json.dumps(spec.space.model_dump(mode="json"), sort_keys=True)
    objectives = json.dumps([objective.model_dump(mode="json") for objective in spec.objectives])
    return {**code.fingerprint(), "the space": digest(space), "the objectives": digest(objectives)}


def _refuse_missing_names(found: GenerationRecord, plan: _Plan) -> None:
    """Tell a cell whose helpers are not defined yet from one that was changed.

    Raises:
        Conflict: It is the same text as before, but the kernel lacks names that it used then.
    """
    before = JobSpec.model_validate_json(found.spec).definitions[0].program
    now = plan.code.program
    if before is None or before.kind != now.kind or before.source != now.source:
        return
    missing = [name for name in before.names if name not in now.names]
    if missing and not plan.spec.new:
        raise Conflict(f"first run the cells that define {', '.join(missing)}: {found.name} used them before")


def _difference(found: GenerationRecord, plan: _Plan) -> str:
    """Say what makes the plan another search than the stored one; empty if it is the same."""
    differences = changed(json.loads(found.fingerprint), plan.fingerprint)
    if differences:
        return "changed " + ", ".join(differences)
    return "started over" if plan.spec.new else ""


def _restored(view: TrialView) -> LiveTrial:
    """Return a trial of an earlier run: an ended one as it was, any other to run again."""
    trial = LiveTrial(view.number, view.params, seed=view.seed, created_at=view.created_at)
    trial.last = dict(view.metrics)
    trial.notes = list(view.notes)
    trial.attempt = view.attempt + (not view.state.ended)
    if view.state.ended:
        trial.state, trial.values = view.state, view.values
        trial.verdict = Verdict(view.state, view.reason, view.kind)
        trial.started_at, trial.ended_at = view.started_at, view.ended_at
        trial.device, trial.step, trial.traceback = view.device, view.step, view.traceback
    return trial
