"""Severity: the command, and the form that explains each severity."""

import re
from collections.abc import Mapping

from bot.features.lifecycle.severity_words import said_severity, severity_meanings
from bot.framework.arguments import OnIncident
from bot.framework.feature import Feature
from bot.framework.refusals import say
from bot.framework.requests import Request
from bot.framework.verbs import AskFirst, Verb
from bot.slack import blocks, mentions
from incidents.core.errors import AlreadySo, DomainError, InvalidInput
from incidents.core.typed_doubts import begins_with_a_count
from incidents.engine.unit_of_work import Outcome
from incidents.incident.views import IncidentView
from incidents.lifecycle.severity import change_severity
from incidents.policy.policy import Policy


class SeverityChange(OnIncident):
    """An incident's new severity, and the reason."""

    severity: str = ""
    reason: str = ""


_SEV = re.compile(r"\s*(?:\S+-\d+\s+)?sev\b", re.IGNORECASE)


def typed_change(request: Request) -> SeverityChange | AskFirst[SeverityChange]:
    """Parse `severity sev1 [reason]`; open the form for `3 pods are down` and `P0`.

    Raises: InvalidInput for an unknown severity.
    """
    said = said_severity(request.words.text, request.policy, takes_numbers=True)
    if said.severity is None:
        known = ", ".join(one.key for one in request.policy.severities)
        raise InvalidInput("severity", "unknown", known, request.words.split_first()[0])
    # `sev 3 hosts down` says that 3 is a severity.
    is_count = begins_with_a_count(request.words.text) and not _SEV.match(request.typed)
    is_doubtful = said.is_guess or is_count
    reason = mentions.plain(request.words.text if is_doubtful else said.rest)
    given = SeverityChange(request.incident_ref(), severity=said.severity.key, reason=reason)
    return AskFirst(given) if is_doubtful else given


def severity_form(
    view: IncidentView, *, policy: Policy, given: SeverityChange | None = None
) -> blocks.View:
    """Return the form, with the meaning of each severity; `given` was typed and isn't clear."""
    typed = given if given is not None and given.severity else None
    chosen = policy.find_severity(typed.severity) if typed else None
    name = mentions.escape_line(chosen.name if chosen else "")
    notice = (
        f"*Nothing has changed yet.* I read your line as {name}, and your text is under *Why?*."
    )
    options = [blocks.option(item.name, value=item.key) for item in policy.severities]
    return blocks.modal(
        f"Severity of {view.reference}",
        blocks=[
            *([blocks.section(notice)] if typed else []),
            blocks.context(
                f"Now: *{mentions.escape_line(view.severity_name)}*. {mentions.escape_line(view.title)}"
            ),
            blocks.select(
                "severity",
                label="New severity",
                options=options,
                initial=typed.severity if typed else view.severity_key,
                hint="If unsure between two, take the worse one.",
            ),
            *severity_meanings(policy),
            blocks.text_input(
                "reason",
                label="Why?",
                initial=typed.reason if typed else None,
                multiline=True,
                optional=True,
                hint="Needed to lower it.",
            ),
        ],
    )


def changed_message(outcome: Outcome) -> blocks.Message:
    """Return the reply to the person who changed the severity."""
    data = outcome.data
    old, new = mentions.escape_line(data["old"]), mentions.escape_line(data["new"])
    return say(f"*{data['reference']}* is now *{new}* (before: {old}). I posted it in its channel.")


def _already_so(_: Request, error: DomainError) -> Mapping[str, str] | None:
    if isinstance(error, AlreadySo):
        return {"severity": f"The severity is already {error.detail}. Choose another one."}
    return None


FEATURE = Feature(
    name="severity",
    verbs=(
        Verb(
            SeverityChange,
            usage="severity [sev1] [reason]",
            family="status",
            when=r"severity(?P<rest>(?:\s.*)?)|sev",
            summary="Change how bad it is; worse brings the next update forward. Alone: the form.",
            aliases=("sev",),
            examples=("severity sev1 Payments fail as well",),
            typed=typed_change,
            form="severity_submit",
            opened_by=("severity_change",),
            show=lambda request, view, given: severity_form(
                view, policy=request.policy, given=given
            ),
            do=lambda uow, given: change_severity(
                uow, given.ref, severity_key=given.severity, reason=given.reason
            ),
            tell=lambda _, outcome: changed_message(outcome),
            inputs={"": "severity"},
            explain=_already_so,
            is_quiet=True,
            is_echoed=True,
        ),
    ),
)
