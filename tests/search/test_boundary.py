from __future__ import annotations

import inspect
import logging
import threading
import warnings

import optuna
import pytest

from astraml_lab.errors import AstramlError, LeaseLost, SearchFailed, TrialPruned
from astraml_lab.search import Searcher, Told
from astraml_lab.search.boundary import MAPPED, optuna_boundary, quiet
from astraml_lab.spec import Categorical, Definition, Float, Space, TrialState, objectives_of

DEFINITION = Definition(space=Space({"x": Float(0, 1)}), objectives=objectives_of("acc"))
OPTUNAS = [
    kind
    for _, kind in inspect.getmembers(optuna.exceptions, inspect.isclass)
    if issubclass(kind, Exception) and not issubclass(kind, Warning)
]


@pytest.mark.parametrize("kind", [*OPTUNAS, ValueError, KeyError, TypeError, RuntimeError])
def test_every_exception_from_optuna_is_one_of_ours_outside(kind: type[Exception]) -> None:
    with pytest.raises(AstramlError, match=kind.__name__) as caught, optuna_boundary:
        raise kind("why")
    assert isinstance(caught.value, MAPPED.get(kind, SearchFailed))
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("error", [LeaseLost("gone"), TrialPruned("bad"), KeyboardInterrupt()])
def test_our_own_exceptions_and_interrupts_pass_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, optuna_boundary:
        raise error
    assert caught.value is error


def test_values_that_do_not_fit_leave_the_trial_running() -> None:
    searcher = Searcher(DEFINITION)
    assert searcher.ask()
    for values in [(float("nan"),), (1.0, 2.0), None]:
        with pytest.raises(SearchFailed):
            searcher.tell(0, Told(TrialState.COMPLETE, values))
    searcher.tell(0, Told(TrialState.COMPLETE, (1.0,)))


def test_a_name_used_for_another_kind_of_dimension_is_said_in_a_sentence() -> None:
    searcher = Searcher(DEFINITION)
    for dimension in (Categorical(["a", "b"]), Categorical(["a", "c"])):
        proposal = searcher.ask()
        assert proposal
        if dimension.choices[1] == "c":
            with pytest.raises(SearchFailed, match="dynamic value space"):
                searcher.suggest(proposal.number, "kind", dimension)
        else:
            searcher.suggest(proposal.number, "kind", dimension)


def test_quiet_silences_this_thread_and_leaves_everything_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = optuna.logging.get_logger("optuna.study")
    optuna.logging.disable_default_handler()
    optuna.logging.enable_default_handler()
    handler = logging.StreamHandler()
    logging.getLogger("optuna").addHandler(handler)
    filters = list(warnings.filters)
    try:
        with quiet():
            logger.warning("ours")
            other = threading.Thread(target=lambda: logger.warning("the user's"))
            other.start()
            other.join()
            with pytest.raises(DeprecationWarning):
                warnings.warn("not optuna's", DeprecationWarning, stacklevel=1)
    finally:
        logging.getLogger("optuna").removeHandler(handler)
    text = capsys.readouterr().err
    assert "the user's" in text
    assert "ours" not in text
    assert warnings.filters == filters
    assert not handler.filters
