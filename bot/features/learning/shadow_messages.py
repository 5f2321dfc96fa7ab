"""Wording of shadowing: the brief, messages to mentors, the list, the form, the question.

Only the shadow or the mentor reads any of it.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.framework.phrases import about, followed_text
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from bot.slack.truncation import shorten_mrkdwn
from incidents.engine.prompts import PromptView
from incidents.incident.views import IncidentView
from incidents.learning.shadowing import OwnShadowings, ShadowingView, WatchedIncident
from incidents.policy.policy import Policy

_LONGEST_LINE = 300


# -- the brief ------------------------------------------------------------------------------


def brief_message(
    incident: IncidentView, policy: Policy, *, followed: str, observation_id: str
) -> blocks.Message:
    """Return the brief: the incident, what to watch, and the questions of the debrief.

    `followed` is the mentor, role or service that the shadow follows, as mrkdwn.
    """
    section = policy.shadowing
    head = [
        f"You're shadowing in {about(incident)}, because you follow {followed}.",
        f"*What this is* {mentions.escape_line(incident.severity_name)}, {incident.status}",
        *([f"*Impact* {mentions.escape_line(incident.impact)}"] if incident.impact.strip() else []),
        f"*Roles* {_roles(incident)}",
    ]
    what = "\n".join(shorten_mrkdwn(line, _LONGEST_LINE) for line in head)
    watch = _list("*Watch*", [f"• {mentions.escape_line(line)}" for line in section.watch])
    asked = _list(
        "*Asked afterwards*",
        [f"{n}. {mentions.escape_line(q)}" for n, q in enumerate(section.questions, start=1)],
    )
    manner = (
        "Watch, and leave acting and the channel to the responders. At a decision I may ask you "
        "here what you would do; your answers are for you and your mentor only."
    )
    stop = blocks.button(
        "Stop watching this one", action_id="shadow_watch_stop", value=observation_id
    )
    parts = [part for part in (what, watch, asked, manner) if part]
    return blocks.Message(
        text="\n".join(parts),
        blocks=(*(blocks.section(part) for part in parts), blocks.actions(stop)),
    )


def brief_over(incident: IncidentView) -> blocks.Message:
    """Return the text that replaces the brief once the watching or the incident is over."""
    if incident.is_open:
        return say(f"You no longer watch {about(incident)}.")
    return say(f"{about(incident)} is {incident.status}. You watched it as a shadow.")


def _roles(incident: IncidentView) -> str:
    held = [
        f"{mentions.escape_line(r.role_name)}: {mentions.escape_line(r.person.name)}"
        for r in incident.roles
    ]
    return " · ".join(held) or "none taken yet"


def _list(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, *lines]) if lines else ""


# -- messages to mentor and shadow ----------------------------------------------------------


def until_text(until_at: datetime | None) -> str:
    """Return in words when the shadowing ends."""
    return (
        f"until {mentions.date(until_at)}" if until_at is not None else "until one of you stops it"
    )


def told_mentor(view: ShadowingView) -> blocks.Message:
    """Tell the mentor who shadows them, or that the shadowing has ended."""
    shadow = mentions.mention(view.person.external_id)
    if view.ended_at is not None:
        return say(f"{shadow} no longer shadows you (since {mentions.date(view.ended_at)}).")
    text = (
        f"{shadow} shadows you {until_text(view.until_at)}. I bring them into incidents in "
        "which you take a role, never into private ones, to watch and learn. After each they "
        "write a short debrief that comes to you alone. Show them what you look at when there "
        "is a quiet minute."
    )
    stop = blocks.button("Stop it", action_id="shadow_stop", value=str(view.id))
    return say(text, stop)


def told_shadow(view: ShadowingView) -> blocks.Message:
    """Tell the shadow who ended the shadowing."""
    by = mentions.escape_line(view.ended_by.name) if view.ended_by else "Somebody"
    return say(
        f"{by} has ended your shadowing of {followed_text(view)}. I won't bring you into more "
        "incidents. If I asked you for a debrief, it's still welcome."
    )


# -- answers to commands --------------------------------------------------------------------


def started(view: ShadowingView, *, brought_to: int) -> blocks.Message:
    """Return the reply to a person who starts shadowing or changes when it ends."""
    told = " I've told them." if view.mentor is not None else ""
    now = ""
    if brought_to:
        incidents = (
            "one incident that is" if brought_to == 1 else f"{brought_to} incidents that are"
        )
        now = f" I'm bringing you into {incidents} under way."
    ends = f" until {mentions.date(view.until_at)}" if view.until_at else ""
    return say(
        f"You shadow {followed_text(view)}{ends}.{told} When there is an incident, I "
        f"invite you to its channel and send you a brief; never for private ones.{now}"
    )


def stopped(count: int) -> blocks.Message:
    """Return the reply to a person who stopped shadowing."""
    what = "You've stopped shadowing" if count <= 1 else f"You've stopped all {count} shadowings"
    return say(f"{what}. If I asked you for a debrief, it's still welcome.")


def own_list(own: OwnShadowings, *, slash: str) -> blocks.Message:
    """Return a person's list: who they shadow, who shadows them, what they watch or must write."""
    if not (own.own or own.of_me or own.watched):
        text = (
            "You shadow nobody, and nobody shadows you. "
            f"`{slash} shadow @someone` follows a mentor, `{slash} shadow commander` a role."
        )
        return _with_start(text, (blocks.section(text),))
    rows = [
        *((f"You shadow {followed_text(one)} {until_text(one.until_at)}.", one) for one in own.own),
        *(
            (
                f"{mentions.escape_line(one.person.name)} shadows you {until_text(one.until_at)}.",
                one,
            )
            for one in own.of_me
        ),
    ]
    body = [
        blocks.section(
            text, accessory=blocks.button("Stop", action_id="shadow_stop", value=str(one.id))
        )
        for text, one in rows
    ]
    body += [_watched_row(one) for one in own.watched]
    lines = [text for text, _ in rows] + [_watched_text(one) for one in own.watched]
    return _with_start("\n".join(lines), tuple(body))


def _watched_text(one: WatchedIncident) -> str:
    where = f" in {mentions.channel_link(one.channel_id)}" if one.channel_id else ""
    what = f"*{one.reference}* {mentions.escape_line(one.title)}{where}"
    return f"You watch {what}." if one.is_running else f"Your debrief of {what} isn't written yet."


def _watched_row(one: WatchedIncident) -> blocks.Block:
    if one.debrief_id is not None:
        write = blocks.button("Write", action_id="debrief_open", value=str(one.debrief_id))
        return blocks.section(_watched_text(one), accessory=write)
    stop = blocks.button("Stop", action_id="shadow_watch_stop", value=str(one.observation_id))
    return blocks.section(_watched_text(one), accessory=stop)


def _with_start(text: str, body: tuple[blocks.Block, ...]) -> blocks.Message:
    start = blocks.button("Shadow somebody…", action_id="shadow_open")
    return blocks.Message(text=text, blocks=(*body, blocks.actions(start)))


# -- forms ----------------------------------------------------------------------------------


def shadow_form(policy: Policy, *, mentor: str | None = None) -> blocks.View:
    """Return the form to start shadowing; `mentor` is a user id to preselect."""
    roles = [blocks.option(role.name, value=role.key) for role in policy.roles]
    services = [blocks.option(service.name, value=service.key) for service in policy.services]
    return blocks.modal(
        "Shadow",
        blocks=[
            blocks.section(
                "Choose a mentor, a role or a service. I bring you into its incidents; you "
                "watch, and write a short debrief after each."
            ),
            blocks.user_select("mentor", label="A mentor", initial=mentor, optional=True),
            blocks.select("role", label="or a role", options=roles, optional=True),
            *(
                [blocks.select("service", label="or a service", options=services, optional=True)]
                if services
                else []
            ),
            blocks.text_input(
                "until",
                label="Until",
                optional=True,
                max_length=20,
                placeholder="2w",
                hint="A date such as 2026-12-01, or from today: 10d, 2w. Empty: until stopped.",
            ),
        ],
        submit="Shadow",
    )


# -- the question at a decision -------------------------------------------------------------


def decision_prompt(prompt: PromptView, incident: IncidentView, _policy: Policy) -> blocks.Message:
    """Return the private question at a decision, or the answer, or that it is no longer asked."""
    asked = f"{about(incident)}: {_decision(prompt)}"
    if prompt.answered_at is not None:
        if not prompt.text:
            return say(f"{asked}\nLeft open.")
        when = mentions.date(prompt.answered_at, "{time}")
        said = f"{asked}\nYour answer ({when}): {mentions.escape(prompt.text)}"
        return blocks.Message(text=said, blocks=blocks.paragraphs(said))
    if not prompt.is_open:
        return say(f"{asked}\nNo longer asked.")
    text = f"{asked} *What would you do now?* For you and your mentor only."
    buttons = (
        blocks.button("Answer…", action_id="decision_open", value=str(prompt.id), style="primary"),
        blocks.button("Not now", action_id="decision_skip", value=str(prompt.id)),
    )
    return say(text, *buttons)


def _decision(prompt: PromptView) -> str:
    to = mentions.escape_line(str(prompt.data.get("to") or ""))
    match prompt.data.get("decision"):
        case "status":
            return f"the status is {to} now."
        case "severity":
            return f"the severity is {to} now."
        case "handoff":
            return "command is changing hands."
        case "proposal":
            return "somebody proposes an action and waits for agreement; the channel has it."
    return "something was decided."


def decision_form(prompt: PromptView, incident: IncidentView) -> blocks.View:
    """Return the form to answer the question at a decision."""
    return blocks.modal(
        "What would you do now?",
        blocks=[
            blocks.context(f"{incident.reference} {mentions.escape_line(incident.title)}"),
            blocks.section(_decision(prompt).capitalize()),
            blocks.text_input(
                "text",
                label="What, and why?",
                multiline=True,
                max_length=2000,
                hint="Kept with its time for you and your mentor. Nobody else sees it.",
            ),
        ],
        submit="Keep",
    )
