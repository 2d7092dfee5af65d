from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects.vertex.expansion import expand, expand_text


def test_a_variable_may_name_earlier_ones_and_those_of_the_service() -> None:
    env = {
        "BASE": "$(AIP_MODEL_DIR)best",
        "TWICE": "$(BASE)$(BASE)",
        "LATER": "$(LAST)",
        "ESCAPED": "$$(BASE)",
        "ITSELF": "$(ITSELF)",
        "PARTS": "$(BASE $BASE ${BASE} $(1)",
        "LAST": "x",
    }

    assert expand(env, {"AIP_MODEL_DIR": "/out/1/"}) == {
        "BASE": "/out/1/best",
        "TWICE": "/out/1/best/out/1/best",
        "LATER": "$(LAST)",
        "ESCAPED": "$(BASE)",
        "ITSELF": "$(ITSELF)",
        "PARTS": "$(BASE $BASE ${BASE} $(1)",
        "LAST": "x",
    }


@given(st.text())
def test_text_without_references_stays_as_it_is(text: str) -> None:
    assert expand_text(text.replace("(", "["), {"A": "b"}) == text.replace("(", "[")
