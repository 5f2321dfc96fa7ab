"""How roles and handoffs read: complete without blocks, harmless whatever people typed."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.features.roles import feature as roles
from bot.features.roles import handoff, messages
from bot.features.roles import handoff_messages as handing
from bot.features.roles.feature import words_of_role
from bot.features.roles.messages import OneRole
from bot.framework.arguments import from_value
from bot.framework.entry_messages import told_message
from bot.framework.refusals import refusal_text
from bot.slack.blocks import Message
from bot.slack.mentions import escape_line
from incidents.core.errors import InvalidInput, Superseded
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import EntryView, IncidentView, PersonView, RoleView
from incidents.people.assignable import Named
from incidents.policy.policy import Policy
from incidents.roles.handoff_brief import Brief, BriefLine
from incidents.roles.handoffs import HandoffKind, HandoffStatus, HandoffView
from tests.policies import built_in
from tests.views import NOW, entry_view, incident_view

NASTY = "<!channel> @here <@U666> `a \u202e" + "x" * 5_000
ALICE = PersonView(uuid.uuid4(), "U1", f"alice {NASTY}", "UTC")
BOB = PersonView(uuid.uuid4(), "U2", f"bob {NASTY}", "UTC")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return built_in().policy


def incident(*held: tuple[str, PersonView]) -> IncidentView:
    names = {role.key: role.name for role in built_in().policy.roles}
    roles = tuple(RoleView(key, names.get(key, key), who, NOW) for key, who in held)
    return incident_view(title=f"Checkout {NASTY}", impact=NASTY, declared_by=ALICE, roles=roles)


def content_of(person: PersonView) -> dict[str, str]:
    return {"id": str(person.id), "external_id": person.external_id, "name": person.name}


def entry(kind: str, content: Mapping[str, Any], *, by: PersonView = ALICE) -> EntryView:
    return entry_view(kind, actor_id=by.id, actor_name=by.name, content=dict(content))


def full_entry(kind: str) -> EntryView:
    return entry(
        kind,
        {
            "role": "commander",
            "role_name": NASTY,
            "person": content_of(BOB),
            "previous": content_of(ALICE),
            "outgoing": content_of(ALICE),
            "incoming": content_of(BOB),
            "backup": content_of(BOB),
            "reason": NASTY,
            "how": "taken_over",
            "minutes": 5,
        },
    )


def brief() -> Brief:
    line = BriefLine(NOW, f"carol {NASTY}", NASTY)
    return Brief(
        status="investigating",
        severity="SEV2",
        impact=NASTY,
        next_update_due_at=NOW,
        roles=(("Scribe", NASTY),),
        last_update=line,
        questions=(line,),
        notes=(line, line, line),
    )


def proposal(kind: HandoffKind, status: HandoffStatus = HandoffStatus.PENDING) -> HandoffView:
    return HandoffView(
        id=uuid.uuid4(),
        incident_id=uuid.uuid4(),
        kind=kind,
        status=status,
        from_person=ALICE,
        to_person=BOB,
        proposed_by=BOB,
        settled_by=BOB,
        words=NASTY,
        brief=brief(),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=2),
        settled_at=NOW,
    )


def assert_harmless(message: Message) -> None:
    """Assert that only people we name are pinged, and that the text is complete without blocks."""
    shown = json.dumps(message.payload(), ensure_ascii=False)
    assert not re.search(r"<!(channel|here|everyone)|<@U666>|(?<![\w\u2060])@here", shown)
    assert "\u202e" not in shown
    assert len(message.text) > 10


RENDERED = [
    (kind, renderer)
    for feature in (roles.FEATURE, handoff.FEATURE)
    for table in (feature.entries, feature.direct_entries)
    for kind, renderer in table.items()
]


@pytest.mark.parametrize(("kind", "renderer"), RENDERED)
def test_every_entry_about_roles_is_harmless(kind: str, renderer: Any) -> None:
    assert_harmless(renderer(full_entry(kind), incident()))


@pytest.mark.parametrize("kind", list(HandoffKind))
@pytest.mark.parametrize("status", list(HandoffStatus))
@pytest.mark.parametrize("is_direct", [True, False])
def test_a_handoff_is_harmless_and_has_buttons_only_while_it_waits(
    kind: HandoffKind, status: HandoffStatus, *, is_direct: bool
) -> None:
    message = handing.handoff_message(proposal(kind, status), incident(), is_direct=is_direct)
    assert_harmless(message)
    has_buttons = any(block.type == "actions" for block in message.blocks)
    assert has_buttons == (status is HandoffStatus.PENDING)


def test_how_command_moved_names_both() -> None:
    moved = replace(full_entry("commander_changed"), actor_name="alice")
    assert "*alice* handed command to <@U2>" in told_message(moved, incident()).text


def test_the_new_holder_gets_every_duty_and_every_step(policy: Policy) -> None:
    role = policy.get_role("scribe")
    content = {"role": "scribe", "person": content_of(BOB)}
    given = entry("role_assigned", content, by=replace(ALICE, name="alice"))
    view = replace(incident(), title="Checkout errors")
    text = messages.holder_message(given, view, role=role, slash="/incident").text
    for wanted in (*role.duties, *role.checklist):
        assert escape_line(wanted) in text
    assert "/incident role scribe @someone" in text


def test_the_list_offers_only_free_roles_and_ones_own(
    policy: Policy,
) -> None:
    view = incident(("commander", ALICE), ("scribe", BOB))
    shown = messages.roles_message(view, policy, viewer_id=BOB.id)
    assert_harmless(shown)
    buttons = {
        from_value(OneRole, element.value).role: element.text.text
        for block in shown.blocks
        if (element := getattr(block, "accessory", None)) is not None
    }
    assert "commander" not in buttons
    assert (buttons["scribe"], buttons["deputy"]) == ("Give up", "Take")
    assert "Take over…" in json.dumps(shown.payload(), ensure_ascii=False)


def test_a_role_removed_from_the_policy_is_still_shown(policy: Policy) -> None:
    view = incident(("liaison", BOB))
    assert "liaison" in messages.roles_message(view, policy, viewer_id=ALICE.id).text


def test_roles_of_a_closed_incident_are_listed_without_buttons(policy: Policy) -> None:
    view = replace(incident(), status=IncidentStatus.CLOSED)
    shown = json.dumps(messages.roles_message(view, policy, viewer_id=ALICE.id).payload())
    assert "role_assign_open" not in shown
    assert "role_claim" not in shown


@pytest.mark.parametrize(
    ("words", "role", "person"),
    [
        ("commander", "commander", "U9"),
        ("commander me", "commander", "U9"),
        ("incident commander Myself", "incident commander", "U9"),
        ("communications lead <@U2|bob>", "communications lead", "U2"),
        ("scribe <@U2>", "scribe", "U2"),
        ("commander none", "commander", ""),
    ],
)
def test_the_last_word_names_the_person(words: str, role: str, person: str) -> None:
    named, said = words_of_role(words.split(), own=Named("U9", "me"))
    assert (said, named.external_id) == (role, person)


def test_a_name_that_is_no_mention_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        words_of_role(["scribe", "@bob"], own=Named("U9", "me"))
    assert refused.value.field == "person"


@pytest.mark.parametrize(
    "what", ["command", "role", *(f"handoff_{one}" for one in HandoffStatus if one != "pending")]
)
def test_a_late_answer_is_told_what_happened_and_who_did_it(what: str) -> None:
    text = refusal_text(Superseded(what, by="bob {x} <!here>"), slash="/incident")
    assert "<!here>" not in text
    assert "bob {x}" in text or what == "handoff_withdrawn"
