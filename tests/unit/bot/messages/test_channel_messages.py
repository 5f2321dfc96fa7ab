"""How the channel's messages read, and its topic, bookmarks and names."""

import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.features.channel.feature import bookmarks_of, candidate_names, topic_of
from bot.features.channel.life import farewell_message
from bot.features.channel.read_in import read_in_message
from bot.features.channel.use_existing import channel_form
from bot.slack.blocks import Message
from incidents.channel.archive import may_archive
from incidents.channel.entries import (
    BotRemoved,
    ChannelArchived,
    ChannelDeleted,
    ChannelRefused,
    InviteRefused,
    RefusedInvite,
)
from incidents.channel.read_in import Need, most_needed
from incidents.core.sentences import Who
from incidents.incident.cadence import UpdateView
from incidents.incident.entries import ChannelLinked, MovedToPrivate
from incidents.incident.incident import Incident
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.payload import Payload
from incidents.incident.views import IncidentView, PersonView, RoleView
from incidents.policy.channels import Bookmark
from incidents.policy.escalation import Service
from incidents.policy.policy import COMMANDER, Policy
from tests.policies import built_in
from tests.views import NOW, entry_view, incident_view, said_directly, update_view

NASTY = "<!channel> @here <@U1> `a \u202e" + "x" * 5_000
CAROL = PersonView(uuid.uuid4(), "UCAROL", "Carol <!here>", "UTC")


def incident(
    status: IncidentStatus = IncidentStatus.INVESTIGATING, *, title: str = "Checkout errors"
) -> IncidentView:
    return incident_view(status=status, title=title, next_update_due_at=NOW + timedelta(minutes=5))


def commanded(view: IncidentView) -> IncidentView:
    return replace(view, roles=(RoleView(COMMANDER, "Incident commander", CAROL, NOW),))


def told(payload: Payload, *, title: str = "Checkout errors") -> Message:
    """Return the entry as a direct message shows it, with a hostile name as its actor."""
    entry = entry_view(payload, actor_id=uuid.uuid4(), actor_name=NASTY)
    return said_directly(entry, incident(title=title))


def update(text: str = "Half of the cards fail") -> UpdateView:
    return update_view(text, author_name="Carol")


@pytest.fixture
def policy() -> Policy:
    return built_in().policy


def labels(message: Message) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.payload()["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    ]


# -- messages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        told(ChannelRefused(error=NASTY, channel_name=NASTY), title=NASTY),
        told(
            ChannelLinked(channel_id="C2", old_channel_id="C1", old_channel_name=NASTY), title=NASTY
        ),
        told(ChannelArchived(channel_name=NASTY), title=NASTY),
        told(ChannelDeleted(channel_name=NASTY), title=NASTY),
        told(BotRemoved(channel_name=NASTY, by=Who(NASTY)), title=NASTY),
        told(InviteRefused(refused=(RefusedInvite(person=Who(NASTY), error=NASTY),)), title=NASTY),
        told(MovedToPrivate(people=(Who(NASTY),), reason=NASTY), title=NASTY),
        read_in_message(
            commanded(incident(title=NASTY)), update(NASTY), now=NOW, slash="/incident"
        ),
    ],
    ids=["refused", "linked", "archived", "deleted", "removed", "invite", "private", "read-in"],
)
def test_nothing_that_people_typed_can_ping(message: Message) -> None:
    said = json.dumps(message.payload(), ensure_ascii=False)
    for ping in ("<!channel", "<!here", "@here", "<@U1>", "\u202e"):
        assert ping not in said


def test_a_refusal_says_why_and_offers_what_to_do() -> None:
    refused = ChannelRefused(error="restricted_action", effect_id=uuid.uuid4())
    both = told(replace(refused, can_use_existing=True))
    assert "workspace setting" in both.text
    assert labels(both) == ["Use an existing channel…", "Retry"]
    assert labels(told(refused)) == ["Retry"]


def test_a_channel_that_cannot_be_joined_is_named_in_the_refusal() -> None:
    refused = ChannelRefused(error="is_archived", channel_name="database-room")
    assert "#database-room" in told(refused).text


def test_the_bot_says_how_to_be_invited_again_and_who_removed_it() -> None:
    removed = BotRemoved(channel_name="inc-12", by=Who("Bob"), bot_id="UBOT")
    said = said_directly(entry_view(removed, actor_kind="system"), incident()).text
    assert "I was removed from the incident channel #inc-12" in said
    assert "/invite" in said
    assert "<@UBOT>" in said
    assert "by Bob" in said


def test_only_an_incident_that_can_reopen_says_how() -> None:
    closed = farewell_message(incident(IncidentStatus.CLOSED), slash="/incident")
    cancelled = farewell_message(incident(IncidentStatus.CANCELLED), slash="/incident")
    assert "/incident INC-12 reopen" in closed.text
    assert "reopen" not in cancelled.text


def test_the_form_of_a_private_incident_offers_private_channels_only() -> None:
    def offered(view: IncidentView) -> list[str]:
        block = channel_form(view).to_dict()["blocks"][1]
        kinds: list[str] = block["element"]["filter"]["include"]
        return kinds

    assert offered(incident()) == ["public", "private"]
    assert offered(replace(incident(), is_private=True)) == ["private"]


# -- the read-in --------------------------------------------------------------------------------


def test_a_read_in_has_six_lines_at_most_and_offers_command_when_nobody_has_it() -> None:
    view = replace(incident(), impact="Cards are declined\nfor some")
    message = read_in_message(view, update(), now=NOW, slash="/incident")
    assert len(message.text.splitlines()) <= 6
    for said in ("INC-12", "SEV2", "investigating", "Cards are declined", "Half of the cards"):
        assert said in message.text
    assert labels(message) == ["Take command"]


def test_with_a_commander_a_read_in_says_who_to_ask() -> None:
    message = read_in_message(commanded(incident()), None, now=NOW, slash="/incident")
    assert "ask Carol" in message.text
    assert "none yet" in message.text
    assert labels(message) == ["Here to learn? Shadow…"]


def test_the_commander_is_not_told_to_ask_the_commander() -> None:
    view = commanded(incident())
    (carol,) = view.holders(COMMANDER)
    message = read_in_message(view, None, now=NOW, slash="/incident", reader_id=carol.id)
    assert "ask Carol" not in message.text
    assert "say here that you have command" in message.text
    assert labels(message) == []


def test_a_read_in_of_a_private_incident_offers_no_shadowing() -> None:
    view = replace(commanded(incident()), is_private=True)
    assert labels(read_in_message(view, None, now=NOW, slash="/incident")) == []


@pytest.mark.parametrize(
    ("status", "has_commander", "due_in", "need"),
    [
        (IncidentStatus.TRIAGE, False, -5, Need.COMMANDER),
        (IncidentStatus.TRIAGE, True, -5, Need.UPDATE),
        (IncidentStatus.MITIGATED, True, 0, Need.UPDATE),
        (IncidentStatus.TRIAGE, True, 5, Need.HANDS),
        (IncidentStatus.TRIAGE, True, None, Need.HANDS),
        (IncidentStatus.RESOLVED, False, None, Need.POSTMORTEM),
        (IncidentStatus.CLOSED, False, None, Need.NOTHING),
        (IncidentStatus.CANCELLED, False, -5, Need.NOTHING),
    ],
)
def test_a_commander_is_needed_most_then_an_update_then_hands(
    status: IncidentStatus, *, has_commander: bool, due_in: int | None, need: Need
) -> None:
    due_at = None if due_in is None else NOW + timedelta(minutes=due_in)
    found = most_needed(status, has_commander=has_commander, next_update_due_at=due_at, now=NOW)
    assert found is need


# -- names, topic, bookmarks, archiving ---------------------------------------------------------


def test_twenty_names_are_tried_and_all_differ(policy: Policy) -> None:
    names = list(candidate_names(Incident(number=1, title="x" * 300, is_drill=False), policy))
    assert len(set(names)) == 20
    assert max(map(len, names)) <= 80


def test_a_topic_holds_what_changes_with_the_severity_alone() -> None:
    assert topic_of(incident(title="&" * 300)) == "INC-12 · SEV2"


def _with(policy: Policy, *bookmarks: Bookmark) -> Policy:
    services = (
        Service(key="a b", name="Checkout", tier=1, runbook_url="https://wiki.example.com/a"),
        Service(key="search", name="Search", tier=2, runbook_url="javascript:alert(1)"),
    )
    return replace(policy, services=services, bookmarks=bookmarks)


def test_bookmarks_without_a_value_or_a_web_address_are_left_out(policy: Policy) -> None:
    view = replace(incident(), services=("a b", "search", "gone"))
    changed = _with(
        policy,
        Bookmark(title="Runbook", url="{runbook_url}"),
        Bookmark(title="Dashboard", url="{dashboard_url}"),
    )
    assert bookmarks_of(view, changed) == {"https://wiki.example.com/a": "Runbook: Checkout"}


def test_a_service_bookmark_needs_a_service_and_quotes_its_key(policy: Policy) -> None:
    changed = _with(policy, Bookmark(title="Logs", url="https://logs.example.com/{service}"))
    assert bookmarks_of(incident(), changed) == {}
    one = replace(incident(), services=("a b",))
    assert bookmarks_of(one, changed) == {"https://logs.example.com/a%20b": "Logs"}


def test_an_incident_bookmark_appears_once(policy: Policy) -> None:
    changed = _with(policy, Bookmark(title="Notes", url="https://notes.example.com/{reference}"))
    view = replace(incident(), services=("a b", "search"))
    assert bookmarks_of(view, changed) == {"https://notes.example.com/INC-12": "Notes"}


@pytest.mark.parametrize("status", [s for s in IncidentStatus if s not in {"closed", "cancelled"}])
def test_the_channel_of_an_open_incident_is_never_archived(
    policy: Policy, status: IncidentStatus
) -> None:
    assert not may_archive(status, is_existing=False, channels=policy.channels)
    assert may_archive(IncidentStatus.CLOSED, is_existing=False, channels=policy.channels)
