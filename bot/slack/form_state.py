"""The values entered in a form, read from `view.state.values` by field name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

_NOTHING: Mapping[str, object] = {}
_SEVERAL = frozenset({"selected_options", "selected_users"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormState:
    """Typed access to a form's fields; a missing or empty field reads as empty, never raises."""

    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, block_id: str) -> str:
        """Return the text of an input, trimmed, "" if empty."""
        return _text(self._element(block_id).get("value")).strip()

    def choice(self, block_id: str) -> str | None:
        """Return the value chosen in a select or radio group."""
        return _option_value(self._element(block_id).get("selected_option"))

    def choices(self, block_id: str) -> tuple[str, ...]:
        """Return the values chosen in a multi-select or ticked in checkboxes."""
        options = _items(self._element(block_id).get("selected_options"))
        values = (_option_value(option) for option in options)
        return tuple(value for value in values if value is not None)

    def checked(self, block_id: str, value: str | None = None) -> bool:
        """Return whether a checkbox is ticked: the one with `value`, or any."""
        ticked = self.choices(block_id)
        return bool(ticked) if value is None else value in ticked

    def user(self, block_id: str) -> str | None:
        """Return the id of the chosen person."""
        return _text(self._element(block_id).get("selected_user")) or None

    def users(self, block_id: str) -> tuple[str, ...]:
        """Return the ids of the chosen people."""
        chosen = _items(self._element(block_id).get("selected_users"))
        return tuple(user for user in map(_text, chosen) if user)

    def conversation(self, block_id: str) -> str | None:
        """Return the id of the chosen channel or conversation."""
        element = self._element(block_id)
        chosen = element.get("selected_conversation") or element.get("selected_channel")
        return _text(chosen) or None

    def instant(self, block_id: str) -> datetime | None:
        """Return the chosen moment of a date and time input, in UTC."""
        seconds = self._element(block_id).get("selected_date_time")
        if isinstance(seconds, bool) or not isinstance(seconds, int):
            return None
        return datetime.fromtimestamp(seconds, UTC)

    def entered(self, block_id: str) -> object:
        """Return the entry of any kind of input: a value, a tuple of several, or None."""
        if _SEVERAL & self._element(block_id).keys():
            return self.choices(block_id) or self.users(block_id)
        single = self.choice(block_id) or self.user(block_id) or self.conversation(block_id)
        return single or self.text(block_id) or self._element(block_id).get("selected_date_time")

    def _element(self, block_id: str) -> Mapping[str, object]:
        # An input block holds one element, so its action_id doesn't matter here.
        for element in _mapping(self.values.get(block_id)).values():
            return _mapping(element)
        return _NOTHING


def state_of(view: Mapping[str, object]) -> FormState:
    """Return the state of a view as Slack sends it in `view_submission` or `block_actions`."""
    state = _mapping(view.get("state"))
    return FormState(values=_mapping(state.get("values")))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else _NOTHING


def _items(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _option_value(option: object) -> str | None:
    return _text(_mapping(option).get("value")) or None
