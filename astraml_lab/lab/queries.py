"""SQL over jobs."""

from __future__ import annotations

from typing import Any

from astraml_lab.errors import NotBuiltYet


def sql(query: str) -> Any:
    """Run SQL over jobs, trials and windows.

    Raises:
        NotBuiltYet: Always, in this version.
    """
    raise NotBuiltYet(
        f"SQL over jobs is not built in this version; job.df and job.metrics() are. Given: {query}"
    )
