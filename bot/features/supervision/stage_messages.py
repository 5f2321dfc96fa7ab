"""Wording of stages: for the person who sets one, the learner, and the mentors."""

from collections.abc import Sequence
from types import MappingProxyType

from bot.framework.arguments import NOBODY, Arguments, to_value
from bot.slack import blocks, mentions
from incidents.people.assignable import Named
from incidents.policy.policy import Policy
from incidents.rights.stages import Mentorship, Scope, Stage, StageRecord
from incidents.supervision.progress import StageLine

# The longest note that a form takes.
MAX_NOTE = 2000

MEANINGS = MappingProxyType(
    {
        Stage.OBSERVE: "they watch incidents beside a mentor, and write a debrief afterwards",
        Stage.ASSIST: "they take tasks and roles beside others, and ask before risky steps",
        Stage.LEAD: "they lead with a mentor beside them, and ask before risky steps",
        Stage.SOLO: "they work on their own",
    }
)

_OWN_MEANINGS = MappingProxyType(
    {
        Stage.OBSERVE: "you watch incidents beside a mentor, and write a debrief afterwards",
        Stage.ASSIST: "you take tasks and roles beside others, and ask before risky steps",
        Stage.LEAD: "you lead with a mentor beside you, and ask before risky steps",
        Stage.SOLO: "you work on your own",
    }
)

# One answer for everybody without access, so that it reveals nothing.
HIDDEN = (
    "Only the person, their mentors and people named in the policy see stages and progress. "
    "Ask the person to show you."
)


class Setting(Arguments, gone="mentor_asked"):
    """A stage to set for a person, with its scope, or a mentor to add, remove or answer for."""

    person: Named = NOBODY
    stage: str = ""
    role: str = ""
    service: str = ""
    up_to: str = ""
    note: str = ""
    mentor: Named | None = None
    former: Named | None = None
    agreed: Named | None = None
    declined: Named | None = None


def scope_words(scope: Scope, policy: Policy) -> str:
    """Return the scope of a stage in words, to follow the stage's name."""
    role = policy.find_role(scope.role_key) if scope.role_key else None
    service = policy.find_service(scope.service_key) if scope.service_key else None
    words = []
    if scope.role_key:
        words.append(f"as {_within(role.name) if role else scope.role_key}")
    if scope.service_key:
        words.append(f"for {service.name if service else scope.service_key}")
    return " ".join(words) or "in everything"


def _within(name: str) -> str:
    """Return a name for use within a sentence; abbreviations keep their capitals."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def stage_text(stage: Stage, scope: Scope, policy: Policy, *, up_to: str = "") -> str:
    """Return a stage with its scope, e.g. `*lead* as scribe for Checkout, up to SEV3`."""
    words = plain_stage(stage, scope, policy, up_to=up_to).removeprefix(stage)
    return f"*{stage}* {mentions.escape_line(words)}"


def plain_stage(stage: Stage, scope: Scope, policy: Policy, *, up_to: str = "") -> str:
    """Return a stage with its scope as plain text, e.g. `lead as scribe, up to SEV3`."""
    severity = policy.find_severity(up_to) if up_to else None
    limit = f", up to {severity.name if severity else up_to}" if up_to else ""
    return f"{stage} {scope_words(scope, policy)}{limit}"


def quoted(note: str) -> str:
    """Return a note as a quotation, or "" if it is empty."""
    if not note.strip():
        return ""
    return "\n" + "\n".join(f"> {line}" for line in mentions.escape(note).splitlines())


def told_to_person(record: StageRecord, policy: Policy) -> blocks.Message:
    """Tell a person that their stage was set."""
    stage = Stage(record.stage)
    stage_line = stage_text(stage, record.scope, policy, up_to=record.up_to)
    who, when = mentions.escape_line(record.set_by_name), mentions.date(record.set_at)
    opening = (
        f"{who} signed you off: you are now {stage_line} ({when})."
        if record.is_sign_off
        else f"Your stage is now {stage_line}, set by {who} ({when})."
    )
    text = f"{opening} That means: {_OWN_MEANINGS[stage]}.{quoted(record.note)}"
    hint = f"`{policy.command} progress` shows where you stand. Only you and your mentors see it."
    return _with_hint(text, hint)


def told_to_mentor(name: str, record: StageRecord, policy: Policy) -> blocks.Message:
    """Tell a mentor that somebody else set their mentee's stage."""
    stage = Stage(record.stage)
    what = "signed off to" if record.is_sign_off else "now"
    text = (
        f"{mentions.escape_line(name)} is {what} {stage_text(stage, record.scope, policy, up_to=record.up_to)}, by "
        f"{mentions.escape_line(record.set_by_name)} ({mentions.date(record.set_at)}). That means: "
        f"{MEANINGS[stage]}.{quoted(record.note)}"
    )
    return _with_hint(text, "I tell you this as their mentor. Please keep it between you.")


def mentorship_to_person(mentor: str, *, is_ended: bool, slash: str) -> blocks.Message:
    """Tell a person that they have a new mentor, or that one no longer mentors them."""
    who = mentions.mention(mentor)
    if is_ended:
        return _with_hint(f"{who} is no longer your mentor.", f"`{slash} progress` shows who is.")
    text = (
        f"{who} is now your mentor. Your mentor sees your progress, hears when you are stuck, and "
        "signs you off when you are ready. Ask early."
    )
    return _with_hint(text, f"`{slash} progress` shows what they see.")


def mentorship_to_mentor(person: str, *, is_ended: bool, slash: str) -> blocks.Message:
    """Tell a mentor that they supervise a person now, or no longer do."""
    who = mentions.mention(person)
    if is_ended:
        return _with_hint(
            f"You are no longer a mentor of {who}.", "There is nothing for you to do."
        )
    text = (
        f"You are now a mentor of {who}. If they get stuck in an incident, I ask you first. "
        "You can see their progress, and you sign them off."
    )
    return _with_hint(text, f"`{slash} progress {who}` shows where they stand.")


def mentorship_to_others(person: str, mentor: str, row: Mentorship) -> blocks.Message:
    """Tell the person who named a mentor, or another mentor, how the question ended."""
    of = f"a mentor of {mentions.mention(person)}"
    if not row.is_active and row.declined_by_id is None:
        text = f"{mentions.mention(mentor)} didn't become {of}: not everybody agreed in time."
        return _with_hint(
            text, "Talk to each other, then name a mentor again if you still want to."
        )
    if row.declined_by_id is not None:
        text = f"{mentions.mention(mentor)} didn't become {of}: somebody I asked declined."
        return _with_hint(text, "Talk to each other, then name somebody else.")
    text = f"{mentions.mention(mentor)} is now {of}."
    return _with_hint(text, "Please keep it between you.")


def mentor_question(
    person: str, mentor: str, *, is_own: bool, waits: bool, ended: str
) -> blocks.Message:
    """Ask the person, or a mentor of theirs, to agree to a mentor; without buttons once over."""
    who, named = mentions.mention(person), mentions.mention(mentor)
    text = (
        f"May {named} be your mentor? As your mentor, they see your progress and sign you off."
        if is_own
        else f"May {named} mentor {who} together with you? I ask you because you're their mentor."
    )
    if not waits:
        text = f"{text}\n{ended}"
        return blocks.Message(text=text, blocks=(blocks.section(text),))
    learner, candidate = Named(person), Named(mentor)
    buttons = blocks.actions(
        blocks.button(
            "Agree",
            action_id="mentor_agree",
            value=to_value(Setting(learner, agreed=candidate)),
            style="primary",
        ),
        blocks.button(
            "Decline",
            action_id="mentor_decline",
            value=to_value(Setting(learner, declined=candidate)),
        ),
    )
    return blocks.Message(text=text, blocks=(blocks.section(text), buttons))


def how_it_ended(row: Mentorship) -> str:
    """Return how the question about a mentor ended, or that an answer is still missing."""
    if row.asked_at is not None:
        return "You agreed. One more person has to answer."
    if row.is_active:
        return "Everybody agreed."
    return "Declined." if row.declined_by_id is not None else "This question has ended."


def renewal_to_person(record: StageRecord, policy: Policy) -> blocks.Message:
    """Tell a person that their sign-off is due for renewal."""
    text = (
        f"Your sign-off to {stage_text(Stage.SOLO, record.scope, policy)} is due for renewal: "
        f"{mentions.escape_line(record.set_by_name)} gave it on {mentions.date(record.set_at)}. Nothing changes "
        "for now. Find a time with your mentor to look back together."
    )
    return _with_hint(text, f"`{policy.command} progress` shows what you have done since.")


def renewal_to_mentor(person: str, record: StageRecord, policy: Policy) -> blocks.Message:
    """Tell a mentor that their mentee's sign-off is due for renewal."""
    who = mentions.mention(person)
    text = (
        f"The sign-off of {who} to {stage_text(Stage.SOLO, record.scope, policy)} is due for "
        f"renewal: {mentions.escape_line(record.set_by_name)} gave it on {mentions.date(record.set_at)}. Look "
        "back together, then renew it, or set another stage."
    )
    hint = f"`{policy.command} progress {who}` shows how they are doing and has the button."
    return _with_hint(text, hint)


def _with_hint(text: str, hint: str) -> blocks.Message:
    return blocks.Message(
        text=f"{text}\n{hint}", blocks=(blocks.section(text), blocks.context(hint))
    )


# -- forms ------------------------------------------------------------------------------------


def stage_form(policy: Policy, *, person: str | None) -> blocks.View:
    """Return the form to set a person's stage or name a mentor."""
    everything = blocks.option("Everything", value=_ANY)
    roles = [blocks.option(role.name, value=role.key) for role in policy.roles]
    services = [blocks.option(service.name, value=service.key) for service in policy.services]
    stages = [blocks.option(f"{stage}: {MEANINGS[stage]}"[:75], value=stage) for stage in Stage]
    limits = [
        blocks.option("All severities", value=_ANY),
        *(blocks.option(f"Up to {one.name}", value=one.key) for one in policy.severities),
    ]
    inputs = [
        blocks.user_select("person", label="Who", initial=person),
        blocks.radio("stage", label="Stage", options=stages, optional=True),
        blocks.select("role", label="As", options=(everything, *roles), initial=_ANY),
    ]
    if services:
        # Slack allows 100 options in a menu; the command reaches the other services.
        offered = (everything, *services[:99])
        inputs.append(blocks.select("service", label="For", options=offered, initial=_ANY))
    inputs += [
        blocks.select(
            "up_to",
            label="In",
            options=limits,
            initial=_ANY,
            hint="In worse incidents, their stage is one lower.",
        ),
        blocks.user_select("mentor", label="Mentor to add", optional=True),
        _note("Why? The person reads this.", optional=True),
    ]
    return blocks.modal("Stage", blocks=inputs, submit="Set")


class Line(Arguments, gone="progress"):
    """A stage with its scope; an empty key means every role or every service."""

    role_key: str
    service_key: str
    stage: Stage
    up_to: str = ""


def sign_off_form(name: str, lines: Sequence[StageLine], policy: Policy) -> blocks.View:
    """Return the form to sign off from these lines: each to the stage that follows it."""
    options = [
        blocks.option(
            plain_stage(line.following, line.scope, policy, up_to=line.up_to),
            value=to_value(
                Line(line.scope.role_key, line.scope.service_key, line.following, line.up_to)
            ),
        )
        for line in lines[:10]
    ]
    return blocks.modal(
        "Sign off",
        blocks=[
            blocks.context(
                f"{mentions.escape_line(name)} and their mentors hear of it, and nobody else."
            ),
            blocks.radio("line", label="To", options=options, initial=options[0].value),
            _note("What have you seen that makes you confident?", optional=False),
        ],
        submit="Sign off",
    )


_ANY = "*"


def chosen(value: str) -> str:
    """Return the key chosen in a form's menu; "" for everything."""
    return "" if value == _ANY else value


def _note(label: str, *, optional: bool) -> blocks.Block:
    return blocks.text_input(
        "note", label=label, multiline=True, optional=optional, max_length=MAX_NOTE
    )
