"""The features of Sitrep, each in a module of its own."""

from bot.feature import Feature
from bot.features import channel, declaration, listing, status_card
from bot.features.help import help_feature


def all_features() -> tuple[Feature, ...]:
    """Return every feature, in the order in which help lists their commands."""
    features = (
        declaration.FEATURE,
        listing.FEATURE,
        status_card.FEATURE,
        channel.FEATURE,
    )
    return (*features, help_feature(features))
