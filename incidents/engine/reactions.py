"""Reactions that many entries share: said in the channel, cards brought up to date."""

from typing import Any

from incidents.engine.effects import PostEntry
from incidents.engine.plan import IncidentPlan
from incidents.policy.policy import COMMANDER


def post(plan: IncidentPlan[Any]) -> None:
    """The entry is said in the incident channel."""
    plan.post()


def refresh_card(plan: IncidentPlan[Any]) -> None:
    """The status card shows the change."""
    plan.refresh_card()


def refresh_announcement(plan: IncidentPlan[Any]) -> None:
    """The announcement shows the change."""
    plan.refresh_announcement()


def set_topic(plan: IncidentPlan[Any]) -> None:
    """The channel's topic shows the change."""
    plan.set_topic()


def say_failure(plan: IncidentPlan[Any]) -> None:
    """A dead letter is said in the channel, or, when the channel itself refuses, to people."""
    failed_kind = (plan.entry.content or {}).get("effect_kind")
    is_mute = plan.facts.channel_id is None or plan.facts.is_channel_archived
    if failed_kind == PostEntry.kind or is_mute:
        plan.tell(plan.facts.find_holder(COMMANDER) or plan.facts.declared_by_id)
    else:
        plan.post()
