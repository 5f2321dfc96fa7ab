"""Filling in forms: finds elements by id or label; what they hold on the wire (`state.values`)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.slack_server.render import Json
from tests.slack_server.workspace import Workspace


class CannotDoError(AssertionError):
    """A person can't do this with what they see; the message lists what they can do."""


@dataclass(frozen=True, slots=True)
class Holding:
    """How an element type holds its value: field on the wire, key of its initial value."""

    field: str
    initial: str
    is_list: bool = False


HOLDINGS = {
    "plain_text_input": Holding("value", "initial_value"),
    "email_text_input": Holding("value", "initial_value"),
    "url_text_input": Holding("value", "initial_value"),
    "number_input": Holding("value", "initial_value"),
    "rich_text_input": Holding("rich_text_value", "initial_value"),
    "file_input": Holding("files", "", is_list=True),
    "static_select": Holding("selected_option", "initial_option"),
    "external_select": Holding("selected_option", "initial_option"),
    "users_select": Holding("selected_user", "initial_user"),
    "conversations_select": Holding("selected_conversation", "initial_conversation"),
    "channels_select": Holding("selected_channel", "initial_channel"),
    "multi_static_select": Holding("selected_options", "initial_options", is_list=True),
    "multi_external_select": Holding("selected_options", "initial_options", is_list=True),
    "multi_users_select": Holding("selected_users", "initial_users", is_list=True),
    "multi_conversations_select": Holding(
        "selected_conversations", "initial_conversations", is_list=True
    ),
    "multi_channels_select": Holding("selected_channels", "initial_channels", is_list=True),
    "radio_buttons": Holding("selected_option", "initial_option"),
    "checkboxes": Holding("selected_options", "initial_options", is_list=True),
    "datepicker": Holding("selected_date", "initial_date"),
    "timepicker": Holding("selected_time", "initial_time"),
    "datetimepicker": Holding("selected_date_time", "initial_date_time"),
}
_LONGEST_TEXT = 3000


@dataclass(frozen=True, slots=True)
class Placed:
    """An element with the block that it is in."""

    block: Json
    element: Json

    @property
    def action_id(self) -> str:
        """The app's name of the element."""
        return str(self.element.get("action_id") or "")

    @property
    def label(self) -> str:
        """What people read on or beside it."""
        shown = self.block.get("label") if self.block["type"] == "input" else None
        shown = shown or self.element.get("text") or self.element.get("placeholder") or {}
        return str(shown.get("text", ""))

    @property
    def names(self) -> set[str]:
        """Every name that a test may use for it."""
        return {self.action_id, self.label, str(self.block.get("block_id"))} - {""}


def elements_of(blocks: Iterable[Json]) -> Iterator[Placed]:
    """Everything that people can press or fill in."""
    for block in blocks:
        inside = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
        for element in inside:
            is_passive = element and element.get("type") in ("image", "mrkdwn", "plain_text")
            if element and not is_passive and block["type"] != "rich_text":
                yield Placed(block, element)


def get_pressed(blocks: list[Json], name: str, value: Any = None) -> Placed:
    """Return the element called `name`; if there are several, the one that holds `value`.

    Raises: CannotDoError, which lists what they see.
    """
    placed = list(elements_of(blocks))
    found = [p for p in placed if p.action_id == name] or [p for p in placed if p.label == name]
    if len(found) > 1 and value is not None:
        found = [p for p in found if p.element.get("value") == value]
    if len(found) != 1:
        shown = [f"{p.action_id} [{p.label}] value={p.element.get('value')!r}" for p in placed]
        raise CannotDoError(f"{len(found)} elements are {name!r} ({value!r}); shown: {shown}")
    return found[0]


def get_field(blocks: list[Json], name: str) -> Placed:
    """Return the input called `name` by block id, action id or label.

    Raises: CannotDoError, which lists what they see.
    """
    fields = [p for p in elements_of(blocks) if p.element["type"] in HOLDINGS]
    found = next((p for p in fields if name in p.names), None)
    if found is None:
        raise CannotDoError(f"no field {name!r}; shown: {[sorted(p.names) for p in fields]}")
    return found


def initial_values(blocks: list[Json]) -> Json:
    """`state.values` before anyone touches anything."""
    values: Json = {}
    for placed in elements_of(blocks):
        holding = HOLDINGS.get(placed.element["type"])
        if holding is None:
            continue
        initial = placed.element.get(holding.initial)
        if initial is None and holding.is_list:
            initial = []
        slot = values.setdefault(placed.block["block_id"], {})
        slot[placed.action_id] = {"type": placed.element["type"], holding.field: initial}
    return values


def held(ws: Workspace, placed: Placed, value: Any, *, loaded: list[Json]) -> Json:
    """What an element holds once a person chose or typed `value`; `loaded` are fetched options.

    Raises: CannotDoError if it can't hold that.
    """
    kind = placed.element["type"]
    holding = HOLDINGS[kind]
    if value is None:
        return {"type": kind, holding.field: [] if holding.is_list else None}
    if not holding.is_list:
        return {"type": kind, holding.field: _one(ws, placed, value, loaded)}
    several = list(value) if isinstance(value, list | tuple | set) else [value]
    most = placed.element.get("max_selected_items", 1000)
    if len(several) > most:
        raise CannotDoError(f"at most {most} may be chosen in {placed.label!r}")
    return {"type": kind, holding.field: [_one(ws, placed, item, loaded) for item in several]}


def action_of(ws: Workspace, placed: Placed, value: Any, *, loaded: list[Json]) -> Json:
    """The entry of `actions` for something pressed or chosen."""
    element = placed.element
    base = {
        "type": element["type"],
        "action_id": placed.action_id,
        "block_id": placed.block.get("block_id"),
        "action_ts": ws.timestamps.next(),
    }
    if element["type"] == "overflow":
        return {**base, "selected_option": _option(element["options"], value, placed)}
    if element["type"] in HOLDINGS:
        return {**base, **held(ws, placed, value, loaded=loaded)}
    given: Json = {key: element[key] for key in ("value", "style", "url") if key in element}
    return {**base, "text": element["text"], **given}


def check_complete(blocks: list[Json], values: Json) -> None:
    """Refuse what Slack's client refuses before it submits.

    Raises: CannotDoError for required fields left empty and texts too short or too long.
    """
    for placed in elements_of(blocks):
        if placed.block["type"] != "input":
            continue
        holding = HOLDINGS[placed.element["type"]]
        content = values[placed.block["block_id"]][placed.action_id][holding.field]
        if content in (None, "", []):
            if not placed.block.get("optional"):
                raise CannotDoError(f"the required field {placed.label!r} is empty")
            continue
        if holding.field == "value":
            _check_text(placed, str(content))


def _check_text(placed: Placed, content: str) -> None:
    low = placed.element.get("min_length", 0)
    high = placed.element.get("max_length", _LONGEST_TEXT)
    if not low <= len(content) <= high:
        raise CannotDoError(
            f"{placed.label!r} takes {low} to {high} characters, not {len(content)}"
        )
    if placed.element["type"] != "number_input":
        return
    try:
        number = float(content)
    except ValueError:
        raise CannotDoError(f"{placed.label!r} takes a number, not {content!r}") from None
    smallest = float(placed.element.get("min_value", "-inf"))
    largest = float(placed.element.get("max_value", "inf"))
    if not smallest <= number <= largest:
        raise CannotDoError(f"{placed.label!r} takes {smallest} to {largest}, not {number}")


def _one(ws: Workspace, placed: Placed, value: Any, loaded: list[Json]) -> Any:
    element, kind = placed.element, placed.element["type"]
    if "users_select" in kind:
        return _id_of(ws, value)
    if "channels_select" in kind or "conversations_select" in kind:
        return _id_of(ws, value)
    match value:
        case datetime() if kind == "datetimepicker":
            return int(value.timestamp())
        case date() if kind == "datepicker":
            return value.strftime("%Y-%m-%d")
    if HOLDINGS[kind].field in ("selected_option", "selected_options"):
        groups = element.get("option_groups") or []
        offered = [*(element.get("options") or []), *(o for g in groups for o in g["options"])]
        return _option([*offered, *loaded], value, placed)
    return value if kind in ("datetimepicker", "rich_text_input", "file_input") else str(value)


def _id_of(ws: Workspace, value: Any) -> str:
    if hasattr(value, "id"):
        return str(value.id)
    found = ws.find_user(str(value)) or ws.find_channel(str(value))
    if found is None:
        raise CannotDoError(f"nobody and nothing is called {value!r}")
    return found.id


def _option(options: list[Json], wanted: Any, placed: Placed) -> Json:
    if isinstance(wanted, dict):
        return wanted
    for option in options:
        if str(wanted) in (option["value"], option["text"]["text"]):
            return option
    shown = [(option["value"], option["text"]["text"]) for option in options]
    raise CannotDoError(f"{placed.label!r} doesn't offer {wanted!r}; it offers {shown}")
