from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from astraml_lab.spec.state import FailureKind, TrialState
from astraml_lab.spec.views import TrialView

if TYPE_CHECKING:
    from store.conftest import SaveTrial

    from astraml_lab.store import Lease, Store

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
floats = st.floats(allow_nan=False)
views = st.builds(
    TrialView,
    number=st.just(3),
    state=st.sampled_from(TrialState),
    kind=st.none() | st.sampled_from(FailureKind),
    reason=words,
    params=st.dictionaries(words, st.none() | st.booleans() | st.integers() | floats | words, max_size=3),
    values=st.none() | st.lists(floats, max_size=2).map(tuple),
    metrics=st.dictionaries(words, floats, max_size=3),
    seed=st.integers(0, 2**63 - 1),
    started_at=st.none() | st.floats(0, 2e9),
    traceback=words,
    notes=st.lists(words, max_size=2).map(tuple),
)


@given(view=views)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_trial_comes_back_as_it_was_saved(
    store: Store, lease: Lease, save_trial: SaveTrial, view: TrialView
) -> None:
    save_trial(lease, view)
    assert store.load_trials(lease.generation_id) == (view,)


def test_a_damaged_field_is_told_and_hides_nothing_else(
    store: Store, lease: Lease, save_trial: SaveTrial
) -> None:
    for number in range(3):
        save_trial(lease, TrialView(number, TrialState.COMPLETE, {"lr": 0.5}, values=(1.0,)))
    with store.begin() as connection:
        connection.execute(
            text("UPDATE trials SET params = '{', state = 'ODD', checksum = NULL WHERE number = 1")
        )
    first, second, third = store.load_trials(lease.generation_id)
    assert (first.params, third.params) == ({"lr": 0.5}, {"lr": 0.5})
    assert (second.state, second.params, second.values) == (TrialState.FAILED, {}, (1.0,))
    assert second.notes == ("unreadable in the store: state, params",)


def test_a_row_that_the_database_cannot_read_hides_no_other(
    store: Store, lease: Lease, save_trial: SaveTrial
) -> None:
    for number in (0, 1, 3):
        save_trial(lease, TrialView(number, TrialState.COMPLETE, {}))
    with store.begin() as connection:
        connection.execute(text("UPDATE trials SET reason = CAST(x'ff' AS TEXT) WHERE number = 1"))
    trials = store.load_trials(lease.generation_id)
    assert [trial.number for trial in trials] == [0, 1, 3]
    assert trials[1].state is TrialState.FAILED
    assert "unreadable" in trials[1].notes[0]
