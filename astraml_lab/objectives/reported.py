"""Which metrics a cell reports, as far as its text tells."""

from __future__ import annotations

import re

_NESTED = re.compile(r"(?<!report)\([^()]*\)")


def metric_names(body: str) -> list[str]:
    """Return the metrics that a cell reports, read from its text: it need not be finished yet."""
    flat, shorter = body, _NESTED.sub("", body)
    while shorter != flat:
        flat, shorter = shorter, _NESTED.sub("", shorter)
    names: dict[str, None] = {}
    for arguments in re.findall(r"\breport\(([^()]*)", flat):
        names |= dict.fromkeys(re.findall(r"[\"']([^\"']+)[\"']\s*:", arguments))
        names |= dict.fromkeys(re.findall(r"\b([A-Za-z_]\w*)\s*=(?!=)", arguments))
    names.pop("step", None)
    return list(names)
