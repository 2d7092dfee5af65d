"""The `trial` object of a cell or a training function."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from astraml_lab.errors import TrialInfeasible
from astraml_lab.spec import Categorical, Float, Int, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import torch

    from astraml_lab.spec import AnyDimension, ParamValue
    from astraml_lab.trial.channel import Channel


_LONGEST_NAME = 255
_NO_UTF_8 = re.compile("[\ud800-\udfff]")
"""What Python makes of the bytes of a file name that is no UTF-8; no store takes it."""
_LARGEST_STEP = 2**53
"""Up to here a step is exact as a float, which is how curves hold it."""


class Trial:
    """One configuration and the means to train it.

    Attributes:
        number: Counts from 0 within the job.
        params: Values by name; an inactive conditional parameter is `None`. Labels stand for their objects.
        seed: A seed of this trial alone; reproducible when the job has one.
        devices: The leased GPUs as torch numbers; empty on a CPU.
        checkpoint_dir: A folder that only this trial writes to, kept with the job.
        raw: What an imported request says of each parameter, as text; empty in any other job.
        env: The variables of such a request, which are never put into `os.environ`: threads share that.
        inputs: Where its inputs are here, by channel; looked for when they are asked for.
    """

    def __init__(  # noqa: PLR0913 - built in one place, by the runner
        self,
        number: int,
        params: Mapping[str, Any],
        channel: Channel,
        *,
        seed: int = 0,
        devices: tuple[int, ...] = (),
        checkpoint_dir: Path,
        values: Mapping[str, ParamValue] | None = None,
        learn: Callable[[str, str], None] | None = None,
    ) -> None:
        self.number = number
        self.params = dict(params)
        self.seed = seed
        self.devices = devices
        self.checkpoint_dir = checkpoint_dir
        self.raw: Mapping[str, str] = {}
        self.env: Mapping[str, str] = {}
        self.inputs: Mapping[str, str] = {}
        self._channel = channel
        self._learn = learn
        # What Optuna's names return: the stored values, not the objects behind labels.
        self._values: dict[str, ParamValue] = dict(params if values is None else values)

    def report(
        self,
        metrics: Mapping[str, Any] | None = None,
        /,
        *misplaced: object,
        step: int | None = None,
        **named: Any,
    ) -> None:
        """Report metrics; ends the trial when it is pruned or stopped.

        Args:
            metrics: Values by name, for names that are no identifiers: `{"val/acc": 0.9}`.
            misplaced: Nothing: it catches Optuna's `report(value, step)` with a sentence.
            step: The step of all of them (default: a counter per metric, from 1).
            named: Values by name: anything that `float()` takes.

        Raises:
            TrialPruned: The pruner gave the trial up.
            TrialStopped: Somebody or some limit ended it.
            TypeError: A value is no number, or the step is no whole number.
        """
        if misplaced or not (metrics is None or isinstance(metrics, Mapping)):
            raise TypeError("report() takes names: write report(accuracy=0.93, step=1)")
        given = {**(metrics or {}), **named}
        points = {metric_name(name): _number(name, value) for name, value in given.items()}
        self._channel.report(points, None if step is None else _step(step))

    def secret(self, name: str) -> str:
        """Return a secret of the job's project, by the name that `astraml secret set` or a request gives it.

        From then on it reads `***name***` in the trial's log, traceback and reason. Nothing stores it.

        Raises:
            NotFound: The project has none of this name; the message says how it is set.
        """
        value = self._channel.secret(name)
        if self._learn is not None:
            self._learn(name, value)
        return value

    def should_stop(self) -> bool:
        """Whether the next report would end the trial: for code that wants to save something first."""
        return self._channel.should_stop()

    def infeasible(self, reason: str) -> NoReturn:
        """End the trial because its parameters are impossible; counts as no failure.

        Raises:
            TrialInfeasible: Always.
        """
        raise TrialInfeasible(str(reason))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a value for `name`, as in Optuna: from the space, or sampled now if it is not there.

        Raises:
            InvalidSpec: The bounds make no dimension.
        """
        value = self._suggest(name, lambda: Float(low, high, step=step, log=log))
        return float(value)  # type: ignore[arg-type]  # a Float's value

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return a value for `name`, as in Optuna: from the space, or sampled now if it is not there.

        Raises:
            InvalidSpec: The bounds make no dimension.
        """
        value = self._suggest(name, lambda: Int(low, high, step=step, log=log))
        return int(value)  # type: ignore[arg-type]  # an Int's value

    def suggest_categorical(self, name: str, choices: Sequence[ParamValue]) -> ParamValue:
        """Return a value for `name`, as in Optuna: from the space, or sampled now if it is not there.

        Raises:
            InvalidSpec: The choices make no dimension.
        """
        return self._suggest(name, lambda: Categorical(choices))

    @functools.cached_property
    def device(self) -> Any:
        """The leased device: a `torch.device`, or the text `"cpu"` where torch is missing."""
        try:
            import torch
        except ModuleNotFoundError:
            return "cpu"
        return torch.device("cuda", self.devices[0]) if self.devices else torch.device("cpu")

    @functools.cached_property
    def generator(self) -> torch.Generator:
        """A torch generator on the CPU, seeded with `seed`."""
        import torch

        return torch.Generator().manual_seed(self.seed)

    @functools.cached_property
    def rng(self) -> np.random.Generator:
        """A numpy generator, seeded with `seed`."""
        import numpy as np

        return np.random.default_rng(self.seed)

    def _suggest(self, name: str, dimension: Callable[[], AnyDimension]) -> ParamValue:
        if name not in self._values:
            self._values[name] = self.params[name] = self._channel.suggest(name, dimension())
        return self._values[name]

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={shown(value)}" for name, value in self._values.items())
        return f"Trial {self.number} ({params})"


def metric_name(name: Any) -> str:
    """Return a name that a metric can have.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or _NO_UTF_8.search(name):
        raise TypeError(f"report() takes metric names of 1 to {_LONGEST_NAME} characters, not {shown(name)}")
    return name


def _number(name: str, value: Any) -> float:
    if hasattr(value, "detach"):
        value = value.detach()  # a loss that still has its graph: torch would warn
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"report({name}=…) takes a number, not {_described(value)}") from error


def _described(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__} {value!r:.80}"


def _step(step: Any) -> int:
    try:
        whole = int(step)
    except (TypeError, ValueError, OverflowError):
        whole = None
    if whole is None or whole != step or abs(whole) > _LARGEST_STEP:
        raise TypeError(f"report(step=…) takes a whole number below 2**53, not {shown(step)}")
    return whole
