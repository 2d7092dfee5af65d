"""What looks like a secret: such text may be named in a request, never written into it.

The message of a refusal never repeats the text itself.
"""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|[_.\-])(?:password|passwd|secret|token|(?:api|access|private)[_.\-]?key|credential)s?(?:$|[_.\-])",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
    r"|(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}"
    r"|(?<![A-Za-z0-9])AIza[0-9A-Za-z_\-]{35}"
    r"|(?<![A-Za-z0-9])(?:glpat-[A-Za-z0-9_\-]{16,}|xox[abprs]-[A-Za-z0-9\-]{10,}|sk-[A-Za-z0-9_\-]{20,})"
    r"|://[^/\s:@]*:[^/\s@]+@"  # a password in an address
)
_REFERENCE = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_]*\)")
_PLAIN = re.compile(
    r"\s*(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|true|false|yes|no|none|null|)\s*", re.IGNORECASE
)


def names_a_secret(name: str) -> bool:
    """Whether a variable or field of this name holds a secret: `HF_TOKEN`, `db.password`."""
    return _NAME.search(name) is not None


def is_a_secret(value: str) -> bool:
    """Whether a text is itself a key, a token or a private key, whatever its name."""
    return _VALUE.search(value) is not None


def is_plain(value: str) -> bool:
    """Whether a text is a number or a switch, or empty: no secret, whatever its name."""
    return _PLAIN.fullmatch(value) is not None


def is_inline_secret(name: str, value: object) -> bool:
    """Whether `name: value` gives a secret away: numbers, switches and `$(VARIABLE)` do not."""
    if not isinstance(value, str):
        return False
    if is_a_secret(value):
        return True
    return names_a_secret(name) and not is_plain(value) and not _REFERENCE.fullmatch(value)
