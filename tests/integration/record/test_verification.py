"""`sitrep verify` notices what was changed behind the program's back, in entries and in rows."""
# ruff: noqa: S608 - the statements are made of the tests' own words

import uuid
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy import text

from incidents.channel.channel import record_opened
from incidents.channel.life import note_archived, note_renamed
from incidents.core.errors import InvalidInput
from incidents.core.hash_chain import ChainHead
from incidents.core.ids import parse_reference
from incidents.core.people import system_actor
from incidents.engine.unit_of_work import Outcome, UnitOfWork
from incidents.incident.incident import ById, ByReference
from incidents.incident.lifecycle import IncidentStatus
from incidents.lifecycle.declare import Declaration, declare
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import change_status, mark_duplicate
from incidents.people.assignable import Named
from incidents.postmortem.action_items import (
    add_action_item,
    assign_action_item,
    complete_action_item,
)
from incidents.postmortem.postmortem import (
    SectionEdit,
    publish_postmortem,
    set_postmortem_owner,
    write_postmortem,
)
from incidents.proposals.ask import propose
from incidents.proposals.tables import ProposalWords
from incidents.record.hiding import hide_entry, redact_entry, reveal_entry
from incidents.record.notes import add_note
from incidents.record.redaction import redact_audit_entry
from incidents.record.restoring import Restored, note_restore
from incidents.registry.verification import Proof, prove_incident
from incidents.roles.assign import claim_role
from incidents.roles.command import propose_commander
from migrations.timeline_guard import drop_statements
from tests.world import World


async def _incident(world: World) -> uuid.UUID:
    """Return an incident with a commander, a status and two notes: seven entries or more."""
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    await world.run(partial(claim_role, ref=ref, role="commander"), by=alice)
    identified = partial(change_status, ref=ref, target=IncidentStatus.MITIGATED)
    await world.run(identified, by=alice)
    for words in ("one", "two"):
        await world.run(partial(add_note, ref=ref, text=words), by=alice)
    return incident_id


async def _tamper(world: World, *statements: str) -> None:
    """Change rows as somebody with the database's password would, without the triggers."""
    world.is_tampered = True
    dialect = "sqlite" if world.database.is_sqlite else "postgresql"
    async with world.database.writing() as session:
        for statement in (*drop_statements(dialect), *statements):
            await session.execute(text(statement))
        await session.commit()


async def _problems(world: World) -> set[str]:
    return {problem for _, _, problem in await world.flaws()}


async def _prove(world: World, name: str) -> Proof:
    reference = parse_reference(name)
    assert reference is not None
    async with world.database.reading() as session:
        return await prove_incident(
            session,
            ByReference(reference),
            workspace_id=world.workspace_id,
            viewer=system_actor(),
        )


# -- content that is gone -----------------------------------------------------------------------


async def test_content_that_is_gone_without_a_redaction_is_noticed(world: World) -> None:
    await _incident(world)
    await _tamper(world, "UPDATE timeline_entries SET content = NULL, salt = NULL")
    assert "content_missing" in await _problems(world)


async def test_content_that_was_redacted_may_be_gone(world: World) -> None:
    incident_id = await _incident(world)
    entry = (await world.entries(incident_id))[-1]
    await world.run(partial(redact_entry, ref=ById(incident_id), entry_id=entry.id))
    assert (await world.entries(incident_id))[entry.sequence - 1].content is None
    assert await world.flaws() == set()


async def test_a_redaction_of_one_entry_excuses_no_other(world: World) -> None:
    incident_id = await _incident(world)
    entry = (await world.entries(incident_id))[-1]
    await world.run(partial(redact_entry, ref=ById(incident_id), entry_id=entry.id))
    before = f"WHERE sequence = {entry.sequence - 1}"
    await _tamper(world, f"UPDATE timeline_entries SET content = NULL, salt = NULL {before}")
    assert ("INC-1", entry.sequence - 1, "content_missing") in await world.flaws()


async def test_the_audit_log_may_miss_content_only_where_a_redaction_points(world: World) -> None:
    operator = await world.person("ana")
    for reason in ("first", "second", "third"):
        restored = partial(note_restore, restored=Restored(reason=reason))
        await world.run(restored, by=operator)
    with pytest.raises(InvalidInput):  # what explains a gap stays readable
        await world.run(partial(redact_audit_entry, sequence=1, reason="a name"), by=operator)
    await _tamper(world, "UPDATE audit_entries SET content = NULL, salt = NULL WHERE sequence = 2")
    assert await world.flaws() == {("Audit log", 2, "content_missing")}


# -- malformed rows -----------------------------------------------------------------------------

_MALFORMED_ANYWHERE = [
    "UPDATE timeline_entries SET content = '[1, 2]' WHERE sequence = 2",
    "UPDATE timeline_entries SET content = '\"words\"' WHERE sequence = 2",
    "UPDATE timeline_entries SET content = 'null' WHERE sequence = 2",
    "UPDATE timeline_entries SET salt = 'no hex' WHERE sequence = 2",
    "UPDATE timeline_entries SET salt = NULL WHERE sequence = 2",
    "UPDATE timeline_entries SET kind = '', actor_kind = '?' WHERE sequence = 2",
    'UPDATE timeline_entries SET content = \'{"role": {"a": 1e400}}\' WHERE sequence = 2',
]
_MALFORMED_ON_SQLITE = [
    "UPDATE timeline_entries SET content = 'no json' WHERE sequence = 2",
    "UPDATE timeline_entries SET content = CAST(X'FF' AS TEXT) WHERE sequence = 2",
    "UPDATE timeline_entries SET actor_name = CAST(X'FF' AS TEXT) WHERE sequence = 2",
    "UPDATE timeline_entries SET occurred_at = 'yesterday' WHERE sequence = 2",
    "UPDATE timeline_entries SET sequence = 'two' WHERE sequence = 2",
    "UPDATE timeline_entries SET id = 'no uuid' WHERE sequence = 2",
    "UPDATE timeline_entries SET target_id = 7 WHERE sequence = 2",
    "UPDATE incidents SET declared_at = 'yesterday'",
    "UPDATE incidents SET number = 'one'",
    "UPDATE incidents SET services = 'no json'",
    "UPDATE role_assignments SET started_at = 'yesterday'",
    "UPDATE counters SET value = 'many'",
]


@pytest.mark.parametrize("statement", _MALFORMED_ANYWHERE)
async def test_a_malformed_entry_is_reported(world: World, statement: str) -> None:
    await _incident(world)
    await _tamper(world, statement)
    assert await world.flaws() != set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("statement", _MALFORMED_ON_SQLITE)
async def test_what_only_sqlite_stores_is_reported(world: World, statement: str) -> None:
    await _incident(world)
    await _tamper(world, "PRAGMA ignore_check_constraints=ON", statement)
    assert await world.flaws() != set()


# -- rows beside the entries --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("title = 'Nothing much'", "title_differs"),
        ("summary = 'Somebody else did it'", "summary_differs"),
        ("impact = 'None'", "impact_differs"),
        ("resolution = 'It fixed itself'", "resolution_differs"),
        ("services = '[\"search\"]'", "services_differs"),
        ("severity_key = 'sev5'", "severity_key_differs"),
        ("severity_name = 'SEV5'", "severity_name_differs"),
        ("severity_rank = 5", "severity_rank_differs"),
        ("status = 'resolved'", "status_differs"),
        ("is_private = true", "is_private_differs"),
        ("detected_at = '2026-01-01 00:00:00.000000'", "detected_at_differs"),
        ("declared_at = '2026-01-01 00:00:00.000000'", "declared_at_differs"),
        ("acknowledged_at = NULL", "acknowledged_at_differs"),
        ("mitigated_at = NULL", "mitigated_at_differs"),
        ("resolved_at = '2026-01-01 00:00:00.000000'", "resolved_at_differs"),
        ("declared_by_id = NULL", "declared_by_id_differs"),
        ("duplicate_of_id = id", "duplicate_of_differs"),
        ("channel_id = 'C0OTHER'", "channel_differs"),
        ("channel_name = 'inc-9'", "channel_differs"),
        ("is_channel_archived = true", "channel_differs"),
    ],
)
async def test_a_row_that_says_otherwise_than_its_entries_is_noticed(
    world: World, change: str, problem: str
) -> None:
    await _incident(world)
    assert await world.flaws() == set()
    await _tamper(world, f"UPDATE incidents SET {change}")
    assert problem in await _problems(world)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE proposals SET status = 'approved'", "proposals_differ"),
        ("UPDATE proposals SET needs = 'nobody'", "proposals_differ"),
        ("UPDATE proposals SET answered_by_id = requested_by_id", "proposals_differ"),
        ("UPDATE proposals SET command = 'cancel'", "proposals_differ"),
        ("UPDATE proposals SET status = 'draft'", "proposals_differ"),
        ("UPDATE handoffs SET status = 'accepted'", "handoffs_differ"),
        ("UPDATE handoffs SET from_person_id = to_person_id", "handoffs_differ"),
        ("DELETE FROM handoffs", "handoffs_differ"),
    ],
)
async def test_a_proposal_or_handoff_that_was_changed_in_its_row_is_noticed(
    world: World, change: str, problem: str
) -> None:
    incident_id = await _incident(world)
    alice, bob = await world.person("alice"), await world.person("bob")
    words = ProposalWords(text="Restart it", risk="Slow for a minute", undo="Not needed")
    asked = partial(propose, ref=ById(incident_id), words=words, class_key="change")
    await world.run(asked, by=bob)
    named = Named(bob.external_id or "")
    await world.run(partial(propose_commander, ref=ById(incident_id), person=named), by=alice)
    assert await world.flaws() == set()
    await _tamper(world, change)
    assert await _problems(world) == {problem}


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM role_assignments",
        "UPDATE role_assignments SET role_key = 'deputy'",
        "UPDATE role_assignments SET ended_at = started_at",
        "UPDATE role_assignments SET person_id = (SELECT id FROM people WHERE name = 'bob')",
    ],
)
async def test_a_role_that_was_changed_in_its_row_is_noticed(world: World, change: str) -> None:
    await world.person("bob")
    await _incident(world)
    await _tamper(world, change)
    assert "roles_differ" in await _problems(world)


async def test_a_redacted_step_still_proves_the_status(world: World) -> None:
    incident_id = await _incident(world)
    steps = [one for one in await world.entries(incident_id) if one.kind == "status_changed"]
    redact = partial(redact_entry, ref=ById(incident_id), entry_id=steps[0].id)
    await world.run(redact)
    assert await world.flaws() == set()
    await _tamper(world, "UPDATE incidents SET status = 'investigating'")
    assert "status_differs" in await _problems(world)


async def _followed_up(world: World) -> uuid.UUID:
    """Return a resolved incident with a channel, action items and a published postmortem."""
    incident_id = await _incident(world)
    alice, bob = await world.person("alice"), await world.person("bob")
    ref, named = ById(incident_id), Named(bob.external_id or "")

    async def opened(uow: UnitOfWork) -> Outcome:
        channel = {"channel_id": "C0ONE", "channel_name": "inc-1"}
        await record_opened(uow, incident_id, **channel, is_private=False)
        return Outcome("opened")

    await world.run(opened)
    for words in ("Alert on a full disk", "ok"):
        await world.run(partial(add_action_item, ref=ref, text=words), by=alice)
    await world.run(partial(assign_action_item, ref=ref, number=1, owner=named), by=alice)
    await world.run(partial(complete_action_item, ref=ref, number=2), by=bob)
    resolution = Resolution(text="Rolled back", has_customer_impact=False)
    await world.run(partial(resolve, ref=ref, resolution=resolution), by=alice)
    await world.run(partial(set_postmortem_owner, ref=ref, owner=named), by=alice)
    edits = {"contributing_factors": SectionEdit("A full disk")}
    await world.run(partial(write_postmortem, ref=ref, edits=edits), by=bob)
    await world.run(partial(publish_postmortem, ref=ref, link="https://wiki/1"), by=bob)
    await world.run(partial(note_renamed, channel_id="C0ONE", name="inc-1-disk"), by=bob)
    await world.run(partial(note_archived, channel_id="C0ONE"), by=bob)
    return incident_id


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE action_items SET text = 'Nothing' WHERE number = 1", "action_items_differ"),
        ("UPDATE action_items SET owner_id = NULL", "action_items_differ"),
        ("UPDATE action_items SET status = 'done'", "action_items_differ"),
        ("UPDATE action_items SET due_on = '2026-01-01'", "action_items_differ"),
        ("DELETE FROM action_items WHERE number = 2", "action_items_differ"),
        ("UPDATE postmortems SET status = 'draft'", "postmortem_differs"),
        ("UPDATE postmortems SET link = 'https://elsewhere'", "postmortem_differs"),
        ("UPDATE postmortems SET due_on = '2027-01-01'", "postmortem_differs"),
        ("UPDATE postmortem_sections SET written_by_id = NULL", "postmortem_differs"),
        ("DELETE FROM postmortem_sections", "postmortem_differs"),
        ("UPDATE incidents SET channel_id = NULL", "channel_differs"),
        ("UPDATE incidents SET channel_name = 'inc-1'", "channel_differs"),
        ("UPDATE incidents SET is_channel_archived = false", "channel_differs"),
    ],
)
async def test_follow_up_that_was_changed_in_its_row_is_noticed(
    world: World, change: str, problem: str
) -> None:
    await _followed_up(world)
    assert await world.flaws() == set()
    await _tamper(world, change)
    assert await _problems(world) == {problem}


async def test_hidden_and_redacted_follow_up_still_proves(world: World) -> None:
    incident_id = await _followed_up(world)
    cleo = await world.person("cleo")
    await world.run(partial(claim_role, ref=ById(incident_id), role="scribe"), by=cleo)
    entries = await world.entries(incident_id)
    added = [one for one in entries if one.kind in {"action_item_added", "postmortem_published"}]
    for one in added:
        hide = partial(hide_entry, ref=ById(incident_id), entry_id=one.id, reason="a name")
        await world.run(hide, by=cleo)
    assert await world.flaws() == set()
    for one in added:
        await world.run(partial(reveal_entry, ref=ById(incident_id), entry_id=one.id), by=cleo)
    assert await world.flaws() == set()


async def test_a_duplicate_that_points_elsewhere_is_noticed(world: World) -> None:
    alice = await world.person("alice")
    for title in ("Checkout errors", "Search is slow", "Mail is late"):
        await world.declare(title, by=alice)
    original = parse_reference("INC-1")
    assert original is not None
    third = parse_reference("INC-3")
    assert third is not None
    await world.run(partial(claim_role, ref=ByReference(third), role="scribe"), by=alice)
    mark = partial(mark_duplicate, ref=ByReference(third), original=original)
    await world.run(mark, by=alice)
    assert await world.flaws() == set()
    second = "(SELECT id FROM incidents WHERE number = 2)"
    await _tamper(world, f"UPDATE incidents SET duplicate_of_id = {second} WHERE number = 3")
    assert await _problems(world) == {"duplicate_of_differs"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE incidents SET is_drill = 'maybe' WHERE number = 1",
        "UPDATE incidents SET number = 'one' WHERE number = 1",
        "UPDATE action_items SET number = 'one', due_on = 'soon'",
        "UPDATE action_items SET status = X'FF'",
        "UPDATE action_items SET text = CAST(X'FF' AS TEXT)",
    ],
)
async def test_a_malformed_original_or_action_item_is_a_finding(world: World, change: str) -> None:
    alice = await world.person("alice")
    for title in ("Checkout errors", "Search is slow"):
        await world.declare(title, by=alice)
    original, second = parse_reference("INC-1"), parse_reference("INC-2")
    assert original is not None
    assert second is not None
    await world.run(partial(claim_role, ref=ByReference(second), role="scribe"), by=alice)
    item = partial(add_action_item, ref=ByReference(second), text="Alert on a full disk")
    await world.run(item, by=alice)
    mark = partial(mark_duplicate, ref=ByReference(second), original=original)
    await world.run(mark, by=alice)
    await _tamper(world, change)
    assert await world.flaws() != set()


# -- what was deleted ---------------------------------------------------------------------------


def _cut(first: int) -> Sequence[str]:
    """Return the statements that delete a tail and move the head back to the entry before it."""
    head = f"(SELECT entry_hash FROM timeline_entries WHERE sequence = {first - 1})"
    return (
        f"UPDATE incidents SET last_sequence = {first - 1}, last_entry_hash = {head}",
        f"DELETE FROM timeline_entries WHERE sequence >= {first}",
    )


async def test_a_deleted_tail_with_the_head_moved_back_is_noticed(world: World) -> None:
    incident_id = await _incident(world)
    last = (await world.entries(incident_id))[-1].sequence
    await _tamper(world, *_cut(last))  # only a note: no row shows it, but its message was planned
    assert "entry_missing" in await _problems(world)


async def test_an_anchor_kept_elsewhere_tells_even_if_no_row_does(world: World) -> None:
    incident_id = await _incident(world)
    last = (await world.entries(incident_id))[-1]
    anchor = ChainHead(last.sequence, last.entry_hash[:32])
    assert (await _prove(world, "INC-1")).agrees_with(anchor)
    await _tamper(world, "DELETE FROM effects", *_cut(last.sequence))
    proof = await _prove(world, "INC-1")
    assert proof.flaws == ()  # the database alone can't know any more
    assert not proof.agrees_with(anchor)


async def test_a_deleted_incident_leaves_a_gap_in_the_numbers(world: World) -> None:
    alice = await world.person("alice")
    for title in ("one", "two", "three"):
        await world.declare(title, by=alice)
    gone = "(SELECT id FROM incidents WHERE number = 2)"
    tables = ("effects", "reminders", "participants", "timeline_entries")
    deletions = [f"DELETE FROM {table} WHERE incident_id = {gone}" for table in tables]
    await _tamper(world, *deletions, "DELETE FROM incidents WHERE number = 2")
    assert await world.flaws() == {("Numbers", 2, "incident_missing")}


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        (0, ("Numbers", 0, "incident_counter_differs")),
        (10**9, ("Numbers", 2, "incident_missing")),
    ],
)
async def test_a_counter_that_disagrees_is_noticed(
    world: World, value: int, flaw: tuple[str, int, str]
) -> None:
    await _incident(world)
    await _tamper(world, f"UPDATE counters SET value = {value}")
    assert flaw in await world.flaws()


async def test_a_restore_writes_its_gap_and_no_number_is_given_twice(world: World) -> None:
    alice = await world.person("alice")
    await world.declare("one", by=alice)
    restored = Restored(last_incident=4, reason="the disk broke")
    await world.run(partial(note_restore, restored=restored))
    again = Declaration(title="five", even_if_similar=True)
    outcome = await world.run(partial(declare, declaration=again), by=alice)
    assert outcome.data["reference"] == "INC-5"
    assert await world.flaws() == set()  # 2 to 4 are missing, and the audit log says why
    known = await world.run(partial(note_restore, restored=Restored(last_incident=5)))
    assert known.data["lost"] == []
    await _tamper(
        world, "UPDATE audit_entries SET content = NULL, salt = NULL", "DELETE FROM effects"
    )
    assert ("Numbers", 2, "incident_missing") in await world.flaws()
