from __future__ import annotations

import pytest

from astraml_lab.dialects.astraml.cron import BadCron, read_cron


@pytest.mark.parametrize(
    "text",
    [
        "0 2 * * *",
        "*/15 * * * *",
        "0 9-17/2 * * mon-fri",
        "0 0 1,15 * *",
        "0 0 29 2 *",
        "0 0 31 1,3 *",
        "0 0 30 2 fri",
        "0 0 * JAN-Mar 0",
        "0 0 * * 7",
        "59 23 31 12 *",
        "0  2 *   * *",
        "0 0 * * fri-sun",
        "0 0 */31 2 *",
        "5,10-20/5,30 * * * *",
    ],
)
def test_five_fields_that_occur_are_read(text: str) -> None:
    read_cron(text)


def test_the_fields_are_read_as_numbers() -> None:
    cron = read_cron("0,30 8-10 1 jan-feb 7")
    assert cron.minutes == {0, 30}
    assert cron.hours == {8, 9, 10}
    assert cron.days == {1}
    assert cron.months == {1, 2}
    assert cron.weekdays == {0}
    assert read_cron("0 0 * * 5-7").weekdays == {0, 5, 6}
    assert read_cron("0 0 * * 0").weekdays == read_cron("0 0 * * sun").weekdays == {0}
    assert read_cron("*/20 * * * *").minutes == {0, 20, 40}


def test_two_restricted_days_mean_either() -> None:
    assert read_cron("0 0 13 * fri").either
    assert not read_cron("0 0 13 * *").either
    assert not read_cron("0 0 */2 * fri").either


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 0 2 * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("0 0 L * *", "day of month `L`"),
        ("0 0 15W * *", "day of month `15W`"),
        ("0 0 * * fri#2", "day of week `fri#2`"),
        ("0 0 ? * *", "day of month `?`"),
        ("00060 * * * *", "minute `00060` is not in 0-59"),
        ("60 * * * *", "minute `60` is not in 0-59"),
        ("0 24 * * *", "hour `24` is not in 0-23"),
        ("0 0 0 * *", "day of month `0` is not in 1-31"),
        ("0 0 32 * *", "day of month `32`"),
        ("0 0 * 13 *", "month `13`"),
        ("0 0 * * 8", "day of week `8`"),
        ("0 0 * foo *", "no such name (jan"),
        ("jan 0 * * *", "numbers only"),
        ("*/0 * * * *", "a step is 1 to 59"),
        ("*/60 * * * *", "a step is 1 to 59"),
        ("5/10 * * * *", "a step follows"),
        ("10-5 * * * *", "a range goes upwards"),
        ("1,,2 * * * *", "minute ``"),
        ("-1 * * * *", "minute `-1`"),
        ("1.5 * * * *", "minute `1.5`"),
        ("٣ * * * *", "minute `٣`"),
        ("0 0 30 2 *", "never occurs"),
        ("0 0 31 4,6,9,11 *", "never occurs"),
        ("0 0 31 feb */2", "never occurs"),
        ("0 " * 200, "fields"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadCron) as caught:
        read_cron(text)
    assert says in str(caught.value)
