"""Views of a job that runs in this kernel, made from its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.jobs.windows import window_view
from astraml_lab.output import read_tail
from astraml_lab.spec import CurveView, DeviceView, JobState, JobView, TrialState, WindowView

if TYPE_CHECKING:
    from astraml_lab.devices import Device
    from astraml_lab.jobs.live import LiveTrial
    from astraml_lab.jobs.runner import Runner
    from astraml_lab.metrics import MetricSeries
    from astraml_lab.spec import TrialView


class LiveReader:
    """Implements `JobReader` over a runner. Copies under the job's lock, computes outside it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._live = runner.live

    def view(self) -> JobView:
        """Return the job as it stands."""
        runner, record = self._runner, self._runner.record
        state = record.state  # before the counts: where it has ended they are its last ones
        with self._live.lock:
            counts, infeasible = dict(self._live.counts), self._live.infeasible
            searched, confirming = self._live.searched, self._live.confirming
            disk_bytes = self._live.disk_bytes
            metric_names = tuple(self._live.metric_names)
            running = [trial for _, trial in sorted(self._live.running.items())]
        criteria = runner.criteria
        with criteria.lock:
            best, best_value, confirmed = criteria.best, criteria.best_value, criteria.confirmed
            violating, hypervolume = criteria.violating, criteria.hypervolume
        return JobView(
            id=record.id,
            name=record.name,
            project=record.project,
            generation=record.generation,
            state=state,
            objectives=runner.spec.objectives,
            trials=runner.spec.trials,
            counts=counts,
            infeasible=infeasible,
            param_names=tuple(self._live.space.names()),
            space=self._live.space,
            metric_names=metric_names,
            reason=record.reason or runner.backlog.trouble or runner.waiting_for or runner.trouble,
            note=record.note,
            best=best,
            best_value=best_value,
            confirmed=confirmed,
            confirming=confirming,
            subject_to=runner.spec.subject_to,
            violating=violating,
            hypervolume=hypervolume,
            running=tuple(trial.number for trial in running),
            parallel=runner.slots,
            devices=_devices(running, runner.devices),
            created_at=record.created_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            held=record.held,
            held_at=record.held_at,
            eta=self._eta(searched) if state is JobState.RUNNING else None,
            window=runner.spec.window,
            owner=record.owner if not state.ended else "",
            disk_bytes=disk_bytes,
            tags=dict(runner.spec.tag),
            origin=runner.spec.origin,
        )

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Return a cursor and the trials that changed after `since`, ordered by number."""
        with self._live.lock:
            changed = [trial.view() for trial in self._live.changed(since)]
            return self._live.version, tuple(sorted(changed, key=lambda view: view.number))

    def trial(self, number: int) -> TrialView | None:
        """Return one trial, or `None` where there is none of this number."""
        with self._live.lock:
            found = self._live.trials.get(number)
            return found.view() if found else None

    def curve(self, trial: int, metric: str) -> CurveView | None:
        """Return a metric by step, or `None` where the trial has not reported it."""
        with self._live.lock:
            series = self._series(trial, metric)
            if series is not None:
                steps, values = series.curve.arrays()
                return CurveView(trial, metric, steps, values, series.curve.revision)
        return self._runner.record.stored_curve(trial, metric)

    def windows(self, trial: int, metric: str) -> WindowView | None:
        """Return a metric by windows of time, or `None` where the trial has not reported it."""
        with self._live.lock:
            series = self._series(trial, metric)
            if series is not None:
                return window_view(trial, metric, series.windows.width, series.windows.snapshot())
        return self._runner.record.stored_windows(trial, metric)

    def log_tail(self, trial: int, lines: int = 100) -> list[str]:
        """Return the last lines that the trial printed."""
        with self._live.lock:
            found = self._live.trials.get(trial)
            sink = found.sink if found else None
        if sink is not None:
            return [line.text for line in sink.tail(lines)]
        return [line.text for line in read_tail(self._runner.record.folder(trial) / "log.txt", lines)]

    def _series(self, trial: int, metric: str) -> MetricSeries | None:
        found = self._live.trials.get(trial)
        return found.metrics.get(metric) if found else None

    def _eta(self, counts: dict[TrialState, int]) -> float | None:
        """Guess the seconds left from the pace of this run."""
        done = sum(count for state, count in counts.items() if state.counts)
        return self._runner.seconds_left(done)


def _devices(running: list[LiveTrial], seen: tuple[Device, ...]) -> tuple[DeviceView, ...]:
    """Return the devices that trials run on, with the driver's last figures."""
    known = {device.label: device for device in seen}
    views = []
    for label in dict.fromkeys(trial.device for trial in running):
        trials = tuple(trial.number for trial in running if trial.device == label)
        device = known.get(label)
        if device is None:
            views.append(DeviceView(label, trials=trials))
            continue
        used = device.total_bytes - device.free_bytes
        views.append(
            DeviceView(label, device.name, used, device.total_bytes, device.utilization, trials=trials)
        )
    return tuple(views)
