"""Items: what a snapshot consists of, each with a heading and a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One message, form, file, timeline entry or plan, as text."""

    heading: str
    text: str
