"""A redacted text is gone from the whole database: no table holds a copy of it any more."""

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import JSON, String, select

from incidents.core.ids import parse_reference
from incidents.core.people import Actor
from incidents.engine.transactions import RequestKey
from incidents.incident.incident import ById
from incidents.lifecycle.edit import Edit, edit
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.status import cancel, mark_duplicate, reopen
from incidents.postmortem.action_items import add_action_item
from incidents.postmortem.postmortem import SectionEdit, write_postmortem
from incidents.record.hiding import redact_entry
from incidents.record.notes import add_note
from incidents.record.words import REDACTED_TEXT
from incidents.registry.copies import COPIES
from incidents.registry.tables import metadata
from incidents.roles.assign import claim_role
from incidents.updates.post import UpdateDraft, post_update
from tests.world import World

SECRET = "the key is hunter2-hunter2-hunter2"


async def everything(world: World) -> dict[str, str]:
    """Return all text of every table, by table."""
    found: dict[str, str] = {}
    async with world.database.reading() as session:
        for table in metadata().sorted_tables:
            columns = [one for one in table.columns if isinstance(one.type, String | JSON)]
            if columns:
                rows = (await session.execute(select(*columns))).all()
                found[table.name] = "\n".join(str(tuple(row)) for row in rows)
    return found


async def holding(world: World, text: str) -> list[str]:
    """Return the tables that hold the text."""
    return [name for name, rows in (await everything(world)).items() if text in rows]


async def redact(world: World, incident_id: uuid.UUID, kind: str, **fields: Any) -> None:
    """Redact the last entry of this kind that nobody has redacted yet."""
    entries = [
        one
        for one in await world.entries(incident_id)
        if one.kind == kind
        and one.content is not None
        and all(one.content.get(name) == value for name, value in fields.items())
    ]
    use_case = partial(redact_entry, ref=ById(incident_id), entry_id=entries[-1].id)
    await world.run(use_case)


async def led_incident(world: World, by: Actor) -> uuid.UUID:
    """Declare an incident in which this person leads."""
    incident_id = await world.declare("Checkout errors", by=by)
    await world.run(partial(claim_role, ref=ById(incident_id), role="commander"), by=by)
    return incident_id


def _resolution(text: str, world: World) -> Resolution:
    now = world.clock.now()
    return Resolution(text=text, impact_started_at=now - timedelta(minutes=9), impact_ended_at=now)


async def test_a_declaration_takes_title_summary_and_impact_with_it(world: World) -> None:
    alice = await world.person("alice")
    details = {"summary": f"{SECRET} (summary)", "impact": f"{SECRET} (impact)"}
    incident_id = await world.declare(SECRET, by=alice, **details)
    renamed = partial(edit, ref=ById(incident_id), wanted=Edit(changes={"summary": "Clean"}))
    await world.run(renamed, by=alice)
    await redact(world, incident_id, "declared")
    assert await holding(world, SECRET) == []
    view = await world.view(incident_id)
    assert (view.title, view.summary, view.impact) == (REDACTED_TEXT, "Clean", REDACTED_TEXT)
    assert await world.flaws() == set()


async def test_a_resolution_is_gone_from_the_row_and_after_reopening(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await led_incident(world, alice)
    ref = ById(incident_id)
    done = partial(resolve, ref=ref, resolution=_resolution(SECRET, world))
    await world.run(done, by=alice, request=RequestKey("resolve"))
    await redact(world, incident_id, "status_changed", new="resolved")
    assert (await world.view(incident_id)).resolution == REDACTED_TEXT
    again = partial(reopen, ref=ref, reason="it is back")
    await world.run(again, by=alice)
    assert await holding(world, SECRET) == []


async def test_what_reopening_copied_is_gone_too(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await led_incident(world, alice)
    ref = ById(incident_id)
    await world.run(partial(resolve, ref=ref, resolution=_resolution(SECRET, world)), by=alice)
    await world.run(partial(reopen, ref=ref, reason="it is back"), by=alice)
    await redact(world, incident_id, "status_changed", new="resolved")
    assert await holding(world, SECRET) == []
    assert await world.flaws() == set()


async def test_an_action_item_loses_its_text_in_list_outcome_and_postmortem(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await led_incident(world, alice)
    ref = ById(incident_id)
    await world.run(partial(resolve, ref=ref, resolution=_resolution("fixed", world)), by=alice)
    added = partial(add_action_item, ref=ref, text=SECRET)
    await world.run(added, by=alice, request=RequestKey("action"))
    edits = {"contributing_factors": SectionEdit(text=f"Because {SECRET}. So there.")}
    await world.run(partial(write_postmortem, ref=ref, edits=edits), by=alice)
    assert {"action_items", "postmortem_sections", "processed_requests"} <= set(
        await holding(world, SECRET)
    )
    await redact(world, incident_id, "action_item_added")
    assert await holding(world, SECRET) == []
    assert f"Because {REDACTED_TEXT}. So there." in (await everything(world))["postmortem_sections"]


async def test_an_update_takes_the_impact_that_it_set(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    draft = UpdateDraft(text="We are on it", impact=SECRET)
    await world.run(partial(post_update, ref=ById(incident_id), draft=draft), by=alice)
    await redact(world, incident_id, "update_posted")
    assert await holding(world, SECRET) == []
    assert (await world.view(incident_id)).impact == REDACTED_TEXT


async def test_a_text_that_others_repeat_is_gone_from_their_entries(world: World) -> None:
    alice, ben = await world.person("alice"), await world.person("ben")
    incident_id = await world.declare("Checkout errors", by=alice)
    for person, words in ((alice, SECRET), (ben, f"Careful: {SECRET}!"), (ben, "something else")):
        await world.run(partial(add_note, ref=ById(incident_id), text=words), by=person)
    await redact(world, incident_id, "note", text=SECRET)
    assert await holding(world, SECRET) == []
    notes = [one for one in await world.entries(incident_id) if one.kind == "note"]
    assert [one.content is None for one in notes] == [True, True, False]


async def test_the_original_of_a_duplicate_loses_its_title_too(world: World) -> None:
    alice = await world.person("alice")
    await world.declare("Checkout errors", by=alice)
    duplicate_id = await world.declare(SECRET, by=alice)
    original = parse_reference("INC-1")
    assert original is not None
    duplicate = partial(mark_duplicate, ref=ById(duplicate_id), original=original)
    await world.run(duplicate)
    await redact(world, duplicate_id, "declared")
    assert await holding(world, SECRET) == []
    assert await world.flaws() == set()


async def test_a_reason_that_repeats_the_text_is_cleaned(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    await world.run(partial(add_note, ref=ById(incident_id), text=SECRET), by=alice)
    note = (await world.entries(incident_id))[-1]
    why = partial(redact_entry, ref=ById(incident_id), entry_id=note.id, reason=f"It says {SECRET}")
    await world.run(why)
    assert await holding(world, SECRET) == []


async def test_a_short_text_takes_nothing_else_with_it(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await world.declare("Checkout errors", by=alice)
    ref = ById(incident_id)
    for words in ("yes", "yes, we did", "yes"):
        await world.run(partial(add_note, ref=ref, text=words), by=alice)
    await redact(world, incident_id, "note", text="yes")
    notes = [one for one in await world.entries(incident_id) if one.kind == "note"]
    assert [one.content is None for one in notes] == [False, False, True]


async def test_what_a_redaction_keeps_holds_no_words(world: World) -> None:
    alice = await world.person("alice")
    incident_id = await led_incident(world, alice)
    why = partial(cancel, ref=ById(incident_id), reason=SECRET)
    await world.run(why, by=alice)
    await redact(world, incident_id, "status_changed")
    redacted = (await world.entries(incident_id))[-1]
    assert redacted.content is not None
    kept = redacted.content["kept"]
    assert (kept["old"], kept["new"], kept["reason"]) == ("triage", "cancelled", REDACTED_TEXT)
    assert await world.flaws() == set()


# Columns of text that hold no people's words from an entry: ids, keys, names, hashes, states.
_NO_WORDS = {
    "hidden_words": {"table_name", "row_key", "column_name", "salt"},
    "absences": "*", "audit_entries": "*", "audit_heads": "*", "captured_messages": "*",
    "checkins": "*", "counters": "*", "drill_runs": "*", "escalation_calls": "*",
    "escalation_ratings": "*", "escalation_steps": "*", "escalations": "*",
    "guidance_records": "*", "heartbeats": "*", "leases": "*", "marks": "*",
    "on_call_overrides": "*",
    "mentor_conversations": "*", "observations": "*", "pages": "*", "people": "*", "people_groups": "*",
    "trial_pages": "*",
    "role_assignments": "*", "shadowings": "*", "stage_records": "*", "subscriptions": "*",
    "timeline_entries": "*", "workspaces": "*",
    "action_items": {"status"}, "debriefs": {"shared_with"},
    "effects": {
        "kind", "payload", "lane", "coalesce_key", "status", "claimed_by", "correlation_id",
    },
    "handoffs": {"kind", "status"},
    "handovers": {"status", "delivery_error", "rating"},
    "incidents": {
        "services", "severity_key", "severity_name", "status", "channel_id", "channel_name",
        "channel_sharing", "last_entry_hash",
    },
    "deliveries": "*",
    "home_tabs": "*",
    "maintenances": {"status", "services"},
    "posted_messages": {"purpose", "channel_id", "message_ts", "earlier"},
    "postmortem_sections": {"key"},
    "postmortems": {"status"},
    "processed_requests": {"key"},
    "prompts": {"kind", "key", "status", "delivery_error", "answer"},
    "proposals": {"status", "class_key", "class_name", "needs", "command"},
    "reminders": {"kind", "subject_type", "status"},
}  # fmt: skip


def test_every_column_of_text_is_searched_or_known_to_hold_no_words() -> None:
    searched = {one.entity.__tablename__: set(one.columns) for one in COPIES}
    unknown = [
        f"{table.name}.{column.name}"
        for table in metadata().sorted_tables
        for column in table.columns
        if isinstance(column.type, String | JSON)
        and _NO_WORDS.get(table.name) != "*"
        and column.name not in searched.get(table.name, set())
        and column.name not in _NO_WORDS.get(table.name, set())
    ]
    assert unknown == []
