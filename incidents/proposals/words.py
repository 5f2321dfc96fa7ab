"""Words for entries about proposals, for tables and files."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from incidents.core.times import spoken_duration
from incidents.incident.timeline import EntryKind
from incidents.record.corrections import CorrectedEntry


def _proposed(entry: CorrectedEntry) -> str:
    number, text = entry.text("number"), entry.text("text")
    return _sentences(f"Proposal {number}: {text}", *_details(entry))


def _revised(entry: CorrectedEntry) -> str:
    head = f"Proposal {entry.text('number')}, version {entry.text('version')}: {entry.text('text')}"
    return _sentences(head, *_details(entry))


def _details(entry: CorrectedEntry) -> list[str]:
    labels = (
        ("Class", "class_name"),
        ("Risk", "risk"),
        ("To undo", "undo"),
        ("How we'll know", "check"),
    )
    return [f"{label}: {entry.text(name)}" for label, name in labels if entry.text(name)]


def _approved(entry: CorrectedEntry) -> str:
    return _sentences(f"{_name(entry)} approved by {_actor(entry)}", entry.text("reason"))


def _declined(entry: CorrectedEntry) -> str:
    return _sentences(f"{_name(entry)} declined by {_actor(entry)}", entry.text("reason"))


def _lapsed(entry: CorrectedEntry) -> str:
    return f"{_name(entry)} waits for an answer again: whoever approved it no longer can"


def _unanswered(entry: CorrectedEntry) -> str:
    minutes = int(entry.content.get("minutes") or 0)
    waited = spoken_duration(timedelta(minutes=max(minutes, 1)))
    step = "asked again" if entry.text("step") in {"1", "2"} else "still no answer"
    if entry.content.get("is_escalated"):
        step = "escalated"
    return f"{_name(entry)} unanswered for {waited}: {step}"


def _expired(entry: CorrectedEntry) -> str:
    if entry.content.get("is_incident_over"):
        return f"{_name(entry)} ended: the incident is over"
    if entry.content.get("was_answered"):
        return f"{_name(entry)} ended: not carried out in time"
    return f"{_name(entry)} ended without an answer; not approved"


def _broken(entry: CorrectedEntry) -> str:
    return _sentences(
        f"Break-glass: {_actor(entry)} goes ahead with {_name(entry).lower()} without approval",
        f"Reason: {entry.text('reason')}",
    )


def _result_asked(entry: CorrectedEntry) -> str:
    name = str((entry.content.get("person") or {}).get("name", ""))
    return f"{_name(entry)}, gone ahead with without approval: asked {name} what came of it"


def _carried_out(entry: CorrectedEntry) -> str:
    result = entry.text("result")
    return _sentences(f"{_name(entry)} carried out", f"Result: {result}" if result else "")


def _abandoned(entry: CorrectedEntry) -> str:
    return _sentences(f"{_name(entry)} abandoned", entry.text("reason"))


def _asked(entry: CorrectedEntry) -> str:
    box = spoken_duration(timedelta(seconds=int(entry.content.get("box_seconds") or 0)))
    return _sentences(f"Any strong objections to {_name(entry).lower()}?", f"Asked for {box}")


def _objected(entry: CorrectedEntry) -> str:
    return f"{_actor(entry)} objects to {_name(entry).lower()}: {entry.text('reason')}"


def _poll_ended(entry: CorrectedEntry) -> str:
    people = entry.content.get("people") or ()
    names = ", ".join(str(one.get("name", "")) for one in people if isinstance(one, Mapping))
    said = f"objections by {names}" if names else "no objections, so nobody is against it"
    return f"Strong objections to {_name(entry).lower()}: {said}"


def _name(entry: CorrectedEntry) -> str:
    return f"Proposal {entry.text('number')}"


def _actor(entry: CorrectedEntry) -> str:
    return entry.actor_name


def _sentences(*parts: str) -> str:
    said = [part.strip() for part in parts if part.strip()]
    ended = [part if part[-1] in ".!?…" else f"{part}." for part in said[:-1]]
    return " ".join([*ended, *said[-1:]])


PROPOSAL_FORMS: Mapping[str, Callable[[CorrectedEntry], str]] = MappingProxyType(
    {
        EntryKind.ACTION_PROPOSED: _proposed,
        EntryKind.PROPOSAL_REVISED: _revised,
        EntryKind.PROPOSAL_APPROVED: _approved,
        EntryKind.PROPOSAL_DECLINED: _declined,
        EntryKind.APPROVAL_LAPSED: _lapsed,
        EntryKind.PROPOSAL_UNANSWERED: _unanswered,
        EntryKind.PROPOSAL_EXPIRED: _expired,
        EntryKind.BREAK_GLASS: _broken,
        EntryKind.RESULT_ASKED: _result_asked,
        EntryKind.PROPOSAL_CARRIED_OUT: _carried_out,
        EntryKind.PROPOSAL_ABANDONED: _abandoned,
        EntryKind.OBJECTIONS_ASKED: _asked,
        EntryKind.OBJECTION_RAISED: _objected,
        EntryKind.OBJECTIONS_ENDED: _poll_ended,
    }
)
