"""Six lines that fit the place, the incident's state and the person, for `help`."""

from collections.abc import Sequence
from typing import Final

from incidents.core.people import Actor
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER

# A line to send, and what it is for.
Line = tuple[str, str]

LINES: Final = 6

_ELSEWHERE: Final[Sequence[Line]] = (
    ("declare sev2 What you see", "Something is wrong? Say so; the rest can wait."),
    ("show list", "The open incidents."),
    ("INC-12 show", "How one of them stands."),
    ("show find checkout", "Look for an incident by its words."),
    ("oncall", "Who is on call for each service and severity."),
    ("learn drill", "Practise on an incident that isn't real."),
)
_TAKE: Final = ("role commander me", "Take command: nobody leads this yet.")
_NOTE: Final = ("note What you see or did", "Keep it on the timeline.")
_STATUS: Final = ("status identified sev2 What is known", "Say how far it is, and how bad.")
_ESCALATE: Final = ("escalate @someone What you need", "Call somebody who can help.")
_UPDATE: Final = ("update What everybody should know --next 30m", "Tell the people outside.")
_PROPOSE: Final = ("propose What to do", "Get agreement to a risky step.")
_RESOLVE: Final = ("resolve What fixed it", "End it.")
_REOPEN: Final = ("reopen Why", "It isn't over after all.")
_SHOW: Final = ("show", "How it stands.")
_TIMELINE: Final = ("show timeline", "What happened so far.")
_POSTMORTEM: Final = ("postmortem", "How far the postmortem is.")
_ACTION: Final = ("action @someone by 5d What is left to do", "Give out follow-up work.")
_EXPORT: Final = ("postmortem export", "The timeline as a file.")
_DECLARE: Final = ("declare sev2 What you see", "Something else is wrong.")


def fitting_lines(here: IncidentView | None, viewer: Actor) -> Sequence[Line]:
    """Return six lines, the most useful first."""
    if here is None:
        return _ELSEWHERE
    match here.status:
        case IncidentStatus.RESOLVED:
            close = ("close", "Nothing is left to do here.")
            return (_POSTMORTEM, _ACTION, close, _REOPEN, _NOTE, _TIMELINE)
        case IncidentStatus.CLOSED:
            return (_POSTMORTEM, ("action list", "What is left to do."), _REOPEN, *_PAST)
        case IncidentStatus.CANCELLED:
            return (_DECLARE, ("show list", "The open incidents."), _SHOW, _NOTE, *_PAST[:2])
    if here.is_drill:
        look = ("learn check", "Look at something in this drill.")
        return (look, ("learn act", "Do something in it."), *_working(here, viewer)[:4])
    return _working(here, viewer)


_PAST: Final = (_TIMELINE, _EXPORT, _DECLARE)


def _working(here: IncidentView, viewer: Actor) -> Sequence[Line]:
    commanders = {one.id for one in here.holders(COMMANDER)}
    is_mitigated = here.status is IncidentStatus.MITIGATED
    if not commanders:
        return (_TAKE, _NOTE, _ESCALATE, _STATUS, _UPDATE, _RESOLVE if is_mitigated else _SHOW)
    if viewer.person_id not in commanders:
        return (
            _NOTE,
            _ESCALATE,
            _PROPOSE,
            _SHOW,
            _TIMELINE,
            ("role", "Who does what; take a role."),
        )
    handoff = ("role handoff @someone What they should know", "Hand command to somebody.")
    checkin = ("action checkin @someone 10m Your question", "Ask one person, with a time box.")
    return (_UPDATE, _STATUS, checkin, _ESCALATE, _RESOLVE if is_mitigated else _PROPOSE, handoff)
