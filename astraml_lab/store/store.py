"""The facade of the store: every call is one transaction, every record comes by value."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from astraml_lab.errors import NotFound, StoreError, StoreUnavailable
from astraml_lab.store import device_leases, series
from astraml_lab.store import jobs as job_rows
from astraml_lab.store import leases as ownership
from astraml_lab.store import trials as trial_rows
from astraml_lab.store.database import Database
from astraml_lab.store.engine import is_full
from astraml_lab.store.files import move_folder, name_key
from astraml_lab.store.journal import Journal
from astraml_lab.store.policies import Policies
from astraml_lab.store.processes import this_host
from astraml_lab.store.records import Lease
from astraml_lab.store.requests import Requests
from astraml_lab.store.schedules import Schedules
from astraml_lab.store.tables import generations, jobs

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from astraml_lab.spec.views import CurveView, TrialView, WindowRow
    from astraml_lab.store.records import (
        Control,
        DeviceClaim,
        GenerationRecord,
    )


_DELETED = "~deleted-"


class Store(Database):
    """Jobs, trials, metrics and search journals in one database; safe to share between threads."""

    @property
    def requests(self) -> Requests:
        """The keys that make a repeated request safe."""
        return Requests(self)

    @property
    def policies(self) -> Policies:
        """The policies of projects."""
        return Policies(self)

    @property
    def schedules(self) -> Schedules:
        """The schedules, and what became of their ticks."""
        return Schedules(self)

    # jobs and generations

    def create_job(
        self, project: str, name: str, *, spec: str, fingerprint: str, owner: str
    ) -> tuple[GenerationRecord, Lease]:
        """Make a job with its first generation, QUEUED and owned by this process.

        Raises:
            Conflict: The project has a job of that name (case does not count).
        """
        with self.begin(f"create job `{name}`") as connection:
            job_id = job_rows.create_job(connection, project, name, self.clock.time())
            return self._create_generation(connection, job_id, spec, fingerprint, owner)

    def create_generation(
        self, job_id: int, *, spec: str, fingerprint: str, owner: str
    ) -> tuple[GenerationRecord, Lease]:
        """Make the next generation of a job, QUEUED and owned by this process.

        Raises:
            NotFound: The job was deleted.
        """
        with self.begin("create a generation") as connection:
            return self._create_generation(connection, job_id, spec, fingerprint, owner)

    def _create_generation(
        self, connection: Connection, job_id: int, spec: str, fingerprint: str, owner: str
    ) -> tuple[GenerationRecord, Lease]:
        now = self.clock.time()
        generation_id = job_rows.create_generation(connection, job_id, spec, fingerprint, now)
        lease = ownership.acquire(connection, generation_id, owner, now)
        (record,) = job_rows.find(connection, now, generations.c.id == generation_id)
        return record, lease

    def update_generation(self, lease: Lease, **changes: Any) -> None:
        """Change `spec`, `state`, `reason`, `note`, `started_at` or `ended_at` of an owned generation.

        Raises:
            LeaseLost: Another kernel owns the generation now, or it was deleted.
        """
        with self.fenced(lease, "change a job") as connection:
            job_rows.update_generation(connection, lease.generation_id, changes)

    def load_generation(self, generation_id: int) -> GenerationRecord | None:
        """Return a generation, or None if it was deleted."""
        with self.connect("read a job") as connection:
            now = self.clock.time()
            found = job_rows.find(connection, now, generations.c.id == generation_id, newest_only=False)
            return found[0] if found else None

    def load_job(self, project: str, name: str, number: int | None = None) -> GenerationRecord | None:
        """Return a job's newest generation, or the one numbered `number`; case does not count."""
        where = [jobs.c.project_key == name_key(project), jobs.c.name_key == name_key(name)]
        if number is not None:
            where.append(generations.c.number == number)
        with self.connect("read a job") as connection:
            found = job_rows.find(connection, self.clock.time(), *where, newest_only=number is None)
            return found[0] if found else None

    def list_jobs(self, project: str | None = None) -> tuple[GenerationRecord, ...]:
        """Return the newest generation of every job, the newest first."""
        where = [] if project is None else [jobs.c.project_key == name_key(project)]
        with self.connect("list the jobs") as connection:
            return job_rows.find(connection, self.clock.time(), *where)

    def list_generations(self, job_id: int) -> tuple[GenerationRecord, ...]:
        """Return all generations of a job, the newest first."""
        with self.connect("read a job") as connection:
            mine = generations.c.job_id == job_id
            return job_rows.find(connection, self.clock.time(), mine, newest_only=False)

    def newest_job(self, project: str | None = None) -> GenerationRecord | None:
        """Return the newest generation of all, or None if there is no job."""
        return next(iter(self.list_jobs(project)), None)

    def delete_job(self, project: str, name: str, *, owner: str | None = None) -> None:
        """Delete a job with its generations, trials and files; a job that does not exist is no matter.

        Args:
            project: The job's project.
            name: The job's name; case does not count.
            owner: Whose own leases, in this process, are no hindrance.

        Raises:
            Conflict: Somebody alive owns one of its generations; the message says who.
            StoreUnavailable: Its rows cannot be deleted, or its folder cannot be moved.
        """
        record = self.load_job(project, name)
        if record is None:
            return
        folder = self.files.job(record.project, record.name)
        litter = folder.with_name(f"{folder.name}{_DELETED}{record.job_id}")
        with self.spare_room():
            try:
                self._delete_rows(record, owner, folder, litter)
            except StoreUnavailable as error:
                if not is_full(error.__cause__):
                    raise
                # Nothing but the disk refused it: what is to go may be the room that it takes.
                shutil.rmtree(folder, ignore_errors=True)
                self._delete_rows(record, owner, folder, litter)
            self._sweep(folder.parent)

    def _sweep(self, project: Path) -> None:
        """Remove the files of deleted jobs, also of those whose deletion was cut off."""
        with self.connect() as connection:
            known = set(connection.scalars(select(jobs.c.id)))
        for litter in project.glob(f"*{_DELETED}*"):
            if litter.name.rpartition(_DELETED)[2] not in map(str, known):
                shutil.rmtree(litter, ignore_errors=True)

    def rename_job(self, project: str, name: str, new_name: str, *, owner: str | None = None) -> None:
        """Give a job another name, and its folder with it.

        Args:
            project: The job's project.
            name: The job's name; case does not count.
            new_name: What it is called from now on.
            owner: Whose own leases, in this process, are no hindrance.

        Raises:
            NotFound: There is no such job.
            Conflict: The new name is used, or somebody alive owns one of its generations.
            StoreUnavailable: Its folder cannot be moved.
        """
        record = self.load_job(project, name)
        if record is None:
            raise NotFound(f"job `{name}` does not exist any more")
        files = self.files
        with self.begin(f"rename job `{record.name}`") as connection:
            job_rows.rename_job(connection, record.job_id, new_name, owner, self.clock.time())
            # last, and undone with the rows: under the old name, a new job would find what is not its own
            move_folder(files.job(record.project, record.name), files.job(record.project, new_name))

    def _delete_rows(self, record: GenerationRecord, owner: str | None, folder: Path, litter: Path) -> None:
        moved = False
        try:
            with self.begin(f"delete job `{record.name}`") as connection:
                job_rows.delete_job(connection, record.job_id, owner, self.clock.time())
                # Before the name is free: whoever takes it next writes into a folder of the same name.
                move_folder(folder, litter)
                moved = True
        except StoreError:
            if moved:
                move_folder(litter, folder)
            raise

    # leases and controls

    def acquire(self, generation_id: int, owner: str) -> Lease:
        """Take a generation for this process, with a higher fence than any before.

        Raises:
            Conflict: Somebody alive owns it; the message says who.
            NotFound: It was deleted.
        """
        with self.begin("take a job over") as connection:
            return ownership.acquire(connection, generation_id, owner, self.clock.time())

    def renew(self, lease: Lease) -> None:
        """Send a heartbeat.

        Raises:
            LeaseLost: Another kernel owns the generation now, or it was deleted.
        """
        with self.begin("renew a lease") as connection:
            ownership.renew(connection, lease, self.clock.time())

    def release(self, lease: Lease) -> None:
        """Give a generation back."""
        with self.begin("give a job back") as connection:
            ownership.release(connection, lease)

    def cancel_stale(self, generation_id: int, reason: str) -> bool:
        """End a generation whose owner is gone as CANCELLED, and forget the commands left for it.

        Returns:
            Whether it was one: not if somebody alive owns it, it has ended or was deleted.
        """
        with self.begin("cancel a job") as connection:
            return job_rows.cancel_stale(connection, generation_id, reason, self.clock.time())

    def request(self, generation_id: int, command: str, argument: object = None) -> None:
        """Leave a command, with a JSON argument, for the owner of a generation."""
        with self.begin("send a command") as connection:
            job_rows.request(connection, generation_id, command, argument, self.clock.time())

    def take(self, generation_id: int) -> tuple[Control, ...]:
        """Return the commands left for a generation, oldest first, and forget them."""
        with self.connect("read commands") as connection:
            if not job_rows.has_commands(connection, generation_id):
                return ()  # the usual answer, and owners ask often: take no write lock for it
        with self.begin("read commands") as connection:
            return job_rows.take(connection, generation_id)

    def discard_controls(self, generation_id: int) -> None:
        """Forget the commands left for a generation: they were meant for an owner that is gone."""
        with self.begin("forget commands") as connection:
            job_rows.discard(connection, generation_id)

    # devices

    def claim_device(self, devices: Sequence[str], share: float, owner: str) -> tuple[int, ...] | None:
        """Claim a share of each of `devices`, of all or none, for this process against all of this machine.

        Args:
            devices: What the driver calls them.
            share: How much of each, 1 for the whole.
            owner: Who, in words for people.

        Returns:
            The claims, for `release_device`; None where living processes use too much already.
        """
        with self.begin("claim a device") as connection:
            return device_leases.claim(connection, devices, share, owner, self.clock.time())

    def release_device(self, ids: Sequence[int]) -> None:
        """Give claims back; those that are gone already are no matter."""
        with self.begin("give a device back") as connection:
            device_leases.release(connection, ids)

    def device_claims(self, host: str | None = None) -> tuple[DeviceClaim, ...]:
        """Return who uses the devices of a machine, by default this one, oldest first.

        Claims of processes that are gone are removed; a store that cannot be written still shows them.
        """
        with self.connect("read who uses the devices") as connection:
            found = device_leases.find(connection, host or this_host())
        dead = [claim.id for claim in found if not claim.alive]
        if dead:
            with contextlib.suppress(StoreUnavailable):
                self.release_device(dead)
                found = tuple(claim for claim in found if claim.alive)
        return found

    # trials, windows, curves, the journal

    def clear_trial_metrics(self, generation_id: int, trial: int) -> None:
        """Forget the windows and curves of a trial; `Writer.clear_metrics` does it in order with others."""
        with self.begin("forget the metrics of a trial") as connection:
            series.clear(connection, generation_id, trial)

    def journal(self, lease: Lease) -> Journal:
        """Open the journal of an owned generation."""
        return Journal(self, lease)

    def past_journal(self, generation_id: int) -> Journal:
        """Open anybody's journal to read what was committed; its own commits raise LeaseLost."""
        nobody = Lease(
            generation_id, fence=0, owner=None, pid=0, pid_started_at=0.0, host="", heartbeat_at=0.0
        )
        return Journal(self, nobody)

    def load_trials(
        self, generation_id: int, numbers: Collection[int] | None = None
    ) -> tuple[TrialView, ...]:
        """Return the trials of a generation by number, or some of them; the notes of a damaged one say so."""
        with self.connect("read the trials") as connection:
            found = trial_rows.load(connection, generation_id, numbers)
        if any(trial.reason == trial_rows.DAMAGED for trial in found):
            self.suspect("a trial is not what was written")
        return found

    def trial_marks(self, generation_id: int) -> dict[int, int | None]:
        """Return by number what differs once a trial has changed; `None` where nothing tells."""
        with self.connect("read the trials") as connection:
            return trial_rows.marks(connection, generation_id)

    def load_curves(
        self, generation_id: int, trial: int | None = None, metric: str | None = None
    ) -> tuple[CurveView, ...]:
        """Return curves, by trial and metric."""
        with self.connect("read the curves") as connection:
            return series.load_curves(connection, generation_id, trial, metric)

    def metric_names(self, generation_id: int, trials: Collection[int]) -> tuple[str, ...]:
        """Return the metrics of which some of these trials have a curve, by name."""
        with self.connect("read the names of the metrics") as connection:
            return series.metric_names(connection, generation_id, trials)

    def load_series(
        self,
        generation_id: int,
        trial: int,
        metric: str,
        *,
        width: float | None = None,
        roll_up: series.RollUp | None = None,
    ) -> tuple[float, tuple[WindowRow, ...]]:
        """Return a metric of a trial in windows of one width, by time: tiers are never mixed.

        Args:
            generation_id: The generation.
            trial: The trial's number.
            metric: The metric's name.
            width: Which tier; by default the finest that still has the beginning of the series.
            roll_up: Merges what a wider tier has not taken in yet, at most the last hour or so, from the
                narrower ones; without it those windows are missing.

        Returns:
            The width, and the windows; 0 and none where nothing is stored.
        """
        with self.connect("read the windows") as connection:
            return series.load_series(connection, (generation_id, trial, metric), width, roll_up)
