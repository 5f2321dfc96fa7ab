"""Renders roles: who holds them, entries about them, and messages to role holders."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from bot.framework.arguments import NOBODY, OnIncident, on_incident, to_value
from bot.framework.entry_messages import Ending, ended_with, told_message
from bot.framework.phrases import about, actor_of_entry, named
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.engine.unit_of_work import Outcome
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.incident.views import EntryView, IncidentView, RoleView
from incidents.people.assignable import Named
from incidents.policy.policy import COMMANDER, Policy, Role
from incidents.roles.entries import CommanderAsked, CommanderMissing

_MINUTES_OF_AN_HOUR = 60


RoleTaken = RoleAssigned | CommanderChanged


class OneRole(OnIncident):
    """A role of an incident, by key or name, and its new holder; NOBODY releases it."""

    role: str = ""
    person: Named = NOBODY


# -- entries --------------------------------------------------------------------------------


def replaced_directly(
    assigned: RoleAssigned, entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the message to the previous holder when the role went to somebody else."""
    role = mentions.escape_line(assigned.role_name)
    by = _assigned_by(assigned, entry)
    return say(
        f"{about(incident)}: {named(assigned.person)} is {role} now, in your place{by}. "
        "Tell them what is still open."
    )


def ended_entry(ended: RoleEnded, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return that somebody no longer holds a role; for command, ask who takes it."""
    if ended.role != COMMANDER:
        return told_message(entry, incident)
    button = take_command_button(incident)
    return told_message(entry, incident, button, asks="Who takes command?")


def ended_directly(ended: RoleEnded, entry: EntryView, incident: IncidentView) -> blocks.Message:
    """Return the message to somebody whose role another person ended."""
    role = mentions.escape_line(ended.role_name)
    return say(f"{about(incident)}: you are no longer {role} (by {actor_of_entry(entry)}).")


def missing_entry(
    missing: CommanderMissing, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the question who takes command; addresses the policy's backup, if there is one."""
    lasting = _minutes(missing.minutes)
    if missing.backup is not None:
        since = f"Still nobody in command after {lasting}" if missing.minutes else "Nobody leads"
        text = (
            f"{since}. {named(missing.backup)}, you're the backup: please take command, or ask "
            "somebody else to."
        )
    else:
        # A policy may ask before a minute has passed.
        since = (
            f"Nobody has been in command for {lasting}" if missing.minutes else "No commander yet"
        )
        text = (
            f"{since}. Who takes it? You needn't be an expert: "
            "decide, delegate, keep the rhythm. You can hand off at any time."
        )
    return say(text, take_command_button(incident))


def _minutes(count: int) -> str:
    """Return minutes in words; from an hour on, in hours."""
    if count >= _MINUTES_OF_AN_HOUR:
        return spoken_duration(timedelta(minutes=count))
    return "1 minute" if count == 1 else f"{count} minutes"


def missing_directly(
    missing: CommanderMissing, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the direct message to the backup."""
    lasting = f"has been in command for {_minutes(missing.minutes)}"
    since = f"nobody {lasting if missing.minutes else 'leads'}"
    text = (
        f"{about(incident)} ({mentions.escape_line(incident.severity_name)}, {incident.status}): "
        f"{since}. You're the backup: please take command, or ask somebody else to."
    )
    return say(text, take_command_button(incident))


def asked_directly(
    _asked: CommanderAsked, _entry: EntryView, incident: IncidentView
) -> blocks.Message:
    """Return the direct message to who is on call for command."""
    text = (
        f"{about(incident)} ({mentions.escape_line(incident.severity_name)}, {incident.status}): "
        "you're on call for command, and nobody has it yet. Please take command, or ask somebody "
        "else to."
    )
    return say(text, take_command_button(incident))


async def command_ending(
    _session: AsyncSession, _entry: EntryView, incident: IncidentView
) -> Ending | None:
    """Return who took command, to replace the question who takes it."""
    commander = next(iter(incident.holders(COMMANDER)), None)
    if commander is None:
        return ended_with(incident)
    return Ending(f"{mentions.mention(commander.external_id)} has command.")


def take_command_button(
    incident: IncidentView, *, style: Literal["primary"] | None = "primary"
) -> blocks.ButtonElement:
    """Return the button that takes command."""
    return blocks.button(
        "Take command", action_id="role_take_command", value=on_incident(incident), style=style
    )


# -- direct messages to a role's holder -------------------------------------------------------


def holder_message(
    entry: EntryView, incident: IncidentView, *, role: Role | None, slash: str
) -> blocks.Message:
    """Return the message to a new role holder: the role, its duties and its checklist."""
    taken = _role_taken(entry)
    stored_name = taken.role_name if isinstance(taken, RoleAssigned) else ""
    name = mentions.escape_line(role.name if role else stored_name or "commander")
    lead = f"{about(incident)} ({mentions.escape_line(incident.severity_name)}, {incident.status})"
    text = f"{lead}: you're now *{name}*{_how(taken, entry)}."
    if role is None:
        return say(text)
    ending = f"Can't take it? Pass it on with `{slash} {_give_on(role)}` in the incident channel."
    parts = [text, *_duties_of(role), ending]
    body = [
        blocks.section(text),
        *blocks.paragraphs(parts[1]),
        *blocks.paragraphs(parts[2]),
        blocks.context(ending),
    ]
    return blocks.Message(text="\n".join(parts), blocks=tuple(body))


def duties_message(view: IncidentView, policy: Policy, *, viewer_id: Any) -> blocks.Message:
    """Return the duties and checklists of the viewer's own roles."""
    held = [policy.find_role(one.role_key) for one in view.roles if one.person.id == viewer_id]
    parts: list[str] = []
    for role in [role for role in held if role is not None]:
        parts += [f"*{mentions.escape_line(role.name)}*", *_duties_of(role)]
    text = "\n".join(parts) or f"You have no role in {view.reference} now."
    return blocks.Message(text=text, blocks=tuple(blocks.paragraphs(text)))


def _duties_of(role: Role) -> tuple[str, str]:
    duties = "\n".join(f"• {mentions.escape_line(duty)}" for duty in role.duties)
    steps = "\n".join(
        f"{number}. {mentions.escape_line(step)}"
        for number, step in enumerate(role.checklist, start=1)
    )
    return f"*You answer for*\n{duties}", f"*Checklist*\n{steps}"


def _give_on(role: Role) -> str:
    return "handoff @someone" if role.key == COMMANDER else f"role {role.name.lower()} @someone"


def _role_taken(entry: EntryView) -> RoleTaken:
    payload_type = CommanderChanged if entry.kind == CommanderChanged.kind else RoleAssigned
    return payload_type.read(entry.content) or payload_type()


def _how(taken: RoleTaken, entry: EntryView) -> str:
    previous = named(taken.previous)
    match taken:
        case CommanderChanged():
            return f", in place of {previous}"
        case RoleAssigned():
            by = _assigned_by(taken, entry)
            return f"{by}, in place of {previous}" if previous else by


def _assigned_by(assigned: RoleAssigned, entry: EntryView) -> str:
    is_own = assigned.person.id == entry.actor_id
    return "" if is_own else f", assigned by {actor_of_entry(entry)}"


# -- who holds what -------------------------------------------------------------------------


def roles_message(
    view: IncidentView, policy: Policy, *, viewer_id: Any, lead: str = ""
) -> blocks.Message:
    """Return who holds which role, with the buttons that the viewer can use."""
    title = f"Roles in {view.reference}"
    lines = [_role_line(view, role) for role in policy.roles]
    # People can still hold roles that the policy no longer has.
    known = {role.key for role in policy.roles}
    gone = [
        f"*{mentions.escape_line(held.role_name)}*: {_person(held)}"
        for held in view.roles
        if held.role_key not in known
    ]
    is_over = view.status in {IncidentStatus.CLOSED, IncidentStatus.CANCELLED}
    body: list[blocks.Block] = [blocks.section(lead)] if lead else []
    body.append(blocks.header(title))
    for role, line in zip(policy.roles, lines, strict=True):
        way = None if is_over else _accessory(view, role, viewer_id=viewer_id)
        body.append(blocks.section(line, accessory=way))
    body += [blocks.section(line) for line in gone]
    if not is_over:
        body.append(blocks.actions(*_ways(view, viewer_id=viewer_id)))
    text = "\n".join([*([lead] if lead else []), title, *lines, *gone])
    return blocks.Message(text=text, blocks=tuple(body))


def _role_line(view: IncidentView, role: Role) -> str:
    held = [item for item in view.roles if item.role_key == role.key]
    who = ", ".join(
        f"{_person(item)} since {mentions.date(item.started_at, '{time}')}" for item in held
    )
    return f"*{mentions.escape_line(role.name)}*: {who or 'nobody'}"


def _person(held: RoleView) -> str:
    return mentions.escape_line(held.person.name)


def _accessory(view: IncidentView, role: Role, *, viewer_id: Any) -> blocks.ButtonElement | None:
    holders = view.holders(role.key)
    value = to_value(OneRole(ById(view.id), view.version, role.key))
    if any(person.id == viewer_id for person in holders):
        return blocks.button("Give up", action_id="role_release", value=value)
    if holders and (role.exclusive or role.key == COMMANDER):
        return None
    return blocks.button("Take", action_id="role_claim", value=value)


def _ways(view: IncidentView, *, viewer_id: Any) -> list[blocks.ButtonElement]:
    value = on_incident(view)
    buttons = [blocks.button("Assign somebody…", action_id="role_assign_open", value=value)]
    commanders = view.holders(COMMANDER)
    if any(person.id == viewer_id for person in commanders):
        buttons.append(blocks.button("Hand off…", action_id="handoff_offer_open", value=value))
    elif commanders:
        buttons.append(blocks.button("Take over…", action_id="handoff_take_over_open", value=value))
    return buttons


def assign_form(view: IncidentView, policy: Policy) -> blocks.View:
    """Return the form that assigns a role."""
    roles = [blocks.option(role.name, value=role.key) for role in policy.roles]
    return blocks.modal(
        f"Roles in {view.reference}",
        blocks=[
            *blocks.paragraphs("\n".join(_role_line(view, role) for role in policy.roles)),
            blocks.select("role", label="Role", options=roles),
            blocks.user_select("person", label="Who takes it?"),
            blocks.context(
                "I invite them to the channel and send them the duties and a checklist. "
                "If somebody has command, I offer it or ask for it."
            ),
        ],
        submit="Assign",
    )


# By whether it is their own role.
_THE_DUTIES = (
    "I'm sending them the duties and a checklist.",
    "Start with the checklist I'm sending you.",
)


def outcome_text(outcome: Outcome, *, external_id: str | None, slash: str) -> str:
    """Return the reply to the person who changed or requested a role."""
    data = outcome.data
    reference, role = data.get("reference", ""), mentions.escape_line(data.get("role_name", ""))
    is_self = data.get("external_id") == external_id
    who = "You're" if is_self else f"{mentions.escape_line(data.get('person', ''))} is"
    match outcome.kind:
        case "assigned":
            return f"{who} now *{role}* of {reference}. {_THE_DUTIES[is_self]}"
        case "offered":
            person = mentions.escape_line(data.get("person", ""))
            return (
                f"I've offered command of {reference} to {person}, with a brief. You command until "
                f"{person} accepts. No answer? Then I'll tell you and call the backup."
            )
        case "requested":
            person = mentions.escape_line(data.get("person", ""))
            return (
                f"I've asked {person} for command of {reference}. Nothing changes until {person} agrees. "
                f"Urgent? Press *Take over…* on the request, or type `{slash} takeover why`"
            )
        case "moved":
            previous = mentions.escape_line(data.get("previous", ""))
            told = previous if who == "You're" else "both"
            return f"{who} now in command of {reference}, in place of {previous}. I've told {told}."
        case "kept":
            return f"You keep command of {reference}. I've withdrawn what was pending."
        case "declined":
            return (
                f"You declined, and I've told the others. Command of {reference} stays where it is."
            )
        case "withdrawn":
            return f"Withdrawn. Command of {reference} stays where it is."
        case "asked":
            person = mentions.escape_line(data.get("person", ""))
            return (
                f"I've asked {person} to take command of {reference}. Nobody leads until {person} "
                f"accepts. Can you? `{slash} role commander me`"
            )
        case "successor_asked":
            person = mentions.escape_line(data.get("person", ""))
            return (
                f"You've stepped down: nobody leads {reference} now. I've asked {person} to take "
                f"command. Changed your mind? `{slash} role commander me`"
            )
        case "stepped_down":
            backup = mentions.escape_line(data.get("backup", ""))
            called = (
                f"called {backup}, the backup" if backup else "asked in the channel who takes it"
            )
            return (
                f"You've stepped down: nobody leads {reference} now. I've {called}. "
                f"Changed your mind? `{slash} role commander me`"
            )
        case "released":
            return f"Nobody is *{role}* of {reference} now."
    return f"Done: {reference}."
