"""Titles that say the same, and titles that differ by a word."""

import pytest

from incidents.lifecycle.similarity import say_the_same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Checkout errors", "checkout errors!"),
        ("Checkout eror", "Checkout errors in EU"),
        ("Errors in the checkout", "Checkout errors"),
        ("Checkout down", "Checkout down on server1"),
        ("Zahlung schlägt fehl", "zahlungen schlägt fehl"),
    ],
)
def test_a_typo_another_order_or_more_detail_say_the_same(one: str, other: str) -> None:
    assert say_the_same(one, other)
    assert say_the_same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Search API down", "Payments API down"),
        ("Database slow in EU", "Database slow in US"),
        ("Payment webhooks failing", "Payment refunds failing"),
        ("Elevated 5xx on api-gateway", "Elevated 5xx on auth-service"),
        ("Session logouts", "SSO loop"),
        ("Disk full on server1", "Disk full on server2"),
    ],
)
def test_a_distinct_word_on_each_side_tells_two_incidents_apart(one: str, other: str) -> None:
    assert not say_the_same(one, other)
    assert not say_the_same(other, one)
