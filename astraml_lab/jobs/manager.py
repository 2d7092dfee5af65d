"""The manager: from a specification and its code to a job that runs, attaches, goes on or is just shown.

A named job is idempotent. What happens to a name that is taken:

    running here, same search      attach; with more --trials, extend
    running in another kernel      attach, read-only
    its kernel is gone             resume: what finished is kept, what ran runs again
    ended, same search             show; with more --trials, go on
    anything, changed search       a new generation that says what changed (a running one needs --replace)
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from astraml_lab.errors import Conflict, NotFound, StoreUnavailable
from astraml_lab.jobs import disk
from astraml_lab.jobs.deleting import Deleted, refuse_alive, weigh
from astraml_lab.jobs.events import Confirm, Extend
from astraml_lab.jobs.finding import find, free_name
from astraml_lab.jobs.job import Job
from astraml_lab.jobs.live import LiveJob
from astraml_lab.jobs.live_reader import LiveReader
from astraml_lab.jobs.owner import Owner
from astraml_lab.jobs.past import collect, warm_up
from astraml_lab.jobs.planning import (
    Plan,
    attached,
    difference,
    fingerprint,
    goes_on,
    is_same,
    make_plan,
    refuse_missing_names,
    unfollowed,
)
from astraml_lab.jobs.preflight import Preflight, preflight
from astraml_lab.jobs.record import Record, give_back, open_search
from astraml_lab.jobs.restoring import restore
from astraml_lab.jobs.runner import Runner
from astraml_lab.jobs.selected import Selected
from astraml_lab.jobs.stored import StoredReader, read_spec
from astraml_lab.metrics import RETENTION, roll_up
from astraml_lab.search import Searcher
from astraml_lab.spec import JobSpec, JobState, refuse_unbuilt
from astraml_lab.store import InterruptsHeldBack, Writer, name_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.devices import Pool
    from astraml_lab.jobs.events import Event
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.jobs.wiring import Wiring
    from astraml_lab.objectives.base import Code
    from astraml_lab.spec import TrialView
    from astraml_lab.store import GenerationRecord, Lease, Store

_REPLACED_WAIT = 60.0
_LEAVE_WAIT = 2.0
"""Seconds that the end of a kernel may take longer: JupyterLab kills it after 5."""
_DONE_KEPT = 8
"""So many ended jobs stay in memory."""
_NAMES = 5
"""Tries to make up a name that nobody has."""


class Manager:
    """Owns the runners of this process; thread-safe.

    One lock guards the two tables and is held for moments only. Launches of one name wait for each other.

    Args:
        store: Where jobs live.
        wiring: The parts that all jobs share.
        owner: What other kernels call this one.
    """

    def __init__(self, store: Store, wiring: Wiring, *, owner: str) -> None:
        self.store = store
        self._wiring = wiring
        self._owner = owner
        self._pid = os.getpid()
        self._writer = Writer(store, self._on_trouble)
        self._lock = threading.Lock()
        self._turns: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._runners: dict[int, Runner] = {}
        self._readers: dict[int, JobReader] = {}
        self._selected: defaultdict[int, Selected] = defaultdict(Selected)
        self._writer.compact(roll_up, RETENTION)  # jobs may be too short to do it themselves

    @property
    def notices(self) -> tuple[str, ...]:
        """What became of the store when it was opened, in sentences; mostly nothing."""
        return tuple(filter(None, (self.store.repaired, self.store.migrated)))

    @property
    def pool(self) -> Pool:
        """The devices of this process."""
        return self._wiring.pool

    # finding

    def find(self, name: str | None, project: str = "default", generation: int | None = None) -> Job:
        """Return a job; without a name the newest of the project.

        Raises:
            NotFound: There is none; the message names the nearest.
        """
        return Job(self, find(self.store, name, project, generation))

    def jobs(self, project: str | None = None) -> list[Job]:
        """Return the newest generation of every job, the newest first."""
        return [Job(self, found) for found in self.store.list_jobs(project)]

    def runner(self, generation_id: int) -> Runner | None:
        """Return the runner of a generation, if it ran in this process."""
        with self._lock:
            return self._runners.get(generation_id)

    def reader(self, generation_id: int, row: GenerationRecord | None = None) -> JobReader:
        """Return the read side of a generation: its runner's memory while that runs, else the store.

        Args:
            generation_id: The generation.
            row: It, where it was read just now.

        Raises:
            NotFound: It was deleted.
        """
        with self._lock:
            found = self._readers.get(generation_id)
            runner = self._runners.get(generation_id)
        live = isinstance(found, LiveReader)
        if found is not None and not (live and runner is not None and runner.done.is_set()):
            return found
        # What ran here may go on in another kernel: once it is over, the store is the truth.
        try:
            made = StoredReader(self.store, row or self.stored(generation_id))
        except StoreUnavailable:
            if found is not None:
                return found  # damaged meanwhile, perhaps: memory has what was shown
            raise
        with self._lock:
            known = self._readers.get(generation_id)
            if known is not None and known is not found:
                return known
            self._readers[generation_id] = made
            return made

    def forget(self, generation_id: int) -> None:
        """Read a generation anew at the next question: this process has just changed it."""
        with self._lock:
            if not isinstance(self._readers.get(generation_id), LiveReader):
                self._readers.pop(generation_id, None)

    def selected(self, generation_id: int) -> Selected:
        """Return which trials of a generation are selected."""
        with self._lock:
            return self._selected[generation_id]

    def spec(self, generation_id: int) -> JobSpec:
        """Return what was asked for."""
        runner = self.runner(generation_id)
        if runner is not None and not runner.done.is_set():
            return runner.spec
        return read_spec(self.stored(generation_id))[0]

    # launching

    def launch(self, spec: JobSpec, code: Code, *, attended: bool, fresh: bool = False) -> Job:
        """Start the job, or do whatever its name asks for; a `fresh` one needs a name that nobody has.

        Raises:
            NotBuiltYet: An option is valid, but of a later version.
            InvalidSpec: The search or the devices cannot be had.
            MissingExtra: The strategy needs a library that is not installed.
            Conflict: The name belongs to a running job with another search, or to another kernel.
        """
        refuse_unbuilt(spec)
        plan = make_plan(spec, code, self._wiring.pool)
        if spec.name is None:
            return self._create_nameless(plan)
        if fresh:
            return self._create(plan)
        with self._lock:
            turn = self._turns[name_key(spec.project), name_key(spec.name)]
        with turn:
            found = self.store.load_job(spec.project, spec.name)
            if found is not None:
                Owner(self, found.id).settle()
                found = self.store.load_job(spec.project, spec.name)
            if found is None:
                try:
                    return self._create(plan)
                except Conflict:  # another kernel was faster
                    found = self.store.load_job(spec.project, spec.name)
                    if found is None:
                        raise
            refuse_missing_names(found, plan)
            what = difference(found, plan)
            if what:
                return self._next_generation(found, plan, what, attended=attended)
            return self._same_search(found, plan)

    def resume(self, generation_id: int, spec: JobSpec, code: Code, first: Sequence[Event] = ()) -> Job:
        """Go on in this kernel with a job that nobody runs, as the search that it was.

        Args:
            generation_id: The generation.
            spec: What was asked for, perhaps with more trials.
            code: Its code, found again.
            first: What its runner is told before it starts; with that it goes on also where it was finished.

        Raises:
            Conflict: Its code is not what it was, or another kernel was faster.
        """
        with self._lock:
            turn = self._turns[name_key(spec.project), name_key(str(spec.name))]
        with turn:
            Owner(self, generation_id).settle()
            found, runner = self.stored(generation_id), self.runner(generation_id)
            if runner is not None and not runner.done.is_set():  # another thread was faster
                for event in first or [Extend(spec.trials)]:
                    runner.tell(event)
                return Job(self, found)
            plan = make_plan(spec, code, self._wiring.pool)
            what = difference(found, plan)
            if what:
                raise Conflict(
                    f"{found.name} cannot go on as the same search: {what}. Undo that, or run its cell: a "
                    "changed one starts a new generation"
                )
            goes = first or goes_on(found, plan, self.store.load_trials(found.id))
            return self._resume(found, plan, first) if goes else Job(self, found)

    def preflight(self, spec: JobSpec, code: Code) -> Preflight:
        """Try the job without storing or starting anything; see `jobs.preflight`.

        Raises:
            InvalidSpec: No objective was reported, or the devices cannot be had.
        """
        plan = make_plan(spec, code, self._wiring.pool)
        collect(self.store, spec.warm_start, spec.project)
        return preflight(plan.spec, code, self._wiring.pool, plan.request)

    def delete(self, job: Job) -> Deleted:
        """Remove a job with all its generations and files; return how much that was.

        Raises:
            Conflict: One of them runs.
        """
        gone = self._ended(job)
        much = weigh(self.store, gone)
        self.store.delete_job(job.project, job.name, owner=self._owner)
        self._let_go(gone)
        return much

    def set_aside(self, job: Job) -> str:
        """Free a job's name, and return what it is called now: `name (deleted)`; all it has stays with it.

        Raises:
            Conflict: One of its generations runs.
        """
        moved = self._ended(job)
        name = free_name(self.store, f"{job.name} (deleted)", job.project)
        self.store.rename_job(job.project, job.name, name, owner=self._owner)
        self._let_go(moved)
        return name

    def _ended(self, job: Job) -> tuple[GenerationRecord, ...]:
        """Return the generations of a job, if none of them runs."""
        self._writer.flush(timeout=30.0, tries=1)  # on a full disk, it waits for a deletion
        found = self.store.load_job(job.project, job.name)
        generations = self.store.list_generations(found.job_id) if found else ()
        for generation in generations:
            refuse_alive(generation, Owner(self, generation.id).elsewhere)
        return generations

    def _let_go(self, generations: Sequence[GenerationRecord]) -> None:
        with self._lock:
            for generation in generations:
                self._runners.pop(generation.id, None)
                self._readers.pop(generation.id, None)
                self._selected.pop(generation.id, None)

    def leave(self, timeout: float = _LEAVE_WAIT) -> None:
        """Let go of every job as it stands, because the kernel ends.

        IPython empties the notebook's namespace then, while trials run: what they end with is no result.
        """
        if os.getpid() != self._pid:
            return  # a fork of the kernel that ends: the runners' threads are not in it
        with self._lock:
            runners = [runner for runner in self._runners.values() if not runner.done.is_set()]
        for runner in runners:
            runner.leave()
        until = time.monotonic() + timeout
        for runner in runners:
            runner.done.wait(max(0.0, until - time.monotonic()))

    def close(self, timeout: float = 10.0) -> None:
        """Stop what runs, write what waits, and let go of the store."""
        with self._lock:
            runners = list(self._runners.values())
        for runner in runners:
            runner.stop("the kernel shuts down")
        for runner in runners:
            runner.done.wait(timeout)
        self._writer.close(timeout)
        self.store.close()

    def _create_nameless(self, plan: Plan) -> Job:
        """Create a job under a made-up name; somebody may have the first one already."""
        plan = plan.noting(*(f"{name} runs the same search" for name in self._running_twins(plan)))
        for _ in range(_NAMES - 1):
            try:
                return self._create(plan)
            except Conflict:
                plan = plan.renamed()
        return self._create(plan)

    def _create(self, plan: Plan) -> Job:
        project, name = plan.spec.project, str(plan.spec.name)
        disk.refuse_full(self.store.files.home)
        collect(self.store, plan.spec.warm_start, project)  # refuses unknown names before anything is stored
        with InterruptsHeldBack():  # what has a row and an owner, but no runner, would wait for ever
            found, lease = self.store.create_job(project, name, **plan.stored(), owner=self._owner)
            return self._start(found, lease, plan)

    def _running_twins(self, plan: Plan) -> list[str]:
        """Return the names of the running jobs of this kernel that are the same search."""
        with self._lock:
            alive = [runner for runner in self._runners.values() if not runner.done.is_set()]
        same = ((r.record.name, r.spec, r.code) for r in alive)
        return [name for name, spec, code in same if code and is_same(fingerprint(spec, code), plan)]

    def _same_search(self, found: GenerationRecord, plan: Plan) -> Job:
        job = Job(self, found, said=attached(found, plan))
        if job.alive:
            if plan.spec.confirm > job.spec.confirm:
                Owner(self, found.id).send(Confirm(plan.spec.confirm))
            return job.extend(plan.spec.trials) if plan.spec.trials > job.spec.trials else job
        goes = goes_on(found, plan, self.store.load_trials(found.id))
        return self._resume(found, plan) if goes else job

    def _next_generation(self, found: GenerationRecord, plan: Plan, what: str, *, attended: bool) -> Job:
        disk.refuse_full(self.store.files.home)
        collect(self.store, plan.spec.warm_start, plan.spec.project)  # before an old one is stopped for it
        if not found.state.ended and found.state is not JobState.STALE:
            if attended and not plan.spec.replace:
                raise Conflict(
                    f"nothing was started: {found.name} is {found.state} with another search ({what}); "
                    "--replace stops it and starts this one, --name gives this one a name of its own"
                )
            self._stop_and_wait(found)
        with InterruptsHeldBack():
            new, lease = self.store.create_generation(found.job_id, **plan.stored(), owner=self._owner)
            note = f"generation {new.number}; since generation {found.number}: {what}"
            return self._start(new, lease, plan.noting(note))

    def _resume(self, found: GenerationRecord, plan: Plan, first: Sequence[Event] = ()) -> Job:
        disk.refuse_full(self.store.files.home)
        with InterruptsHeldBack():
            try:
                lease = self.store.acquire(found.id, self._owner)
            except Conflict as error:
                raise Conflict(f"another kernel was faster with {found.name}: {error}") from None
            try:
                self.store.discard_controls(found.id)  # what was asked of the run before is not for this one
                views = self.store.load_trials(found.id)
                kept = f"went on after {sum(view.counts for view in views)} finished trials"
                notes = (kept, *unfollowed(found, plan))
            except BaseException:
                give_back(self.store, self._writer, lease, {})
                raise
            return self._start(found, lease, plan.noting(*filter(None, notes)), views, first)

    def _start(
        self,
        found: GenerationRecord,
        lease: Lease,
        plan: Plan,
        views: tuple[TrialView, ...] = (),
        first: Sequence[Event] = (),
    ) -> Job:
        """Wire a job together and start it; a job that cannot start says so and is nobody's."""
        spec = plan.spec
        storage = open_search(self.store, self._writer, lease)
        record = Record(self.store, self._writer, found, lease, spec, storage)
        try:
            searcher = Searcher(
                spec.search, strategy=spec.strategy, seed=spec.seed, turns=spec.turns, storage=storage
            )
            warm = warm_up(searcher, self.store, found, spec)
            record.open("; ".join([*plan.notes, *warm]))
            live = LiveJob(spec, self._wiring.clock)
            request = replace(plan.request, owner=record.id)
            runner = Runner(plan.code, live, record, searcher, request, self._wiring)
            restore(runner, searcher, views)
            for event in first:
                runner.tell(event)
        except BaseException as error:
            record.fail(JobState.FAILED, f"could not start: {error}")
            raise
        self._register(found.id, runner)
        runner.start()
        return Job(self, found)

    def _register(self, generation_id: int, runner: Runner) -> None:
        with self._lock:
            done = [known for known, old in self._runners.items() if old.done.is_set()]
            for known in done[:-_DONE_KEPT]:
                del self._runners[known]
                self._readers.pop(known, None)
            self._runners[generation_id] = runner
            self._readers[generation_id] = LiveReader(runner)

    def _stop_and_wait(self, found: GenerationRecord) -> None:
        old = Job(self, found).stop("replaced by a changed search")
        old.wait(_REPLACED_WAIT)
        if not old.state.ended:
            raise Conflict(
                f"{old.name} was told to stop, but trial {old.view().running} has not reported since: "
                "wait for it, or interrupt the kernel"
            )

    def stored(self, generation_id: int) -> GenerationRecord:
        """Return a generation as the store has it now.

        Raises:
            NotFound: It was deleted.
        """
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
