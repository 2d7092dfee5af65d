"""What is noted of a proposal: why it was made, and the models that the next one begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.search.auto.history import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from astraml_lab.search.auto.history import Fitted, Seen
    from astraml_lab.search.auto.proposing import Pick
    from astraml_lab.search.auto.several import Weighed


_SURE = 0.95


def picked(pick: Pick, seen: Seen, *, maximise: bool) -> dict[str, Any]:
    """Return the note on a point where there is one objective and nothing else."""
    best = min(outcome.value for outcome in seen.outcomes)
    sign = -1.0 if maximise else 1.0
    if pick.gain:
        expected = f"{sign * pick.mean:.4g} ± {pick.deviation:.2g}"
        why = f"a gain: {expected} is expected, where {_than(pick.mean, best, sign)}"
    else:
        why = (
            f"exploring: little is known here, and the chance is {pick.chance:.0%} "
            f"that it beats the best so far, {sign * best:.4g}"
        )
    model = _model(pick.fitted.parameters)
    note = {"why": why + _works(pick.works), "row": rounded(pick.row), "models": [model]}
    return note | {"of": pick.fitted.trials} | _failing(pick.failing)


def weighed(
    pick: Weighed, seen: Seen, maximise: Sequence[bool], names: Sequence[str] | None
) -> dict[str, Any]:
    """Return the note on a point that weighs several objectives, or has constraints to keep to.

    Args:
        pick: What is proposed.
        seen: What it was made from.
        maximise: Whether higher values are better, of each objective.
        names: What the objectives are called, if that is known.
    """
    if not pick.kept:
        why = "no trial keeps to the constraints so far: "
        if pick.keeps is None:
            why += "a look at what they allow"
        else:
            why += f"the chance is {pick.keeps:.0%} that this one does"
    else:
        why = _expected(pick, seen, maximise, names)
        if pick.keeps is not None:
            why += f"; the chance is {pick.keeps:.0%} that it keeps to the constraints"
    why += _works(pick.works)
    models = [None if fit is None else _model(fit.parameters) for fit in pick.fits]
    trials = max((fit.trials for fit in pick.fits if fit is not None), default=0)
    return {"why": why, "row": rounded(pick.row), "models": models, "of": trials} | _failing(pick.failing)


def _expected(pick: Weighed, seen: Seen, maximise: Sequence[bool], names: Sequence[str] | None) -> str:
    signs = [-1.0 if one else 1.0 for one in maximise]
    if len(signs) > 1:
        than, beats, be = "no trial so far beats that", "no trial so far beats it", "are"
    else:
        best = _than(pick.means[0], _best(seen), signs[0])
        than, beats, be = best, f"it beats the best so far, {signs[0] * _best(seen):.4g}", "is"
    if not pick.gain:
        return f"exploring: little is known here, and the chance is {pick.chance:.0%} that {beats}"
    of = [f"{name} " for name in names] if names and len(signs) > 1 else [""] * len(signs)
    beliefs = zip(of, signs, pick.means, pick.deviations, strict=True)
    expected = " and ".join(f"{name}{sign * mean:.4g} ± {spread:.2g}" for name, sign, mean, spread in beliefs)
    return f"a gain: {expected} {be} expected, where {than}"


def _than(mean: float, best: float, sign: float) -> str:
    """Say what the gain is over: the model need not take the best value for what its point is worth."""
    so_far = f"{sign * best:.4g}"
    return f"the best so far is {so_far}" if mean < best else f"the best so far, {so_far}, looks lucky"


def _best(seen: Seen) -> float:
    """Return the lowest value of the trials that keep to the constraints."""
    kept = seen.limits.kept if seen.limits is not None else [True] * len(seen.outcomes)
    return min(outcome.value for outcome, one in zip(seen.outcomes, kept, strict=True) if one)


def _failing(fit: Fitted | None) -> dict[str, Any]:
    return {} if fit is None else {"failing": {"model": _model(fit.parameters), "of": fit.trials}}


def _works(chance: float | None) -> str:
    """Say that it may fail, where that is worth a word."""
    return "" if chance is None or chance > _SURE else f"; the chance is {chance:.0%} that it does not fail"


def _model(parameters: NDArray[Any]) -> list[float]:
    return [round(value, 3) for value in parameters.tolist()]
