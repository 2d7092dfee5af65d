"""Regexes that come from requests: whether one can be read at all. What runs them is elsewhere."""

from __future__ import annotations

import re
import warnings


def compile_problem(regex: str) -> str:
    """Say why a regex of a request cannot be read, as Python's `re` says it; empty if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read differently
            re.compile(regex)
    except re.error as error:
        return str(error)
    except (OverflowError, RecursionError) as error:
        return str(error) or "nested too deeply"
    return ""
