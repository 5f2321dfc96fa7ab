"""People's text in stored values: which fields hold it, and how it is removed.

Facts stay (who, when, what kind, from what to what); text can hold a secret, so it goes.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

REDACTED_TEXT: Final = "[redacted]"

# The fields of timeline entries that hold what people wrote, by the entry's kind where needed.
WORDS: Final = frozenset(
    {
        *("text", "reason", "title", "impact", "summary", "resolution", "previous_resolution"),
        *(
            "actions",
            "next_steps",
            "needed",
            "question",
            "answer",
            "words",
            "result",
            "risk",
            "undo",
        ),
        *("check", "because", "command", "changes", "packet", "link"),
    }
)
_WORDS_OF_KIND: Final[Mapping[str, frozenset[str]]] = {"file_linked": frozenset({"name"})}

# Within a value: services are a choice that decides about rights, a kind is ours.
_NOT_WORDS: Final = frozenset({"services", "kind"})

# From this length on, a text is also found within a longer one; a shorter one only as a whole.
CONTAINED_FROM: Final = 16


def words_in(kind: str, content: Mapping[str, Any]) -> frozenset[str]:
    """Return every text that people wrote into an entry."""
    named = WORDS | _WORDS_OF_KIND.get(kind, frozenset())
    found = (text for name, value in content.items() if name in named for text in _texts(value))
    return frozenset(text for text in found if text.strip() and text != REDACTED_TEXT)


def without_words(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's content with every text that people wrote taken out."""
    named = WORDS | _WORDS_OF_KIND.get(kind, frozenset())
    return {name: _blank(value) if name in named else value for name, value in content.items()}


def without(value: Any, texts: Collection[str]) -> Any:
    """Return a JSON value without these texts, wherever they occur."""
    match value:
        case str():
            return _cut(value, texts)
        case list() | tuple():
            return [without(one, texts) for one in value]
        case Mapping():
            return {
                name: one if name in _NOT_WORDS else without(one, texts)
                for name, one in value.items()
            }
    return value


def holds(value: Any, texts: Collection[str]) -> bool:
    """Tell whether any of the texts stands in a JSON value."""
    return any(_cut(text, texts) != text for text in _texts(value))


def _cut(value: str, texts: Collection[str]) -> str:
    if value in texts:
        return REDACTED_TEXT
    for text in sorted(texts, key=len, reverse=True):
        if len(text) >= CONTAINED_FROM:
            value = value.replace(text, REDACTED_TEXT)
    return value


def _blank(value: Any) -> Any:
    match value:
        case str():
            return REDACTED_TEXT if value.strip() else value
        case list() | tuple():
            return [_blank(one) for one in value]
        case Mapping():
            return {name: one if name in _NOT_WORDS else _blank(one) for name, one in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() | tuple():
            for one in value:
                yield from _texts(one)
        case Mapping():
            for name, one in value.items():
                if name not in _NOT_WORDS:
                    yield from _texts(one)
