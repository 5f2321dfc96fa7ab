"""Channel names, timestamps and addresses."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.ids import (
    channel_name,
    instant_to_ts,
    number_in,
    permalink,
    ts_to_instant,
    with_suffix,
)

PATTERN = "inc-{number}-{slug}"
VALID = re.compile(r"[a-z0-9_-]{1,80}")


@given(st.text(max_size=400), st.integers(1, 10_000))
@example("🔥🔥🔥", 1)
@example("x" * 300, 99_999)
def test_a_channel_name_is_valid_whatever_the_title(title: str, number: int) -> None:
    for pattern in (PATTERN, "{slug}", "{number}_{slug}"):
        name = channel_name(pattern, number=number, title=title)
        assert VALID.fullmatch(name)
        assert any(char.isalnum() for char in name)
        suffixed = with_suffix(name, 12)
        assert VALID.fullmatch(suffixed)
        assert suffixed.endswith("-12")


@given(st.text(max_size=400), st.integers(1, 999_999_999))
def test_a_channel_s_name_gives_its_number_back(title: str, number: int) -> None:
    for pattern in (PATTERN, "-a--{number}", "{number}_{slug}"):
        name = channel_name(pattern, number=number, title=title)
        assert number_in(name, pattern=pattern) == number
        assert number_in(with_suffix(name, 12), pattern=pattern) == number


@pytest.mark.parametrize(
    "name", ["incidents", "inc-", "inc-x-12", "drill-12", "my-inc-12", "inc-0"]
)
def test_another_channel_s_name_gives_no_number(name: str) -> None:
    assert number_in(name, pattern=PATTERN) is None


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Checkout errors", "inc-12-checkout-errors"),
        ("Überlauf: Straße №5!", "inc-12-uberlauf-strasse-no5"),
        ("платежи не проходят", "inc-12-platezhi-ne-prokhodyat"),
        ("Πληρωμές", "inc-12-pliromes"),
        ("支付失败", "inc-12-zhi-fu-shi-bai"),
        ("결제 오류", "inc-12-gyeol-je-o-lyu"),
        ("エラー checkout", "inc-12-era-checkout"),
        ("فشل الدفع", "inc-12-fshl-ldf"),
        ("भुगतान विफल", "inc-12-bhugtan-viphl"),
        ("🔥🔥", "inc-12-fire-fire"),
        ("\u200b", "inc-12"),
        ("Can't log in", "inc-12-cant-log-in"),
        ("Can’t log in", "inc-12-cant-log-in"),
        ("<!channel> `rm -rf`", "inc-12-channel-rm-rf"),
    ],
)
def test_a_channel_name_keeps_what_it_can_of_the_title(title: str, name: str) -> None:
    assert channel_name(PATTERN, number=12, title=title) == name


def test_a_long_title_is_cut_between_words() -> None:
    name = channel_name(PATTERN, number=1, title="payment provider timeouts " * 10)
    assert len(name) <= 80
    assert name.endswith(("payment", "provider", "timeouts"))


def test_long_titles_in_one_script_still_have_names_of_their_own() -> None:
    first, second = (channel_name(PATTERN, number=n, title="支付失败" * 40) for n in (1, 2))
    assert first != second
    assert len(with_suffix(first, 2)) <= 80


def test_a_message_timestamp_keeps_its_microseconds() -> None:
    instant = ts_to_instant("1772442000.000123")
    assert instant == datetime(2026, 3, 2, 9, 0, 0, 123, tzinfo=UTC)
    assert instant_to_ts(instant) == "1772442000.000123"


@pytest.mark.parametrize("text", ["", "now", "1.2.3", "-1.000000"])
def test_an_invalid_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Slack timestamp"):
        ts_to_instant(text)


def test_an_address_of_a_reply_names_its_thread() -> None:
    url = "https://acme.slack.com/"
    plain = "https://acme.slack.com/archives/C1/p1000000002"
    assert permalink(url, channel_id="C1", ts="1000.000002") == plain
    assert permalink(url, channel_id="C1", ts="1000.000002", thread_ts="1000.000001") == (
        f"{plain}?thread_ts=1000.000001&cid=C1"
    )
