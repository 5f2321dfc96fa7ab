"""How postmortems and action items read: complete as plain text, and pinging nobody."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.features.postmortem import action_items, messages
from bot.features.postmortem import feature as postmortem
from bot.features.postmortem.action_items import parse_action
from bot.framework.reading import find_day
from bot.slack.blocks import FormState, Message
from incidents.core.errors import InvalidInput
from incidents.incident.views import EntryView, IncidentView
from incidents.people.assignable import Named
from incidents.policy.policy import Policy
from incidents.postmortem.action_items import ActionItemView
from incidents.postmortem.entries import PostmortemDrafted, PostmortemReminded
from incidents.postmortem.postmortem import SectionEdit
from tests.policies import built_in
from tests.unit.incidents.postmortem.facts import BOB, facts, incident
from tests.views import entry_view

NOW = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
HOSTILE = "<!channel> <@U1> @here *bold* `x"
PINGS = ("<!", "<@", "@here")

RENDERERS = [
    (kind, renderer)
    for feature in (postmortem.FEATURE, action_items.FEATURE)
    for table in (feature.entries, feature.direct_entries)
    for kind, renderer in table
]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return built_in().policy


def entry(kind: str, **content: object) -> EntryView:
    said = {
        "version": 1,
        "due_on": "2026-03-09",
        "owner": {"name": HOSTILE},
        "text": HOSTILE,
        "number": 3,
        "sections": ["lucky", HOSTILE],
        **content,
    }
    return entry_view(kind, actor_id=BOB.id, actor_name=HOSTILE, content=said)


def said_in_channel(kind: str, **content: object) -> Message:
    return dict(postmortem.FEATURE.entries)[kind](entry(kind, **content), incident())


@pytest.mark.parametrize(("kind", "renderer"), RENDERERS)
def test_every_entry_reads_completely_and_pings_nobody(
    kind: str, renderer: Callable[[EntryView, IncidentView], Message]
) -> None:
    message = renderer(entry(kind), incident(title=HOSTILE))
    whole = message.text + json.dumps(message.payload(), ensure_ascii=False)
    assert "INC-12" in message.text
    assert not [ping for ping in PINGS if ping in whole]


def test_a_draft_without_an_owner_asks_who_writes_it() -> None:
    message = said_in_channel(PostmortemDrafted.kind, owner=None)
    assert "Who writes it? It's due Mon 9 Mar 2026." in message.text
    assert "postmortem_claim" in str(message.payload())


def test_a_draft_with_an_owner_asks_nobody() -> None:
    message = said_in_channel(PostmortemDrafted.kind, owner={"name": "bob"})
    assert "bob writes it" in message.text
    assert "postmortem_claim" not in str(message.payload())


@pytest.mark.parametrize(
    ("recorded", "is_due", "told"),
    [
        (datetime(2026, 3, 6, 9, tzinfo=UTC), False, "on Mon 9 Mar 2026"),
        (datetime(2026, 3, 9, 9, tzinfo=UTC), True, "today, Mon 9 Mar 2026"),
        (datetime(2026, 3, 12, 9, tzinfo=UTC), True, "since Mon 9 Mar 2026"),
    ],
)
def test_a_reminder_says_when_it_is_due(recorded: datetime, is_due: bool, told: str) -> None:  # noqa: FBT001
    kind = PostmortemReminded.kind
    reminder = replace(entry(kind, is_due=is_due), recorded_at=recorded)
    assert told in dict(postmortem.FEATURE.direct_entries)[kind](reminder, incident()).text


def test_the_form_asks_the_policys_questions_and_remembers_revisions(policy: Policy) -> None:
    view = facts().postmortem
    assert view is not None
    form = messages.write_form(incident(), view, policy=policy)
    fields = [
        block["block_id"] for block in form.view.to_dict()["blocks"] if block["type"] == "input"
    ]
    assert fields == [
        "summary",
        "impact",
        "contributing_factors",
        "went_well",
        "was_hard",
        "lucky",
        "customer_messages",
    ]
    revisions = form.given.revisions
    assert (revisions["contributing_factors"], revisions["was_hard"]) == (3, 0)


def test_a_form_is_read_with_the_revisions_it_showed(policy: Policy) -> None:
    state = FormState(values={"lucky": {"lucky": {"value": " Yes "}}})
    edits = messages.read_write_form(state, {"lucky": 4}, policy=policy)
    assert edits == {"lucky": SectionEdit("Yes", 4)}


def test_a_clash_shows_theirs_and_keeps_ours(policy: Policy) -> None:
    view = facts().postmortem
    assert view is not None
    form = messages.write_form(
        incident(), view, policy=policy, typed={"lucky": "Mine"}, clashing=["lucky"]
    )
    text = json.dumps(form.view.to_dict(), ensure_ascii=False)
    assert "It was night" in text
    assert '"initial_value": "Mine"' in text


def test_missing_sections_are_named_by_title(policy: Policy) -> None:
    told = messages.missing_text(("contributing_factors",), policy=policy, slash="/incident")
    assert "Contributing factors" in told
    none = messages.missing_text(("resolved_at",), policy=policy, slash="/incident")
    assert "/incident resolve" in none


ME = Named("U0ME", "me")


@pytest.mark.parametrize(
    ("typed", "owner", "due_on", "text"),
    [
        ("<@U1|bob> Alert on disks", "U1", None, "Alert on disks"),
        ("<@U1> by 2026-12-01 Alert", "U1", date(2026, 12, 1), "Alert"),
        ("<@U1> by 5d Alert", "U1", date(2026, 3, 7), "Alert"),
        ("<@U1> by Friday fix it", "U1", date(2026, 3, 6), "fix it"),
        ("<@U1> by next Monday: fix it", "U1", date(2026, 3, 9), "fix it"),
        ("<@U1> by 1 Dec fix it", "U1", date(2026, 12, 1), "fix it"),
        ("<@U1> fix it by Friday", "U1", date(2026, 3, 6), "fix it by Friday"),
        ("<@U1> fix it by hand", "U1", None, "fix it by hand"),
        ("<@U1> by 2w fix it", "U1", date(2026, 3, 16), "fix it"),
        ("<@U1> due tomorrow fix it", "U1", date(2026, 3, 3), "fix it"),
        ("me by hand, check alerts", "U0ME", None, "by hand, check alerts"),
        ("<@U1> ask <@U2|carol> or <@U3>", "U1", None, "ask @carol or @U3"),
    ],
)
def test_an_action_item_is_read_from_words(
    typed: str, owner: str, due_on: date | None, text: str
) -> None:
    found = parse_action(typed, now=NOW, zone="UTC", me=ME)
    assert (found.owner.external_id, found.due_on, found.text) == (owner, due_on, text)


def test_days_are_counted_from_today_in_the_authors_zone() -> None:
    assert find_day("5d", now=NOW, zone="Asia/Tokyo") == date(2026, 3, 8)
    assert find_day("5d", now=NOW, zone="UTC") == date(2026, 3, 7)


@pytest.mark.parametrize(
    "typed",
    [
        "bob Alert",
        "",
        "<@U1> by 2026-13-01 Alert",
        "<@U1> by 5 Alert",
        "<@U1> by next week fix it",
        "<@U1> by 3/4 fix it",
        "<@U1> by yesterday fix it",
    ],
)
def test_an_unreadable_action_item_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        parse_action(typed, now=NOW, zone="UTC", me=ME)


def test_the_list_shows_open_items_first_and_counts_what_it_omits() -> None:
    items = [
        ActionItemView(
            id=uuid.uuid4(),
            number=number,
            text=HOSTILE,
            owner=BOB,
            due_on=None,
            is_done=number == 1,
            done_at=None,
        )
        for number in range(1, 31)
    ]
    message = action_items.item_list(incident(), items)
    payload = json.dumps(message.payload(), ensure_ascii=False)
    assert "29 open, 30 in all" in message.text
    assert "10 more are in the postmortem" in payload
    assert not [ping for ping in PINGS if ping in payload]
    assert len(message.blocks) <= 50
