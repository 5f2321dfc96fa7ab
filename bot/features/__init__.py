"""The features of Sitrep, each in a module of its own."""

from bot.feature import Feature
from bot.features import (
    action_items,
    announcement,
    capture,
    channel,
    channel_life,
    channel_use,
    checkins,
    declaration,
    editing,
    export,
    failures,
    handoff,
    home,
    invites,
    listing,
    milestones,
    people,
    postmortem,
    read_in,
    resolving,
    roles,
    severity,
    staleness,
    status,
    status_card,
    timeline,
    updates,
)
from bot.features.help import help_feature


def all_features() -> tuple[Feature, ...]:
    """Return every feature, in the order in which help lists their commands."""
    features = (
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
        timeline.FEATURE,
        export.FEATURE,
        capture.FEATURE,
        checkins.FEATURE,
        staleness.FEATURE,
        milestones.FEATURE,
        postmortem.FEATURE,
        action_items.FEATURE,
        announcement.FEATURE,
        channel.FEATURE,
        channel_use.FEATURE,
        channel_life.FEATURE,
        invites.FEATURE,
        people.FEATURE,
        read_in.FEATURE,
        home.FEATURE,
        failures.FEATURE,
    )
    return (*features, help_feature(features))
