"""Messages and forms line by line: everything that people see, and the program's ids as `{…}`."""

import json
from collections.abc import Iterator
from typing import Any

from tests.slack_server.render import Json

# These differ from call to call and mean nothing; the heading names the place and person.
_LEFT_OUT = frozenset({"channel", "channel_id", "user", "user_id", "trigger_id", "view_id", "hash"})
_IN_HEAD = frozenset({"type", "text", "action_id", "block_id", "callback_id", "value", "emoji"})
_AS_JSON = ("blocks", "attachments", "view", "metadata", "files")


def shown_lines(args: Json) -> str:
    """Return the arguments of a call, or the body of an answer, as lines."""
    given = {key: value for key, value in args.items() if key not in _LEFT_OUT}
    for key in _AS_JSON:
        if isinstance(given.get(key), str):
            given[key] = json.loads(given[key])
    return "\n".join(
        line.rstrip() for key, value in given.items() for line in _entry(key, value, is_top=True)
    )


def _entry(key: str, value: Any, *, is_top: bool = False) -> Iterator[str]:
    if key in ("thread_ts", "ts", "previous_view_id") or (key == "token" and is_top):
        yield f"{key}: given"
        return
    if value in (None, [], {}):
        return
    match value:
        case dict():
            first, *rest = _thing(value)
            yield f"{key}: {first}".rstrip()
            yield from (f"  {line}" for line in rest)
        case list():
            yield f"{key}:"
            for one in value:
                first, *rest = _thing(one)
                yield f"- {first}".rstrip()
                yield from (f"  {line}" for line in rest)
        case _:
            first, *rest = _words(value)
            yield f"{key}: {first}"
            yield from (f"  {line}" for line in rest)


def _thing(thing: Any) -> Iterator[str]:
    match thing:
        case {"type": "plain_text" | "mrkdwn", "text": str(text)}:
            yield from _words(text)
        case dict():
            yield from _dict(thing)
        case list():
            yield ""
            for one in thing:
                first, *rest = _thing(one)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case _:
            yield from _words(thing)


def _dict(thing: Json) -> Iterator[str]:
    said = list(_thing(thing["text"])) if thing.get("text") else []
    is_short = len(said) == 1
    names = [thing[key] for key in ("block_id", "action_id", "callback_id") if thing.get(key)]
    head = (
        str(thing.get("type", "")),
        f"[{said[0]}]" if is_short else "",
        *(f"{{{name}}}" for name in names),
        f"= {thing['value']}" if thing.get("value") not in (None, "") else "",
    )
    yield " ".join(part for part in head if part)
    if not is_short:
        yield from said
    for key, value in thing.items():
        if key not in _IN_HEAD:
            yield from _entry(key, value)


def _words(value: Any) -> list[str]:
    return str(value).split("\n") or [""]
