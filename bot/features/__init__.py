"""The features of Sitrep, each in a module of its own."""

from bot.feature import Feature
from bot.features import (
    announcement,
    channel,
    declaration,
    editing,
    failures,
    invites,
    listing,
    milestones,
    people,
    resolving,
    severity,
    status,
    status_card,
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
        editing.FEATURE,
        milestones.FEATURE,
        announcement.FEATURE,
        channel.FEATURE,
        invites.FEATURE,
        people.FEATURE,
        failures.FEATURE,
    )
    return (*features, help_feature(features))
