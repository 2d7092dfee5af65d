"""The preflight of `--check`: validate, sample, and run one step in the foreground; nothing is stored."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.devices import activate
from astraml_lab.errors import InvalidSpec, JobFailed, Problem, TrialEnd, TrialStopped
from astraml_lab.jobs.constraints import unreported
from astraml_lab.jobs.secrecy import TrialSecrets
from astraml_lab.search import Searcher
from astraml_lab.secrets import Secrets
from astraml_lab.spec import ParamValue, default_home, format_duration, format_number, params_words
from astraml_lab.trial import Trial, entered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.devices import Lease, LeaseRequest, Pool
    from astraml_lab.objectives.base import Code
    from astraml_lab.output import TrialSink
    from astraml_lab.search import Proposal
    from astraml_lab.spec import AnyDimension, JobSpec

SAMPLES = 5


@dataclass(frozen=True)
class Preflight:
    """What a preflight found out.

    Attributes:
        samples: Configurations as the search would draw them.
        device: Where the first of them ran.
        metrics: Its first report of each metric.
        seconds: Until every objective had been reported.
        finished: Whether it ran to its end before that.
        printed: The last lines that it printed.
        unreported: Which metrics of the constraints it had not reported by then; they may come later.
    """

    samples: tuple[dict[str, ParamValue], ...]
    device: str
    metrics: dict[str, float]
    seconds: float
    finished: bool
    printed: tuple[str, ...]
    unreported: str = ""

    def __str__(self) -> str:
        lines = ["The job is valid. It would try, for example:"]
        lines += [f"  {index}  {params_words(sample)}" for index, sample in enumerate(self.samples)]
        reported = (
            ", ".join(f"{name} {format_number(value)}" for name, value in self.metrics.items()) or "nothing"
        )
        lines.append(f"Configuration 0 ran on {self.device} for {format_duration(self.seconds)}: {reported}.")
        if self.unreported:
            lines.append(f"--subject-to: {self.unreported} by then; a trial without it counts as violating.")
        lines += [f"  | {line}" for line in self.printed]
        return "\n".join(lines)

    __repr__ = __str__


class _FirstReports:
    """A channel that ends the trial once every objective has been reported."""

    def __init__(self, spec: JobSpec, searcher: Searcher, secrets: TrialSecrets) -> None:
        self.metrics: dict[str, float] = {}
        self._wanted = {objective.metric for objective in spec.objectives}
        self._searcher = searcher
        self._secrets = secrets

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:  # noqa: ARG002 - a Channel
        self.metrics = {**metrics, **self.metrics}
        if self.complete:
            raise TrialStopped("the preflight has seen every objective")

    def should_stop(self) -> bool:
        return self.complete

    def secret(self, name: str) -> str:
        return self._secrets.look_up(name)

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        return self._searcher.suggest(0, name, dimension)

    @property
    def complete(self) -> bool:
        return bool(self._wanted) and self._wanted <= set(self.metrics)


def preflight(spec: JobSpec, code: Code, pool: Pool, request: LeaseRequest) -> Preflight:
    """Run the first configuration until its first report of every objective.

    Raises:
        InvalidSpec: The code ended without a report of an objective or of a metric that a constraint speaks
            of, or no device is free now.
        JobFailed: The code raised; with its traceback.
    """
    searcher = Searcher(spec.search, strategy=spec.strategy, seed=spec.seed, turns=spec.turns)
    drawn = [searcher.ask() for _ in range(SAMPLES)]
    samples = [proposal for proposal in drawn if proposal is not None]
    lease = pool.try_lease(replace(request, owner="the preflight"))
    if lease is None:
        pool.cancel("the preflight")
        raise InvalidSpec([Problem("devices", "", "none is free for the preflight", "wait or stop a job")])
    with lease, tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        sink = output.TrialSink(Path(folder) / "log.txt")
        secrets = TrialSecrets(Secrets(default_home()), spec.project, sink)
        channel = _FirstReports(spec, searcher, secrets)
        trial = _trial(samples[0], spec, channel, lease.devices, Path(folder))
        printed, finished = _run(code, trial, channel, lease, sink)
        seconds = time.monotonic() - began
        label = lease.label
    missing = [o.metric for o in spec.objectives if o.metric not in channel.metrics]
    said = unreported(spec, channel.metrics)
    if said and finished and not missing:
        raise InvalidSpec([Problem("subject_to", "", said)])
    if missing:
        reported = ", ".join(channel.metrics) or "nothing"
        problem = Problem(missing[0], "", f"never reported: the code reported {reported}", "report(…)")
        raise InvalidSpec([problem])
    params = tuple(proposal.params for proposal in samples)
    return Preflight(params, label, channel.metrics, seconds, finished, printed, said)


def _run(
    code: Code, trial: Trial, channel: _FirstReports, lease: Lease, sink: TrialSink
) -> tuple[tuple[str, ...], bool]:
    """Run the code once; return what it printed and whether it came to its end."""
    finished = False
    output.install()
    try:
        with output.capture(sink), activate(lease), entered(trial):
            returned = code.run(trial, {"print": output.sink_print(sink)})
            channel.metrics = {**channel.metrics, **(returned or {})}
            finished = True
    except TrialEnd:
        pass
    except Exception as error:  # noqa: BLE001 - the user's own, shown with their lines and without our frames
        said = sink.clean(code.traceback(error))
        raise JobFailed(f"the first configuration failed:\n{said}") from None
    finally:
        output.uninstall()
        sink.close()
    return tuple(line.text for line in sink.tail(5)), finished


def _trial(
    proposal: Proposal, spec: JobSpec, channel: _FirstReports, devices: tuple[int, ...], folder: Path
) -> Trial:
    return Trial(
        proposal.number,
        spec.space.decode(proposal.params),
        channel,
        seed=proposal.seed,
        devices=devices,
        checkpoint_dir=folder,
        values=proposal.params,
    )
