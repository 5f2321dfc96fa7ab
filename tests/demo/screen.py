"""The screen: what people do and what Sitrep says, place by place, as it happens."""

import re
from collections.abc import Iterator

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from incidents.core.clock import Clock
from tests.slack_server import Change, ChangeKind, Message, View, render_blocks
from tests.slack_server.render import plain

BOT = "@sitrep"
MOST_LINES = 6
_LONGEST_LINE = 160
_LONGEST_ASIDE = 90
_LONGEST_ON_CARD = 92
_MOST_ON_CARD = 7

_BUTTON = re.compile(r"\[[^\[\]\n]{1,40}\]")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_PERSON = re.compile(r"(?<!\w)@[\w-]+")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2} (\d{2}:\d{2}) UTC")
_EMOJI = re.compile(r"(?<!\w):([a-z0-9_+-]+):(?!\w)")
_PLACE_STYLES = ("cyan", "magenta", "green", "blue")
_PICTURED = {"pushpin": "📌", "rotating_light": "🚨", "white_check_mark": "✅"}


class Screen:
    """The terminal; unless everything is wanted, it shows only what people have to see."""

    def __init__(self, console: Console, *, clock: Clock, is_full: bool) -> None:
        """Write to this console."""
        self.console = console
        self._clock = clock
        self._is_full = is_full
        self._place = ""  # where the last line was
        self._styles: dict[str, str] = {}

    def scene(self, number: int, text: str) -> None:
        """Begin a scene."""
        self._place = ""
        head = Text(f" {self._time}  {number}  {text} ", style="bold")
        self.console.print(Rule(head, align="left", style="dim"))

    def say(self, text: str, *, style: str = "dim") -> None:
        """Say something about the demo itself."""
        self.console.print(Text(text, style=style))

    def aside(self, who: str, text: str) -> None:
        """Say what happens outside Slack."""
        self._place = ""
        self.console.print(Text.assemble((f"{who}  ", "yellow"), text))

    def card(self, message: Message) -> None:
        """Draw a message in a frame, as it is now."""
        self._place = ""
        lines = [line for line in _compact(message).splitlines() if line.strip()]
        shown = "\n".join(_cut(line, most=_LONGEST_ON_CARD) for line in lines[:_MOST_ON_CARD])
        title = f"#{message.channel.name}, pinned"
        self.console.print(Panel(_styled(shown), title=title, title_align="left", style="green"))

    def show(self, change: Change) -> None:
        """Show one change, if it is worth a line."""
        if not (self._is_full or _is_essential(change)):
            return
        line = _line_of(change, most=MOST_LINES if self._is_full else 1)
        if line is None:
            return
        place = _place_of(change)
        if not self._is_full and place.startswith(("DM", "form")):
            # One line each: a heading before and after it would be three.
            line = Text.assemble((f"{place}  ", "yellow"), line)
        elif place != self._place:
            self._place = place
            self.console.print(Text(place, style=f"bold {self._style(place)}"))
        if not self._is_full:
            line.truncate(self.console.width - 4, overflow="ellipsis")
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True, min_width=1)
        row.add_column(overflow="fold")
        row.add_row(Text("│", style=self._style(self._place)), line)
        self.console.print(row)

    @property
    def _time(self) -> str:
        return f"{self._clock.now():%H:%M}"

    def _style(self, place: str) -> str:
        if place.startswith("DM"):
            return "yellow"
        if place not in self._styles:
            self._styles[place] = _PLACE_STYLES[len(self._styles) % len(_PLACE_STYLES)]
        return self._styles[place]


def _is_essential(change: Change) -> bool:
    match change.kind:
        case ChangeKind.COMMAND | ChangeKind.CLICK | ChangeKind.SUBMIT | ChangeKind.REACTION:
            return True
        case ChangeKind.MESSAGE:
            return change.message is not None and not change.message.is_pinned
        case ChangeKind.PINNED:
            return change.who != BOT
    return False


def _place_of(change: Change) -> str:
    return (
        change.where.split(" → ")[0].replace("modal @", "form of @").replace("home @", "home of @")
    )


def _line_of(change: Change, *, most: int) -> Text | None:
    """Return the line for a change, or None if it would only be noise."""
    who, text = change.who, change.text
    match change.kind:
        case ChangeKind.COMMAND:
            return _action(who, "types", Text(_readable(change, text), style="bold"))
        case ChangeKind.CLICK:
            return _action(who, "presses", Text(f" {text} ", style="reverse"))
        case ChangeKind.SUBMIT:
            return _action(who, "submits the form", Text(f"“{text}”"))
        case ChangeKind.REACTION:
            return _action(who, "reacts with", Text(_emojis(text.strip("+−"))))
        case ChangeKind.PINNED if who != BOT:
            return _action(who, "pins", Text(f"“{_cut(text)}”"))
        case ChangeKind.EPHEMERAL:
            reader = change.where.rpartition(" → ")[2]
            return _speech(f"only {reader} sees", _compact(change.message) or text, most=most)
        case ChangeKind.MESSAGE:
            return _message(change, most=most)
        case ChangeKind.EDITED if change.message is not None and not change.message.ephemeral_to:
            return _edit(change.message)
        case ChangeKind.VIEW | ChangeKind.VIEW_CHANGED if change.view is not None:
            return _form(change.view)
        case _:
            return _notice(change)


def _notice(change: Change) -> Text | None:
    match change.kind:
        case ChangeKind.CREATED:
            return _small("opens this channel")
        case ChangeKind.JOINED if change.who != BOT:
            return _small(f"brings in {change.who}")
        case ChangeKind.PINNED:
            return _small("pins the status card")
        case ChangeKind.TOPIC:
            return _small(f"sets the topic: {change.text}")
        case ChangeKind.BOOKMARK:
            return _small(f"bookmarks {change.text.partition(':')[0]}")
        case ChangeKind.FILE if change.message is not None:
            size = sum(len(file.content) for file in change.message.files)
            return _small(f"uploads {change.text} ({size / 1024:.1f} kB)")
        case _:
            return None


def _message(change: Change, *, most: int) -> Text | None:
    message = change.message
    if message is None or not change.text.strip():
        return None
    if message.is_bot:
        return _speech("", _compact(message), most=most)
    return _action(change.who, "writes", _styled(change.text))


def _edit(message: Message) -> Text:
    text = " ".join(_readable_text(message.text, message).split())
    short = text if len(text) <= _LONGEST_ASIDE else f"{text[: _LONGEST_ASIDE - 1]}…"
    what = "status card" if message.is_pinned else "message"
    return _small(f"keeps its {what} current: {short}")


def _compact(message: Message | None) -> str:
    """Render a message, with its fields side by side."""
    if message is None or not message.blocks:
        return message.rendered if message else ""
    names = message.channel.names
    parts = []
    for block in message.blocks:
        fields = block.get("fields") or []
        cells = (_readable_text(field["text"], message).replace("\n", " ") for field in fields)
        parts.append("  ·  ".join(cells) if fields else render_blocks([block], names))
    return _INSTANT.sub(r"\1", "\n".join(part for part in parts if part))


def _readable_text(text: str, message: Message) -> str:
    return _INSTANT.sub(r"\1", plain(text, message.channel.names))


def _action(who: str, verb: str, what: Text) -> Text:
    return Text.assemble((who, "bold yellow"), f" {verb} ", what)


def _speech(aside: str, text: str, *, most: int) -> Text:
    lines = [line for line in text.splitlines() if line.strip()]
    shown = [_cut(line) for line in lines[:most]]
    if len(lines) > most > 1:
        shown.append(f"… {len(lines) - most} more lines")
    head = Text("Sitrep", style="bold green")
    if aside:
        head.append(f" ({aside})", style="dim")
    separator = "\n" if len(shown) > 1 else "  "
    return Text.assemble(head, separator, _styled("\n".join(shown)))


def _small(text: str) -> Text:
    return Text.assemble(("Sitrep ", "green"), (text, "dim"))


def _form(view: View) -> Text:
    labels = ", ".join(_labels(view))
    return _small(f"opens the form “{view.title}”: {labels}" if labels else f"shows “{view.title}”")


def _labels(view: View) -> Iterator[str]:
    for block in view.blocks:
        if block["type"] == "input":
            yield str(block["label"]["text"])


def _styled(text: str) -> Text:
    styled = Text(_emojis(_BOLD.sub(r"\1", text)))
    for found in _BOLD.finditer(text):
        styled.highlight_words([found[1]], "bold")
    styled.highlight_regex(_BUTTON, "reverse")
    styled.highlight_regex(_PERSON, "yellow")
    return styled


def _emojis(text: str) -> str:
    return _EMOJI.sub(lambda found: _PICTURED.get(found[1], found[0]), text)


def _readable(change: Change, text: str) -> str:
    names = change.channel.names if change.channel else {}
    return plain(text, names)


def _cut(text: str, *, most: int = _LONGEST_LINE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
