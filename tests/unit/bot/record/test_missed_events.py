"""What Slack keeps in a channel becomes the events that we missed, and none that we heard."""

from typing import Any

import pytest

from bot.features.record.missed_events import Knowledge
from incidents.record.captured_messages import KnownMark

WENT, BACK, NOW = "1772442000.000000", "1772442600.000000", "1772442300.000100"
EARLIER = "1772440000.000000"


def knowledge(*marks: KnownMark) -> Knowledge:
    return Knowledge(
        channel_id="C1",
        us="UBOT",
        is_private=False,
        is_shared=False,
        since=WENT,
        back_at=BACK,
        marker="pushpin",
        marks=marks,
    )


def mark(user: str, *, ts: str = NOW, source: str = "reaction", state: str = "stands") -> KnownMark:
    return KnownMark(ts, user, source, is_standing=state == "stands", is_closed=state == "closed")


def said(**more: Any) -> dict[str, Any]:
    return {"type": "message", "ts": NOW, "user": "U1", "text": "Hello", **more}


def reacted(*users: str, name: str = "pushpin", count: int | None = None) -> dict[str, Any]:
    return {"name": name, "users": list(users), "count": len(users) if count is None else count}


def names(known: Knowledge, raw: dict[str, Any]) -> list[str]:
    return [missed.name.replace(f":{NOW}", "") for missed in known.of_message(raw)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (said(), []),
        (said(files=[{"id": "F1"}]), ["said"]),
        (said(files=[{"id": "F1"}], ts=EARLIER), []),
        (said(text="<https://x.slack.com/files/U1/F1/a.png>"), ["said"]),
        (said(subtype="channel_join"), ["member_joined_channel:U1"]),
        (said(subtype="channel_join", ts=EARLIER), []),
        (said(subtype="group_leave"), ["member_left_channel:U1"]),
        (said(subtype="channel_leave", user="UBOT"), []),  # we are back
        (said(subtype="channel_join", user="UBOT"), ["member_joined_channel:UBOT"]),
        (said(subtype="channel_topic", topic="x"), []),
        (said(reactions=[reacted("U2", "U3")]), ["reaction_added:U2", "reaction_added:U3"]),
        (said(reactions=[reacted("U2", name="pushpin::skin-tone-3")]), ["reaction_added:U2"]),
        (said(reactions=[reacted("U2", name="tada")]), []),
        (said(edited={"ts": NOW, "user": "U1"}), []),  # nobody marked it
    ],
)
def test_a_message_becomes_the_events_about_it(raw: dict[str, Any], expected: list[str]) -> None:
    assert names(knowledge(), raw) == expected


@pytest.mark.parametrize(
    ("known", "reactions", "expected"),
    [
        (mark("U2"), [reacted("U2")], []),
        (mark("U2"), [], ["reaction_removed:U2"]),
        (mark("U2"), [reacted("U3")], ["reaction_added:U3", "reaction_removed:U2"]),
        # Slack doesn't name all of many people, so nobody is known to have removed theirs.
        (mark("U2"), [reacted("U3", count=60)], ["reaction_added:U3"]),
        # Taken back with `undo`: the emoji is still there, and counts no more.
        (mark("U2", state="closed"), [reacted("U2")], []),
        (mark("U2", state="closed"), [], []),
        (mark("U2", state="removed"), [reacted("U2")], ["reaction_added:U2"]),
        (mark("U2", source="pin"), [], []),
    ],
)
def test_reactions_that_we_know_of_are_no_news(
    known: KnownMark, reactions: list[dict[str, Any]], expected: list[str]
) -> None:
    assert names(knowledge(known), said(reactions=reactions)) == expected


def test_an_edit_counts_if_the_message_was_marked_and_it_came_while_we_were_away() -> None:
    known = knowledge(mark("U2"), mark("U2", ts=EARLIER))
    heard = said(reactions=[reacted("U2")])
    assert names(known, {**heard, "edited": {"ts": EARLIER}}) == []
    assert names(known, {**heard, "edited": {"ts": NOW}}) == ["edited"]


def test_a_pin_is_news_unless_anybody_is_known_to_have_pinned_it() -> None:
    item = {"created_by": "U2", "message": said()}
    assert [missed.event["user"] for missed in knowledge().of_pin(item)] == ["U2"]
    assert not list(knowledge(mark("U3", source="pin")).of_pin(item))
    assert not list(knowledge().of_pin({"created_by": "U2", "file": {"id": "F1"}}))


def test_who_joined_keeps_who_let_them_in_and_when() -> None:
    (missed,) = knowledge().of_message(said(subtype="channel_join", inviter="U9"))
    assert missed.event["inviter"] == "U9"
    assert missed.event["event_ts"] == NOW
