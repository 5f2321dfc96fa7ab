"""Wording of guidance: the first minutes, the time box, and the notice that a mentor is called.

One person reads it, often at night and under pressure: short, calm, one thing to do.
"""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.framework.arguments import Arguments, on_incident, to_value
from bot.framework.phrases import about
from bot.framework.refusals import say
from bot.slack import blocks, mentions
from incidents.engine.prompts import PromptStatus, PromptView
from incidents.guidance.answers import fact_of, find_step
from incidents.guidance.call_mentor import Why
from incidents.guidance.time_box import Progress
from incidents.incident.views import IncidentView
from incidents.policy.guidance import StepAnswer
from incidents.policy.policy import Policy

ANSWERS: Final[Mapping[StepAnswer, str]] = MappingProxyType(
    {
        StepAnswer.DONE: "Done",
        StepAnswer.RUNBOOK_FAILED: "Runbook failed",
        StepAnswer.NO_RUNBOOK: "No runbook",
        StepAnswer.BLAST_RADIUS_UNCLEAR: "Blast radius unclear",
        StepAnswer.DATA_OR_SECURITY: "Data or security in doubt",
        StepAnswer.SKIP: "Skip",
    }
)

# Why the bot asks somebody to join; each fits after "I ask … to join you:".
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Why.SEVERITY: "with an incident this severe nobody should be alone",
        Why.CONFIDENCE: "a second pair of eyes helps while the cause is a guess",
        Why.SILENCE: "it has been quiet for a while, and two see more than one",
        Why.STUCK: "you said that you are stuck, and two see more than one",
        Why.RUNBOOK_FAILED: "the runbook didn't help, and that is when others should join",
        Why.NO_RUNBOOK: "there is no runbook to go by, and that is when others should join",
        Why.BLAST_RADIUS_UNCLEAR: "it isn't clear how far this reaches, and others should know",
        Why.DATA_OR_SECURITY: "data or security may be affected, and others should know",
    }
)

_STEP: Final = "prompt_step_"
_ONLY_YOU = "Only you see this and what you answer."
_GONE = "no longer asked."


def action_id_of(answer: StepAnswer) -> str:
    """Return the action id of an answer's button."""
    return f"{_STEP}{answer.value}"


class OnStep(Arguments, gone="prompt"):
    """A step of the first minutes, and the answer to it."""

    prompt_id: uuid.UUID
    answer: StepAnswer


# -- the first minutes ----------------------------------------------------------------------


def step_prompt(prompt: PromptView, incident: IncidentView, policy: Policy) -> blocks.Message:
    """Return a checklist step: asked, answered, or no longer asked."""
    step = find_step(prompt.data, prompt.key, policy)
    checklist = policy.guidance.find_checklist(str(prompt.data.get("checklist", "")))
    if step is None or checklist is None:
        text = f"{about(incident)}. This step is {_GONE}"
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    number = f"step {checklist.steps.index(step) + 1} of {len(checklist.steps)}"
    title = f"{about(incident)}. Your first minutes, {number}: *{mentions.escape_line(step.title)}*"
    match prompt.status:
        case PromptStatus.ASKED:
            lead = _lead(prompt, incident, is_first=step is checklist.steps[0])
            text = f"{lead}{title}\n{mentions.escape(step.text)}"
            links = _links(incident, policy)
            answers = [
                blocks.button(
                    ANSWERS[answer],
                    action_id=action_id_of(answer),
                    value=to_value(OnStep(prompt.id, answer)),
                    style="primary" if answer is StepAnswer.DONE else None,
                )
                for answer in step.answers
            ]
            small = " · ".join((*links, *_last(prompt, policy), _ONLY_YOU))
            buttons = [*answers, _quiet(prompt)]
            if step is checklist.steps[0]:
                value = on_incident(incident)
                buttons.append(blocks.button("My duties", action_id="role_duties", value=value))
            rows = [
                blocks.actions(*buttons[at : at + _A_ROW]) for at in range(0, len(buttons), _A_ROW)
            ]
            body = (blocks.section(text), blocks.context(small), *rows)
            return blocks.Message(text=f"{text}\n{small}", blocks=body)
        case PromptStatus.ANSWERED:
            answer = ANSWERS[StepAnswer(prompt.answer)]
            return _answered_step(f"{title}: {answer}.", prompt, fact_of(step, prompt.answer))
    text = f"{title}: {_GONE}"
    return blocks.Message(text=text, blocks=(blocks.context(text),))


def _lead(prompt: PromptView, incident: IncidentView, *, is_first: bool) -> str:
    """Return which roles they hold, with the first step, and who is asked to join them."""
    held = [role.role_name for role in incident.roles if role.person.id == prompt.person_id]
    roles = _listed([f"*{mentions.escape_line(name)}*" for name in held]) if held else ""
    lines = []
    if roles and is_first:
        lines.append(
            f"You're {roles} now. I'll take you through the first minutes, one thing at a time."
        )
    if prompt.data.get("asked") and not prompt.data.get("is_left"):
        reason = _REASONS.get(str(prompt.data.get("why", "")), "two see more than one")
        lines.append(f"I'm asking {_asked(prompt)} to join you: {reason}.")
    return "".join(f"{line}\n" for line in lines)


def _last(prompt: PromptView, policy: Policy) -> tuple[str, ...]:
    if not prompt.data.get("is_last"):
        return ()
    return (f"I won't ask more on my own: `{policy.command} prompts on` brings more",)


def checklist_message(incident: IncidentView, policy: Policy) -> blocks.Message:
    """Return the steps of the first minutes, for anybody who asks."""
    found = policy.guidance.checklist_for(incident.services, incident.severity_key)
    if found is None:
        return say(f"The policy has no list for the first minutes of {incident.reference}.")
    steps = [
        f"{number}. *{mentions.escape_line(step.title)}* {mentions.escape(step.text)}"
        for number, step in enumerate(found.steps, 1)
    ]
    links = " · ".join(_links(incident, policy))
    parts = [f"The first minutes of {incident.reference}:", *steps, *([links] if links else [])]
    return say("\n".join(parts))


def _answered_step(text: str, prompt: PromptView, fact: str) -> blocks.Message:
    if prompt.data.get("is_noted"):
        text = f"{text} Your note is on the timeline."
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    if prompt.answer == StepAnswer.SKIP:
        return blocks.Message(text=text, blocks=(blocks.context(text),))
    value = str(prompt.id)
    buttons = [blocks.button("Add in my own words…", action_id="prompt_words_open", value=value)]
    if fact:
        text = f"{text}\nFor the timeline, if you like: {mentions.escape_line(fact)}"
        buttons.insert(
            0, blocks.button("Add to the timeline", action_id="prompt_note", value=value)
        )
    return say(text, *buttons)


def _links(incident: IncidentView, policy: Policy) -> list[str]:
    """Return links to the services' runbooks, then dashboards; at most `_MOST_LINKS`."""
    found = [policy.find_service(key) for key in incident.services]
    services = [service for service in found if service is not None]
    links = [link for service in services for link in service.all_runbooks]
    links += [link for service in services for link in service.all_dashboards]
    return [mentions.link(link.url, link.title) for link in links[:_MOST_LINKS]]


_MOST_LINKS: Final = 6
# More buttons would wrap at the edge of the window, which differs for everybody.
_A_ROW: Final = 5


# -- the time box ---------------------------------------------------------------------------


def time_box_prompt(prompt: PromptView, incident: IncidentView, policy: Policy) -> blocks.Message:
    """Return the question "How is it going?": asked, answered, or no longer asked."""
    head = about(incident)
    match prompt.status:
        case PromptStatus.ASKED:
            text = (
                f"{head}. Nothing new for a while, which happens. What do you know? What did you "
                "try? What would you need?"
            )
            value = str(prompt.id)
            buttons = (
                blocks.button("Making progress…", action_id="prompt_progress_open", value=value),
                blocks.button("Stuck: escalate", action_id="prompt_stuck", value=value),
                _quiet(prompt),
            )
            small = " · ".join((*_last(prompt, policy), _ONLY_YOU))
            body = (blocks.section(text), blocks.context(small), blocks.actions(*buttons))
            return blocks.Message(text=f"{text}\n{small}", blocks=body)
        case PromptStatus.ANSWERED if prompt.answer == Progress.STUCK:
            text = (
                f"{head}. It's right to say so early. Escalate with what you have: what is "
                "missing can follow."
            )
            offer = (blocks.actions(_escalate(incident)),) if incident.is_open else ()
            return blocks.Message(text=text, blocks=(blocks.section(text), *offer))
        case PromptStatus.ANSWERED:
            text = (
                f"{head}. Good that you're making progress. I'll ask again only if it gets quiet."
            )
        case _:
            text = f"{head}. How it goes: {_GONE}"
    return blocks.Message(text=text, blocks=(blocks.context(text),))


def progress_form(incident: IncidentView) -> blocks.View:
    """Return the form for one line about progress."""
    return blocks.modal(
        "Making progress",
        blocks=[
            blocks.context(f"{incident.reference} {mentions.escape_line(incident.title)}"),
            blocks.text_input(
                "text",
                label="What is new, in a line?",
                optional=True,
                max_length=500,
                hint="Becomes a note on the timeline. Leave it empty to keep it to yourself.",
            ),
        ],
        submit="Go on",
    )


def words_form(incident: IncidentView) -> blocks.View:
    """Return the form for a note in the person's own words."""
    return blocks.modal(
        "Add to the timeline",
        blocks=[
            blocks.context(f"{incident.reference} {mentions.escape_line(incident.title)}"),
            blocks.text_input(
                "text",
                label="What did you see or do?",
                max_length=2000,
                hint="Becomes a note on the timeline, as if you had written it there.",
            ),
        ],
        submit="Add",
    )


# -- a mentor --------------------------------------------------------------------------------


def mentor_call_prompt(
    prompt: PromptView, incident: IncidentView, _policy: Policy
) -> blocks.Message:
    """Tell the person who the bot asks to join, or suggest that they ask somebody themselves."""
    reason = _REASONS.get(str(prompt.data.get("why", "")), "two see more than one")
    if prompt.status is PromptStatus.WITHDRAWN:
        return _mentor_call_over(prompt, incident)
    if not prompt.data.get("is_left"):
        who = _asked(prompt)
        text = (
            f"{about(incident)}. I'm asking {who} to join you: {reason}. It's right to ask early. "
            "Until somebody is there, keep noting what you see."
        )
        return say(text, _quiet(prompt))
    text = (
        f"{about(incident)}. This may be the moment to ask somebody to join you: {reason}. I "
        "won't ask anybody myself here. Escalate with what you have: what is missing can follow."
    )
    buttons = blocks.actions(_escalate(incident), _quiet(prompt))
    return blocks.Message(text=text, blocks=(blocks.section(text), buttons))


def _mentor_call_over(prompt: PromptView, incident: IncidentView) -> blocks.Message:
    asked = "" if prompt.data.get("is_left") else f" I asked {_asked(prompt)} to join you."
    text = f"{about(incident)}.{asked} I won't ask you more here."
    return blocks.Message(text=text, blocks=(blocks.context(text),))


def _asked(prompt: PromptView) -> str:
    return _listed([mentions.mention(str(one)) for one in prompt.data["asked"]] or ["for somebody"])


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _escalate(incident: IncidentView) -> blocks.ButtonElement:
    return blocks.button(
        "Escalate…", action_id="prompt_escalate", value=on_incident(incident), style="primary"
    )


def _quiet(prompt: PromptView) -> blocks.ButtonElement:
    return blocks.button("Quiet for this incident", action_id="prompt_quiet", value=str(prompt.id))
