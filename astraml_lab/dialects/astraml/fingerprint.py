"""What tells a request from others: its meaning as data, not its spelling."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 2**53 - 1


def fingerprint(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request in RFC 8785's form: keys sorted, 1 and 1.0 the same number.

    It is taken of what was asked, before defaults and policies: a policy that changes between two tries makes
    no other request of the second. Secrets are in it by name only: a request holds nothing else.
    """
    return hashlib.sha256(rfc8785.dumps(_numbers(dict(request)))).hexdigest()


def _numbers(value: Any) -> Any:
    """Return a copy in which every number is one of JSON's: those beyond 2**53 as the nearest that is."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        try:
            return float(value)
        except OverflowError:
            return str(value)
    return value
