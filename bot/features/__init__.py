"""Sitrep's features, each in its own module."""

from bot.features.browse import failures, home, listing, people
from bot.features.browse.help import help_feature
from bot.features.channel import (
    announcement,
    insiders,
    invites,
    privacy,
    read_in,
    refused_invites,
    removal,
    status_card,
)
from bot.features.channel import exposed as channel_exposed
from bot.features.channel import feature as channel
from bot.features.channel import life as channel_life
from bot.features.channel import use_existing as channel_use
from bot.features.channel import watch as channel_watch
from bot.features.checkins import feature as checkins
from bot.features.checkins import staleness
from bot.features.drills import feature as drills
from bot.features.escalation import buttons as escalation_presses
from bot.features.escalation import command as escalation_command
from bot.features.escalation import effects as escalation_lookup
from bot.features.escalation import feature as escalation
from bot.features.escalation import prompts as escalation_prompts
from bot.features.guidance import feature as guidance
from bot.features.guidance import prompts
from bot.features.handover import feature as handover
from bot.features.learning import debriefs, mentoring, shadowing
from bot.features.lifecycle import declare as declaration
from bot.features.lifecycle import edit as editing
from bot.features.lifecycle import milestones, severity, status
from bot.features.lifecycle import resolve as resolving
from bot.features.on_call import override
from bot.features.on_call import show as on_call
from bot.features.paging import effects as paging
from bot.features.paging import trials
from bot.features.postmortem import action_items
from bot.features.postmortem import feature as postmortem
from bot.features.proposals import feature as proposals
from bot.features.record import capture, export, personal, timeline
from bot.features.roles import feature as roles
from bot.features.roles import handoff
from bot.features.supervision import progress, stages
from bot.features.updates import feature as updates
from bot.features.updates import followers, maintenance, news, subscribe
from bot.framework.feature import Feature


def all_features() -> tuple[Feature, ...]:
    """Return every feature, in the order in which help lists their commands."""
    features = (*_what_people_do(), *_what_goes_on())
    return (*features, help_feature(features))


def _what_people_do() -> tuple[Feature, ...]:
    return (
        channel_watch.FEATURE,
        declaration.FEATURE,
        listing.FEATURE,
        status_card.FEATURE,
        status.FEATURE,
        resolving.FEATURE,
        severity.FEATURE,
        roles.FEATURE,
        handoff.FEATURE,
        editing.FEATURE,
        updates.FEATURE,
        subscribe.FEATURE,
        maintenance.FEATURE,
        timeline.FEATURE,
        export.FEATURE,
        capture.FEATURE,
        checkins.FEATURE,
        proposals.FEATURE,
        escalation.FEATURE,
        escalation_command.FEATURE,
        escalation_presses.FEATURE,
        escalation_prompts.FEATURE,
        escalation_lookup.FEATURE,
        paging.FEATURE,
        staleness.FEATURE,
        milestones.FEATURE,
        postmortem.FEATURE,
        action_items.FEATURE,
        drills.FEATURE,
        shadowing.FEATURE,
        debriefs.FEATURE,
        mentoring.FEATURE,
        on_call.FEATURE,
        trials.FEATURE,
        override.FEATURE,
        handover.FEATURE,
        stages.FEATURE,
        progress.FEATURE,
        personal.FEATURE,
    )


def _what_goes_on() -> tuple[Feature, ...]:
    return (
        announcement.FEATURE,
        news.FEATURE,
        followers.FEATURE,
        channel.FEATURE,
        channel_use.FEATURE,
        channel_life.FEATURE,
        channel_watch.FEATURE_AFTER,
        channel_exposed.FEATURE,
        privacy.FEATURE,
        removal.FEATURE,
        insiders.FEATURE,
        invites.FEATURE,
        refused_invites.FEATURE,
        people.FEATURE,
        read_in.FEATURE,
        home.FEATURE,
        guidance.FEATURE,
        prompts.FEATURE,
        failures.FEATURE,
    )
