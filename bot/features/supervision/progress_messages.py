"""Wording of progress: short lines, no ranking, kind about what is missing."""

from collections.abc import Iterator
from datetime import timedelta
from types import MappingProxyType

from bot.features.supervision.stage_messages import quoted, stage_text
from bot.slack import blocks, mentions
from incidents.core.times import spoken_duration
from incidents.policy.policy import Policy
from incidents.rights.stages import Stage
from incidents.supervision.progress import Counts, Month, Need, ProgressView, StageLine, Tally

MOST_STAGES = 12
MOST_MONTHS = 6
MOST_KEYS = 10

# Text for each unmet need; `{left}` is `{wanted}` minus `{have}`.
_MISSING = MappingProxyType(
    {
        "observed": "{left} more to observe",
        "assisted": "{left} more to assist in",
        "led": "{left} more to lead",
        "drills": "{left} more in drills",
        "escalations": "{left} more escalations",
        "completeness": "completeness of escalations {have}, needs {wanted}",
        "answered": "{have} % of prompts answered, needs {wanted} %",
        "debriefs": "{left} more debriefs",
    }
)


def progress_message(
    view: ProgressView, policy: Policy, *, can_sign_off: bool, can_set: bool
) -> blocks.Message:
    """Return a person's progress, with the buttons that this viewer may press."""
    title = "Your progress" if view.is_own else f"Progress of {mentions.escape_line(view.name)}"
    sections = [f"*{title}*", *_sections(view, policy)]
    buttons = list(_buttons(view, can_sign_off=can_sign_off, can_set=can_set))
    note = _who_sees(view)
    body = [blocks.section(text) for text in sections]
    if buttons:
        body.append(blocks.actions(*buttons))
    body.append(blocks.context(note))
    return blocks.Message(text="\n\n".join((*sections, note)), blocks=tuple(body))


def signable(view: ProgressView) -> tuple[StageLine, ...]:
    """Return the stages that can be signed off: all below solo, and solo with a renewal date."""
    return tuple(
        line for line in view.stages if line.stage is not Stage.SOLO or line.renewal_due_at
    )


def _sections(view: ProgressView, policy: Policy) -> Iterator[str]:
    yield _stages(view, policy)
    yield _incidents(view.real, policy)
    asking = list(_asking(view, policy))
    if asking:
        yield "\n".join(asking)
    if view.months:
        lines = [_month(month) for month in view.months[-MOST_MONTHS:]]
        yield "\n".join(("*Over time*", *lines))
    if view.drills.overall.total:
        yield f"*Drills*, counted apart: {_counts(view.drills.overall)}"


def _stages(view: ProgressView, policy: Policy) -> str:
    if not view.stages:
        return "*Stages*\nNo stage is recorded: solo in everything."
    lines = [_stage(line, policy) for line in view.stages[:MOST_STAGES]]
    left = len(view.stages) - MOST_STAGES
    if left > 0:
        lines.append(f"… and {left} more; the export has them all")
    return "\n".join(("*Stages*", *lines))


def _stage(line: StageLine, policy: Policy) -> str:
    verb = "signed off by" if line.is_sign_off else "set by"
    origin = (
        f"{verb} {mentions.escape_line(line.set_by)}, {mentions.date(line.since)}"
        if line.since is not None
        else "from the policy"
    )
    said = [f"• {stage_text(line.stage, line.scope, policy, up_to=line.up_to)} ({origin})"]
    if line.renewal_due_at is not None:
        due = "*due for renewal* since" if line.is_renewal_due else "to be renewed by"
        said.append(f"{due} {mentions.date(line.renewal_due_at)}")
    following = line.stage.following
    if following is not None and line.needs:
        missing = "; ".join(missing_text(need) for need in line.missing)
        said.append(f"For *{following}*: {missing or 'nothing is missing'}")
    return f"{'. '.join(said)}{quoted(line.note)}"


def missing_text(need: Need) -> str:
    """Return in a few words what is missing for a need of the policy."""
    pattern = _MISSING.get(need.key, "{have} of {wanted}")
    text = pattern.format(left=need.wanted - need.have, have=need.have, wanted=need.wanted)
    one = {"1 more escalations": "1 more escalation", "1 more debriefs": "1 more debrief"}
    return one.get(text, text)


def _incidents(tally: Tally, policy: Policy) -> str:
    if not tally.overall.total:
        return "*Incidents*\nNone so far."
    lines = ["*Incidents*", _counts(tally.overall)]
    named = [(_severity_name(key, policy), counts) for key, counts in tally.by_severity]
    lines += _by("By severity", named)
    named = [(_service_name(key, policy), counts) for key, counts in tally.by_service]
    lines += _by("By service", named)
    return "\n".join(lines)


def _by(title: str, named: list[tuple[str, Counts]]) -> Iterator[str]:
    if not named:
        return
    shown = [f"{name} ({_counts(counts)})" for name, counts in named[:MOST_KEYS]]
    more = len(named) - MOST_KEYS
    if more > 0:
        shown.append(f"and {more} more")
    yield f"{title}: {'; '.join(shown)}"


def _counts(counts: Counts) -> str:
    parts = ((counts.observed, "observed"), (counts.assisted, "assisted"), (counts.led, "led"))
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _severity_name(key: str, policy: Policy) -> str:
    found = policy.find_severity(key)
    return mentions.escape_line(found.name if found else key)


def _service_name(key: str, policy: Policy) -> str:
    found = policy.find_service(key)
    return mentions.escape_line(found.name if found else key)


def _asking(view: ProgressView, policy: Policy) -> Iterator[str]:
    if view.escalations:
        aim = round(policy.figures.escalation_quality * 100)
        yield (
            f"*Escalations*: {view.escalations} sent, {view.completeness} of 100 complete on "
            f"average (aim: {aim})"
        )
    if view.to_evidence is not None:
        aim_text = _duration(policy.figures.time_to_evidence)
        yield f"*Time to evidence*: {_duration(view.to_evidence)} in the middle (aim: {aim_text})"
    if view.prompts:
        yield f"*Prompts*: {view.answered} of {view.prompts} answered"
    if view.debriefs_asked:
        yield f"*Debriefs*: {view.debriefs} of {view.debriefs_asked} written"


def _month(month: Month) -> str:
    said = []
    if month.escalations:
        said.append(f"escalations {month.escalations}, completeness {month.completeness}")
    if month.to_evidence is not None:
        said.append(f"time to evidence {_duration(month.to_evidence)}")
    if month.prompts:
        said.append(f"prompts {month.answered} of {month.prompts}")
    if month.debriefs:
        said.append(f"debriefs {month.debriefs}")
    return f"• {month.name}: {'; '.join(said) or 'incidents only'}"


def _duration(duration: timedelta) -> str:
    return spoken_duration(max(duration, timedelta(seconds=1)))


def _buttons(
    view: ProgressView, *, can_sign_off: bool, can_set: bool
) -> Iterator[blocks.ButtonElement]:
    if can_sign_off and signable(view):
        yield blocks.button("Sign off…", action_id="sign_off_open", value=str(view.person_id))
    if can_set and not view.is_own:
        yield blocks.button("Set stage…", action_id="stage_open", value=view.external_id)
    if view.is_own:
        yield blocks.button("Export", action_id="progress_export", value=str(view.person_id))


def _who_sees(view: ProgressView) -> str:
    mentors = ", ".join(mentions.escape_line(name) for name in view.mentors)
    if view.is_own:
        who = f"you, your mentors ({mentors})" if mentors else "you, your mentors (none so far)"
    else:
        who = f"them, their mentors ({mentors})" if mentors else "them"
    return f"Seen by {who} and the people the policy names. It's for learning; nobody is ranked."
