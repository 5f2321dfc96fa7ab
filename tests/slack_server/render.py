"""What people see, as plain text: for the demo's transcript and for assertions."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Names = Mapping[str, str]

_ANGLE = re.compile(r"<([^<>\n]+)>")
_RULE = "────────"


def render(thing: Any, names: Names | None = None) -> str:
    """Render a message, view or home (an object or its JSON) as plain text.

    `names` maps ids to how people see them (`U…` to `@alice`).
    """
    payload = thing if isinstance(thing, dict) else _as_json(thing)
    blocks = payload.get("blocks") or []
    known = names or {}
    if "title" in payload and payload.get("type") == "modal":
        return _modal(payload, known)
    attached = [block for a in payload.get("attachments") or [] for block in a.get("blocks") or []]
    if blocks or attached:
        return render_blocks([*blocks, *attached], known)
    return plain(payload.get("text") or "", known)


def render_blocks(blocks: Iterable[Json], names: Names | None = None) -> str:
    """Render blocks one below the other."""
    known = names or {}
    lines = (line for block in blocks for line in _block(block, known))
    return "\n".join(line for line in lines if line)


def plain(text: str, names: Names | None = None) -> str:
    """Turn Slack's marked-up text into what people read."""
    known = names or {}
    return html.unescape(_ANGLE.sub(lambda match: _reference(match[1], known), text))


def _as_json(thing: Any) -> Json:
    if hasattr(thing, "payload"):
        payload: Json = thing.payload
        return payload
    return {
        "blocks": thing.blocks,
        "text": thing.text,
        "attachments": getattr(thing, "attachments", []),
    }


def _modal(view: Json, names: Names) -> str:
    head = f"[ {_text(view.get('title'), names)} ]"
    buttons = [_text(view.get(key), names) for key in ("close", "submit") if view.get(key)]
    foot = " ".join(f"[{label}]" for label in buttons)
    return "\n".join(part for part in (head, render_blocks(view["blocks"], names), foot) if part)


def _reference(inner: str, names: Names) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("!date^"):
        return label
    if target.startswith("!subteam^"):
        return names.get(target.removeprefix("!subteam^"), label or target)
    if target.startswith("!"):
        return f"@{target[1:]}"
    if target[:1] in "@#":
        return names.get(target[1:], f"{target[0]}{label}" if label else target)
    return label or target


def _text(thing: Json | None, names: Names) -> str:
    if not thing:
        return ""
    raw = str(thing.get("text", ""))
    return plain(raw, names) if thing.get("type") == "mrkdwn" else raw


def _block(block: Json, names: Names) -> Iterator[str]:
    match block.get("type"):
        case "section":
            yield _text(block.get("text"), names)
            yield from (_text(field, names) for field in block.get("fields") or [])
            if block.get("accessory"):
                yield _element(block["accessory"], names)
        case "header":
            yield _text(block.get("text"), names)
        case "divider":
            yield _RULE
        case "context":
            yield "  ".join(_element(element, names) for element in block.get("elements") or [])
        case "actions" | "context_actions":
            yield " ".join(_element(element, names) for element in block.get("elements") or [])
        case "input":
            yield f"{_text(block.get('label'), names)}: {_element(block['element'], names)}"
            if block.get("hint"):
                yield f"  ({_text(block['hint'], names)})"
        case "image":
            yield f"[image: {block.get('alt_text', '')}]"
        case "markdown" | "alert":
            text = block.get("text")
            yield _text(text, names) if isinstance(text, dict) else str(text or "")
        case "table":
            yield from (
                " | ".join(_loose(cell, names) for cell in row) for row in block.get("rows") or []
            )
        case _:
            yield _loose(block, names)


def _element(element: Json, names: Names) -> str:
    match element.get("type"):
        case "mrkdwn" | "plain_text":
            return _text(element, names)
        case "button" | "workflow_button":
            return f"[{_text(element.get('text'), names)}]"
        case "image":
            return f"[image: {element.get('alt_text', '')}]"
        case "overflow":
            return f"[… {', '.join(_options(element.get('options'), names))}]"
        case "checkboxes" | "radio_buttons":
            return _ticks(element, names)
        case _:
            return f"[{_current(element, names) or _text(element.get('placeholder'), names)}▾]"


def _ticks(element: Json, names: Names) -> str:
    chosen = element.get("initial_options") or [element.get("initial_option")]
    return " ".join(
        f"({'x' if option in chosen else ' '}) {_text(option.get('text'), names)}"
        for option in element.get("options") or []
    )


def _options(options: list[Json] | None, names: Names) -> list[str]:
    return [_text(option.get("text"), names) for option in options or []]


def _current(element: Json, names: Names) -> str:
    for key, value in element.items():
        if not key.startswith("initial_"):
            continue
        match value:
            case dict() if "text" in value:
                return _text(value["text"], names) + " "
            case [dict(), *_]:
                return ", ".join(_options(value, names)) + " "
            case list():
                return ", ".join(names.get(one, str(one)) for one in value) + " "
            case dict():
                return _loose(value, names) + " "
            case _:
                return names.get(str(value), str(value)) + " "
    return ""


def _loose(thing: Any, names: Names) -> str:
    """All text in a structure that has no rendering of its own (rich text, cards)."""
    match thing:
        case {"type": "user", "user_id": str(user)}:
            return names.get(user, user)
        case {"type": "channel", "channel_id": str(channel)}:
            return names.get(channel, channel)
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
        case {"type": "rich_text_section" | "rich_text_preformatted", "elements": list(parts)}:
            return "".join(_loose(part, names) for part in parts)
        case {"text": str(text)}:
            return text
        case {"text": dict(text)}:
            return _text(text, names)
        case dict():
            found = (_loose(value, names) for value in thing.values() if isinstance(value, list))
            return "\n".join(part for part in found if part)
        case list():
            return "\n".join(part for part in (_loose(one, names) for one in thing) if part)
        case _:
            return ""
