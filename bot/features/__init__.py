"""The features of Sitrep, each in a module of its own."""

from bot.feature import Feature
from bot.features import channel, declaration, status_card


def all_features() -> tuple[Feature, ...]:
    """Return every feature, in the order in which help lists their commands."""
    return (declaration.FEATURE, status_card.FEATURE, channel.FEATURE)
