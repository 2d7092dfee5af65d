from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.jobs.naming import file_name
from astraml_lab.magics.commands import COMMANDS
from astraml_lab.spec import FailureKind, Goal, JobState, Objective

if TYPE_CHECKING:
    from pathlib import Path

    from magics.conftest import FakeJob, Notebook


def test_the_list_says_how_to_start_when_there_is_nothing(notebook: Notebook) -> None:
    assert "%tune examples" in notebook.run("%tune")


def test_the_list_has_one_line_per_job(notebook: Notebook, digits: FakeJob) -> None:
    digits.project = "vision"
    lines = notebook.run("%tune").splitlines()
    assert lines[0].split() == ["job", "state", "trials", "best", "objectives", "created"]
    assert lines[1].startswith("digits (vision)  RUNNING  2/20    trial 1  minimize loss")
    assert len(notebook.run("%tune list --project other").splitlines()) == 1


def test_the_list_says_what_became_of_the_store(notebook: Notebook, digits: FakeJob) -> None:
    notebook.lab.said = ("the store was damaged: 1 of 1 job and 2 of 3 trials were recovered",)
    assert notebook.run("%tune").rstrip().splitlines()[-2:] == ["", *notebook.lab.said]
    assert digits.asked == []


@pytest.mark.parametrize("line", ["show digits", "show"])
def test_show_brings_a_job_back(notebook: Notebook, digits: FakeJob, line: str) -> None:
    notebook.run(f"%tune {line}")
    assert digits.asked == ["show"]


def test_stop_ends_the_only_running_job(notebook: Notebook, digits: FakeJob, old: FakeJob) -> None:
    said = notebook.run("%tune stop")
    assert said.startswith("digits stops: running trials end at their next report, no other starts.")
    assert "`%tune resume digits` takes it up" in said
    assert (digits.asked, old.asked) == (["stop"], [])


def test_stop_with_a_number_ends_one_trial(notebook: Notebook, digits: FakeJob) -> None:
    notebook.run("%tune stop digits 1")
    assert digits.asked == [("stop", 1)]
    assert "must be a trial's number" in notebook.refused("%tune stop digits seven")


def test_stop_without_a_name_needs_exactly_one_that_fits(notebook: Notebook, old: FakeJob) -> None:
    assert notebook.run("%tune stop").startswith("old had ended already: ")
    old.state = JobState.RUNNING
    notebook.lab.known.append(type(old)("second"))
    assert "name one: old, second" in notebook.refused("%tune stop")


def test_wait_waits_and_says_how_it_stands(notebook: Notebook, digits: FakeJob) -> None:
    assert "<digits>" in notebook.run("%tune wait digits --timeout 2m")
    assert ("wait", 120.0) in digits.asked
    assert "--timeout" in notebook.refused("%tune wait digits --timeout soon")


def test_wait_without_a_name_takes_the_newest_job_where_none_runs_any_more(
    notebook: Notebook, digits: FakeJob
) -> None:
    digits.state = JobState.SUCCEEDED
    assert "<digits>" in notebook.run("%tune wait")
    assert digits.asked == [("wait", None), "raise"]  # the last: nobody is at the keyboard
    notebook.lab.known.clear()
    assert "job" in notebook.refused("%tune wait")


def test_best_prints_the_values_and_leaves_out_what_is_inactive(notebook: Notebook, digits: FakeJob) -> None:
    assert notebook.run("%tune best digits").strip() == "trial 1: loss 0.5 with lr=0.25"
    digits.objectives = (*digits.objectives, Objective(metric="acc", goal=Goal.MAXIMIZE))
    assert len(notebook.run("%tune best").splitlines()) == 2


def test_another_kernel_is_asked_and_named(notebook: Notebook, digits: FakeJob) -> None:
    digits.elsewhere = "box:4711"
    asked = "Asked kernel box:4711, which looks once a second. digits"
    assert notebook.run("%tune pause") == (
        f"{asked} starts no new trial, running ones go on; `%tune resume digits` ends the pause.\n"
    )
    assert notebook.run("%tune stop digits 1") == f"{asked}: trial 1 ends at its next report.\n"
    assert notebook.run("%tune rerun digits 1") == (
        f"{asked}: a new trial tries the parameters of trial 1 next, with a seed of its own.\n"
    )
    digits.state = JobState.PAUSED
    assert notebook.run("%tune resume --trials 60") == f"{asked} goes on to 60 trials.\n"
    digits.state = JobState.RUNNING
    assert notebook.run("%tune resume digits") == (
        "digits is RUNNING in kernel box:4711, there is nothing to resume; `%tune show digits` shows it.\n"
    )


def test_what_happens_next_is_said_with_what_to_type(notebook: Notebook, digits: FakeJob) -> None:
    digits.name, digits.project = "my digits", "vision 2"
    quoted = "'my digits' --project 'vision 2'"
    assert f"`%tune resume {quoted}` ends the pause" in notebook.run(f"%tune pause {quoted}")
    assert f"`%tune show {quoted}`" in notebook.run(f"%tune resume {quoted}")
    digits.state = JobState.STALE
    assert notebook.run(f"%tune stop {quoted}") == (
        "my digits is CANCELLED: its kernel was gone. What finished is kept; "
        f"`%tune resume {quoted}` takes it up.\n"
    )
    digits.state = JobState.SUCCEEDED
    assert notebook.run(f"%tune stop {quoted}").startswith("my digits had ended already: ")
    assert digits.asked == ["pause", ("resume", None), "stop"]


def test_a_job_that_goes_on_here_is_shown_by_the_lab(notebook: Notebook, digits: FakeJob) -> None:
    digits.state = JobState.STALE
    assert "<digits>" in notebook.run("%tune resume --trials 7")
    assert digits.asked == [("resume", 7)]
    assert "whole number" in notebook.refused("%tune resume digits --trials many")
    assert "<digits>" in notebook.run("%tune resume digits --confirm 3")
    assert digits.asked[1:] == [("resume", None, 3)]
    assert "whole number" in notebook.refused("%tune resume digits --confirm best")
    digits.state = JobState.SUCCEEDED
    assert notebook.run("%tune resume") == notebook.run("%tune resume digits")


def test_a_trial_runs_again(notebook: Notebook, digits: FakeJob) -> None:
    assert notebook.run("%tune rerun digits 1") == (
        "digits: trial 2 tries the parameters of trial 1 next, with a seed of its own.\n"
    )
    assert digits.asked == [("rerun", 1)]


def test_values_are_tried_next(notebook: Notebook, digits: FakeJob) -> None:
    assert (
        notebook.run("%tune enqueue digits lr=1e-2 act=1") == "digits: trial 3 tries lr=1e-2, act=1 next.\n"
    )
    digits.grows = 1
    assert notebook.run("%tune enqueue digits act=relu") == (
        "digits: trial 3 tries act=relu next; the budget grew to 21 trials, as nothing was left of it.\n"
    )
    digits.state = JobState.SUCCEEDED
    assert notebook.run("%tune enqueue digits lr=0").endswith(". digits had ended and goes on for this.\n")
    digits.elsewhere = "box:4711"
    assert notebook.run("%tune enqueue digits lr=0") == (
        "Asked kernel box:4711, which looks once a second. digits: a new trial tries lr=0 next; the budget "
        "grows if nothing is left of it.\n"
    )
    assert digits.asked == [
        ("enqueue", {"lr": 0.01, "act": "1"}),
        ("enqueue", {"act": "relu"}),
        ("enqueue", {"lr": 0}),
        ("enqueue", {"lr": 0}),
    ]


def test_values_that_are_none_are_refused(notebook: Notebook, digits: FakeJob) -> None:
    assert "NAME=VALUE; missing (usage: %tune enqueue" in notebook.refused("%tune enqueue digits")
    assert "seven; must be NAME=VALUE" in notebook.refused("%tune enqueue digits seven lr=1")
    assert digits.asked == []


def test_debug_writes_a_cell_or_prints_it(
    notebook: Notebook, digits: FakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRAML_HEADLESS", "0")
    said = notebook.run("%tune debug digits 1")
    assert said == "all about trial 1\n\nThe new cell below runs that configuration in the foreground.\n"
    assert notebook.shell.rl_next_input == "with foreground(1):"
    monkeypatch.setenv("ASTRAML_HEADLESS", "1")
    assert notebook.run("%tune debug digits 0").endswith("in the foreground:\n\nwith foreground(0):\n")
    digits.state = JobState.STALE
    assert notebook.run("%tune debug digits 0") == "all about trial 0\n\nits code is not in the store\n"


def test_a_trial_that_ended_its_process_is_not_offered_to_this_kernel_unasked(
    notebook: Notebook, digits: FakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRAML_HEADLESS", "0")
    digits.last_kind = FailureKind.CRASHED
    notebook.shell.rl_next_input = None  # IPython's shell is one for all tests
    said = notebook.run("%tune debug digits 1")
    assert "in the foreground that may end this kernel" in said
    assert "`%tune debug digits 1 --here` writes the cell all the same." in said
    assert notebook.shell.rl_next_input is None
    assert "The new cell below" in notebook.run("%tune debug digits 1 --here")
    assert notebook.shell.rl_next_input == "with foreground(1):"


def test_the_list_says_what_holds_a_job(notebook: Notebook, digits: FakeJob) -> None:
    digits.state, digits.reason = JobState.STALE, "its kernel is gone"
    assert notebook.run("%tune").splitlines()[-2:] == ["", "digits: its kernel is gone"]


@pytest.mark.usefixtures("digits")
def test_best_insert_writes_a_new_cell(notebook: Notebook) -> None:
    notebook.run("%tune best digits --insert")
    assert notebook.shell.rl_next_input == "lr = 0.25"


@pytest.mark.usefixtures("digits")
def test_narrow_writes_a_cell_around_trials_or_prints_it(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRAML_HEADLESS", "0")
    assert notebook.run("%tune narrow digits 3 7 12").startswith("The new cell below")
    assert notebook.shell.rl_next_input == "%%tune around (3, 7, 12)"
    monkeypatch.setenv("ASTRAML_HEADLESS", "1")
    assert notebook.run("%tune narrow digits") == "%%tune around ()\n"


@pytest.mark.usefixtures("digits")
def test_the_table_is_written_to_a_new_file(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert notebook.run("%tune export digits csv") == "digits.csv holds the trials of digits, one per line.\n"
    assert (tmp_path / "digits.csv").read_text() == "as csv"
    assert "digits.csv is there already" in notebook.run("%tune export digits csv")
    assert "/" not in file_name("../a b/c")


def test_an_ended_job_is_shown_live_where_that_is_asked(notebook: Notebook, digits: FakeJob) -> None:
    notebook.run("%tune show digits --live")
    assert digits.asked == ["show live"]


@pytest.mark.usefixtures("digits")
def test_logs_are_those_of_the_trial_or_of_the_latest(notebook: Notebook) -> None:
    assert notebook.run("%tune logs digits 0").splitlines() == ["digits, trial 0:", *["line of 0"] * 2]
    assert "trial 1:" in notebook.run("%tune logs")
    assert len(notebook.run("%tune logs digits 0 --lines 1").splitlines()) == 2


def test_later_commands_reach_the_job_where_it_can(notebook: Notebook, digits: FakeJob) -> None:
    notebook.run("%tune pause")
    assert notebook.run("%tune delete digits") == "digits is deleted, with 3 finished trials and its files.\n"
    digits.weight = (2, 1)
    digits.asked.pop()
    assert notebook.run("%tune delete digits") == (
        "digits is deleted, with all its 2 generations, 1 finished trial and its files.\n"
    )
    assert digits.asked == ["pause", "delete"]
    assert notebook.run("%tune export digits cell").strip() == "as cell"
    assert notebook.run("%tune export digits").strip() == "as cell"
    assert notebook.run("%tune export").strip() == "as cell"
    assert notebook.run("study = %tune export digits optuna") == "as optuna\n"
    notebook.run("%tune import job.json")
    assert notebook.lab.submitted == ["job.json"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("shwo digits", 'did you mean "show"'),
        ("show digits --inser", "no such option"),
        ("best --insrt", 'did you mean "--insert"'),
        ("logs --lines", "needs a value"),
        ("logs digits --lines few", "whole number"),
        ("show 'digits", "quotation"),
        ("delete", "JOB; missing (usage: %tune delete JOB)"),
        ("rerun digits", "TRIAL; missing (usage: %tune rerun JOB TRIAL)"),
        ("debug", "JOB and TRIAL; missing"),
        ("import", "SOURCE; missing"),
        (
            "show digits curve",
            "curve; one word too many (usage: %tune show [JOB] [--live]; quote a name that has spaces)",
        ),
        ("pause digits 3", "3; one word too many"),
        ("resume my big job", "big job; too many words"),
        ("export digits cell a b", "b; one word too many (usage: %tune export [JOB] [FORM] [FILE]"),
        ("logs digits 0 1 2", "1 2; too many words"),
        ("list all", "all; one word too many (usage: %tune list)"),
        ("help me", "one word too many"),
        ("form digits 3", "3; one word too many (usage: %tune form [JOB]"),
        ("form nothing", "no job nothing"),
        ("examples curve pareto", "one word too many"),
        ("show -x", "-x; no such option"),
        ("best --insert=3", "takes no value"),
        ("export digits cel", 'astraml, sagemaker, vertex (did you mean "cell"'),
        ("logs digits 77", "digits has no trial 77; its trials are 0 to 1."),
        ("stop digits 77", "digits has no trial 77"),
        (f"logs digits {'9' * 5000}", "must be a trial's number"),
        ("show nothing", "no job nothing"),
        ("examples nothing", "curve"),
    ],
)
@pytest.mark.usefixtures("digits")
def test_a_mistake_is_refused_in_a_sentence(notebook: Notebook, line: str, words: str) -> None:
    shown = notebook.refused(f"%tune {line}")
    assert words in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "form"])
@pytest.mark.parametrize("words", ["", " digits", " digits 0", " digits 0 x y", " digits --x", " ''", " -1"])
@pytest.mark.usefixtures("digits")
def test_no_command_shows_a_traceback(notebook: Notebook, command: str, words: str) -> None:
    assert "Traceback" not in notebook.run(f"%tune {command}{words}")


def test_help_is_the_docstring(notebook: Notebook) -> None:
    assert "%tune stop [JOB] [TRIAL]" in notebook.run("%tune help")


def test_an_example_goes_into_a_new_cell(notebook: Notebook) -> None:
    assert notebook.run("%tune examples").count("%%tune ") == 3
    notebook.run("%tune examples pareto")
    assert notebook.shell.rl_next_input.startswith("%%tune --maximize accuracy")


def test_a_job_is_opened_as_a_form(notebook: Notebook, digits: FakeJob) -> None:
    notebook.run("form = %tune form digits")
    assert notebook.shell.user_ns["form"].spec().space == digits.spec.space
