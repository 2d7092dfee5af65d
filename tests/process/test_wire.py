from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec, MissingExtra, Problem, TrialPruned
from astraml_lab.process import wire


@given(
    st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=300)), max_size=6),
    st.integers(min_value=1, max_value=400),
)
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[tuple[str, bytes]], size: int
) -> None:
    stream = b"".join(wire.framed(kind, body) for kind, body in sent)
    frames = wire.Frames()
    received = [
        message
        for start in range(0, len(stream), size)
        for message in frames.feed(stream[start : start + size])
    ]
    assert [(message.kind, message.body) for message in received] == sent


def test_a_request_brings_its_descriptors_even_if_it_is_long() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    with ours, theirs:
        body = b"x" * 100_000
        wire.ask(ours, wire.TRIAL, body, [writer])
        os.close(writer)
        message = wire.take(theirs)
        assert message is not None
        assert (message.kind, message.body, len(message.fds)) == (wire.TRIAL, body, 1)
        os.write(message.fds[0], b"through")
        assert os.read(reader, 10) == b"through"
        os.close(message.fds[0])
        ours.close()
        assert wire.take(theirs) is None
    os.close(reader)


class Odd(Exception):
    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first


@pytest.mark.parametrize(
    "error",
    [
        TrialPruned("enough"),
        InvalidSpec([Problem("lr", "-1")]),
        MissingExtra("ray", "ray"),
        Odd(1, 2),
        FileNotFoundError(2, "no such file", "here"),
        KeyError("name"),
    ],
)
def test_an_exception_arrives_with_its_type_text_and_attributes(error: BaseException) -> None:
    (message,) = wire.Frames().feed(wire.answer_to(3, error))
    number, parts = message.body
    arrived = wire.unpacked(parts)
    assert number == 3
    assert type(arrived) is type(error)
    assert (str(arrived), repr(arrived), vars(arrived)) == (str(error), repr(error), vars(error))


def test_an_exception_that_cannot_travel_arrives_as_text() -> None:
    error = ValueError("holds", lambda: None)
    (message,) = wire.Frames().feed(wire.answer_to(3, error))
    assert str(wire.unpacked(message.body[1])).startswith("ValueError: ('holds', <function")
