from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects.astraml.fingerprint import fingerprint
from astraml_lab.dialects.text import read_text

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**52), 2**52)
    | st.sampled_from([0.5, 3e-5, 1e22])
    | st.text("aé€", max_size=3)
)


def test_it_is_the_hash_of_the_canonical_form() -> None:
    canonical = '{"a":{"secret":"hf"},"b":[0.00003,1,true]}'
    request = {"b": [3e-5, 1.0, True], "a": {"secret": "hf"}}
    assert fingerprint(request) == hashlib.sha256(canonical.encode()).hexdigest()


@given(
    st.dictionaries(st.text("abé", max_size=2), VALUES | st.lists(VALUES, max_size=2), max_size=4),
    st.randoms(),
)
def test_neither_the_order_of_keys_nor_the_spelling_of_numbers_counts(
    request: dict[str, Any], random: Any
) -> None:
    names = list(request)
    random.shuffle(names)
    shuffled = {name: request[name] for name in names}
    floats = {
        n: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for n, v in shuffled.items()
    }
    assert fingerprint(request) == fingerprint(shuffled) == fingerprint(floats)
    assert fingerprint(read_text(json.dumps(request, indent=3))) == fingerprint(request)


def test_another_value_is_another_request() -> None:
    prints = {
        fingerprint({"a": value}) for value in (1, 2, "1", True, None, [1], {"secret": "a"}, {"secret": "b"})
    }
    assert len(prints) == 8
    assert len({fingerprint({"n": 2**60}), fingerprint({"n": 10**400}), fingerprint({"n": 10**401})}) == 3
