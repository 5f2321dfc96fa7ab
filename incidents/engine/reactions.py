"""Reactions that many entries share: said in the channel, cards brought up to date."""

from incidents.engine.effects import PostEntry
from incidents.engine.entries import EffectFailed
from incidents.engine.plan import IncidentPlan
from incidents.incident.payload import Payload
from incidents.policy.policy import COMMANDER


def post(plan: IncidentPlan[Payload]) -> None:
    """The entry is said in the incident channel."""
    plan.post()


def refresh_card(plan: IncidentPlan[Payload]) -> None:
    """The status card shows the change."""
    plan.refresh_card()


def refresh_announcement(plan: IncidentPlan[Payload]) -> None:
    """The announcement shows the change."""
    plan.refresh_announcement()


def set_topic(plan: IncidentPlan[Payload]) -> None:
    """The channel's topic shows the change."""
    plan.set_topic()


def say_failure(plan: IncidentPlan[EffectFailed]) -> None:
    """A dead letter is said in the channel, or, when the channel itself refuses, to people."""
    is_mute = plan.facts.channel_id is None or plan.facts.is_channel_archived
    if plan.event.effect_kind == PostEntry.kind or is_mute:
        plan.tell(plan.facts.find_holder(COMMANDER) or plan.facts.declared_by_id)
    else:
        plan.post()
