"""Items: the single things that are frozen, each with a heading and a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One message, form, file, timeline entry or plan: what it is and how it reads."""

    heading: str
    text: str
