"""The policy's templates of updates, one for each audience, filled in from the record."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack import blocks
from bot.slack.truncation import shorten
from incidents.core.times import spoken_duration
from incidents.incident.views import IncidentView
from incidents.policy.policy import COMMANDER, Policy
from incidents.policy.stakeholders import UpdateTemplate

AUDIENCE = "audience"
# The choice of an empty text.
NO_TEMPLATE = "-"
_LONGEST_VALUE = 300
_UNKNOWN = "not known yet"


@dataclass(frozen=True, slots=True)
class Offer:
    """The audiences to choose from, the chosen one's number or `NO_TEMPLATE`, and its text."""

    audiences: Sequence[str]
    chosen: str
    text: str = ""


def find_offer(
    view: IncidentView, policy: Policy, *, chosen: str = "", now: datetime
) -> Offer | None:
    """Return the offer for this incident, the first audience's if none was chosen; None without one."""
    fitting = _fitting(view, policy)
    if not fitting:
        return None
    number = int(chosen or 0) if (chosen or "0").isdecimal() else -1
    if not 0 <= number < len(fitting):
        return Offer(tuple(fitting), NO_TEMPLATE)
    template = list(fitting.values())[number]
    text = shorten(template.filled(_values(view, policy, now=now)), blocks.MAX_INPUT)
    return Offer(tuple(fitting), str(number), text)


def _fitting(view: IncidentView, policy: Policy) -> dict[str, UpdateTemplate]:
    """Return each audience's template: of those that reach this severity, the worst one's."""
    ranks = {one.key: one.rank for one in policy.severities}
    lowest = max(ranks.values()) + 1
    found: dict[str, tuple[int, UpdateTemplate]] = {}
    for one in policy.updates.templates:
        rank = ranks[one.severity] if one.severity else lowest
        best = found.get(one.audience)
        if view.severity_rank <= rank and (best is None or rank < best[0]):
            found[one.audience] = rank, one
    return {audience: one for audience, (_, one) in found.items()}


def _values(view: IncidentView, policy: Policy, *, now: datetime) -> dict[str, str]:
    services = [policy.find_service(key) for key in view.services]
    commanders = view.holders(COMMANDER)
    ended_at = view.resolved_at or now
    last = view.latest_update
    values = {
        "reference": view.reference,
        "title": view.title,
        "severity": view.severity_name,
        "status": view.status,
        "duration": spoken_duration(ended_at - view.declared_at),
        "impact": view.impact,
        "services": ", ".join(one.name for one in services if one is not None),
        "commander": commanders[0].name if commanders else "Nobody yet",
        "last_update": last.headline if last is not None else "",
    }
    # A template ends its sentences itself.
    ready = ((name, value.strip().rstrip(".")) for name, value in values.items())
    return {name: shorten(value, _LONGEST_VALUE) or _UNKNOWN for name, value in ready}


def digest_of(text: str) -> str:
    """Return a short digest of a text, the same however its spaces came back; "" for none."""
    words = " ".join(text.split())
    return hashlib.sha256(words.encode()).hexdigest()[:16] if words else ""


def text_blocks(offer: Offer | None, *, typed: str = "") -> tuple[blocks.Block, ...]:
    """Return the field for the text, with the choice of an audience if templates fit.

    `typed` is somebody's own text, which no template replaces.
    """
    placeholder = "What should everybody know who isn't in the channel?"
    hint, name = "", "text"
    if offer is not None:
        # Slack keeps what a field holds unless its action id changes.
        name = f"text_{offer.chosen}"
        if typed:
            name += "_own"
            hint = "This is your text. Empty it and choose again to get the template."
        elif offer.text:
            hint = "Sitrep posts this text only if you change it."
    field = blocks.text_input(
        "text",
        label="In short",
        initial=typed or (offer.text if offer else "") or None,
        multiline=True,
        optional=True,
        placeholder=placeholder,
        hint=hint or None,
        action_id=name,
    )
    if offer is None:
        return (field,)
    names = [blocks.option(one, value=str(number)) for number, one in enumerate(offer.audiences)]
    options = [*names, blocks.option("No template", value=NO_TEMPLATE)]
    menu = blocks.select(
        AUDIENCE, label="For", options=options, initial=offer.chosen, dispatch=True
    )
    return (menu, field)
