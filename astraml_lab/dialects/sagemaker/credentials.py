"""Credentials that somebody wrote into a request: refused, for a request is stored and shown."""

from __future__ import annotations

import re

_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9])(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35})"
)
_NAMES = re.compile(
    r"(?:^|[_.-])(?:password|passwd|secret|token|api_?key|access_?key|private_?key|credential)s?(?:$|[_.-])",
    re.IGNORECASE,
)
_RANDOM = re.compile(r"(?!/)(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{16,}")


def looks_like_credential(name: str, value: str) -> bool:
    """Whether a text is a known kind of key, or a random one under a name that says so."""
    if _TOKENS.search(value):
        return True
    return _NAMES.search(name) is not None and _RANDOM.fullmatch(value) is not None
