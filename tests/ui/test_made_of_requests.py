"""A job that was made of a request says so wherever jobs are shown, and one of a cell says nothing of it."""

from __future__ import annotations

from dataclasses import replace

from plugins.fake_job import FakeReader
from plugins.sagemaker_requests import a_request, understood

from astraml_lab.ui.frames import job_head
from astraml_lab.ui.jobs_table import row_of
from astraml_lab.ui.jobs_text import job_table
from astraml_lab.ui.text import made_of, summary

OF_A_CELL = FakeReader("digits").view()
OF_A_REQUEST = replace(OF_A_CELL, note="2 seeds", origin=understood(a_request()).spec.origin)
SAID = "made of a SageMaker request: 3 fields approximated, 2 fields without effect: job.request"


def test_the_dashboard_names_the_service_and_says_in_a_note_what_became_of_the_request() -> None:
    head = job_head(OF_A_REQUEST)

    assert (head["service"], head["note"]) == ("SageMaker", f"2 seeds; {SAID}")


def test_the_text_of_a_job_says_it_in_a_line() -> None:
    assert summary(OF_A_REQUEST, (), 0.0).splitlines()[1:] == ["note: 2 seeds", f"note: {SAID}"]


def test_the_list_of_jobs_names_the_service() -> None:
    assert row_of(OF_A_REQUEST)["service"] == "SageMaker"
    assert "digits (SageMaker)  RUNNING" in job_table([OF_A_REQUEST])
    assert "digits (vision, SageMaker)  RUNNING" in job_table([replace(OF_A_REQUEST, project="vision")])


def test_a_job_of_a_cell_names_none() -> None:
    assert (job_head(OF_A_CELL)["service"], job_head(OF_A_CELL)["note"], made_of(OF_A_CELL)) == ("", "", "")
    assert "digits  RUNNING" in job_table([OF_A_CELL])
