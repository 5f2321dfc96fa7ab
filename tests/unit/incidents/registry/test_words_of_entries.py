"""Every text field of every entry is known: people's words, which a redaction takes, or a fact."""

import dataclasses
import typing

from incidents.core.sentences import Who
from incidents.incident.payload import field_names
from incidents.record.words import (
    REDACTED_TEXT,
    WORDS,
    holds,
    without,
    without_words,
    words_in,
)
from incidents.registry.entries import ENTRY_TYPES

# Text that no person typed as free words: names of ours, keys, ids, states, what scenarios say.
FACTS = frozenset(
    {
        *("action", "actions", "bot_id", "briefing", "changed", "channel_id", "channel_name"),
        *("checks", "class_key", "class_name", "duplicate", "duplicate_of", "effect_kind"),
        *("error", "field", "file_id", "format", "handoff_kind", "how", "kept", "level"),
        *("looking_up", "name", "needs", "new", "new_key", "old", "old_channel_id"),
        *("old_channel_name", "old_key", "channels", "output", "permalink", "person_kind"),
        *("refused", "role", "role_name", "scenario", "sections", "service", "services"),
        *("severity", "severity_key", "signal", "skipped", "source", "source_link", "status"),
        *("step", "target_kind", "template", "template_key", "to", "away", "called"),
        *("address", "pager", "then", "page_link"),
        *("people", "milestones", "next_update_due_at", "problem", "old_severity", "new_severity"),
    }
)


def _holds_text(hint: object) -> bool:
    if hint is str or hint is typing.Any:
        return True
    if dataclasses.is_dataclass(hint) and hint is not Who:
        hints = typing.get_type_hints(hint)
        return any(_holds_text(one) for one in hints.values())
    return any(_holds_text(one) for one in typing.get_args(hint))


def test_every_text_of_an_entry_is_words_or_a_fact() -> None:
    unknown = {
        f"{kind}.{name}"
        for kind, payload in ENTRY_TYPES.items()
        for name, hint in typing.get_type_hints(payload).items()
        if name in field_names(payload) and _holds_text(hint) and name not in WORDS | FACTS
    }
    assert unknown == set()


def test_words_are_found_and_taken_out_wherever_they_stand() -> None:
    content = {
        "old": "triage",
        "text": "a secret of ours",
        "changes": {"title": {"old": "one", "new": "two"}, "services": ["search"]},
    }
    assert words_in("edited", content) == {"a secret of ours", "one", "two"}
    assert without_words("edited", content) == {
        "old": "triage",
        "text": REDACTED_TEXT,
        "changes": {
            "title": {"old": REDACTED_TEXT, "new": REDACTED_TEXT},
            "services": ["search"],
        },
    }


def test_a_long_text_is_found_within_another_and_a_short_one_only_as_the_whole() -> None:
    long, short = "sixteen letters!", "yes"
    assert without([f"so: {long}.", short, "yes, sir"], {long, short}) == [
        f"so: {REDACTED_TEXT}.",
        REDACTED_TEXT,
        "yes, sir",
    ]
    assert holds({"a": [f"so: {long}."]}, {long})
    assert not holds("yes, sir", {short})
    assert without({"kind": "noted", "text": "noted"}, {"noted"}) == {
        "kind": "noted",
        "text": REDACTED_TEXT,
    }
