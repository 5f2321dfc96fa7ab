"""Slack's blocks and mark-up as HTML, near enough to judge how a message looks."""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Names = Mapping[str, str]

ZONE = ZoneInfo("Europe/Berlin")
_TOKEN = re.compile(r"```.+?```|`[^`\n]+`|<[^<>\n]+>", re.DOTALL)
_QUOTED = re.compile(r"^(?:&gt;|>) ?(.*)$", re.MULTILINE)
_STYLES = (
    (re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~([^~\n]+)~(?![\w~])"), r"<s>\1</s>"),
)
CSS = """
body{font:15px/1.46 Lato,'DejaVu Sans',sans-serif;color:#1d1c1d;background:#fff;margin:20px;columns:2;column-gap:24px}
.shot{break-inside:avoid;padding-bottom:26px;overflow-wrap:anywhere} h1{font-size:22px;column-span:all;margin:0 0 12px}
h2{font-size:15px;color:#1264a3;margin:0 0 4px} .where{color:#616061;font-size:12px}
.card{border:1px solid #ddd;border-radius:8px;padding:8px 14px;margin:4px 0}
.modal{max-width:520px;box-shadow:0 2px 10px #0003}
.bar{display:flex;justify-content:space-between;font-weight:900;font-size:18px;margin:4px 0}
.header{font-weight:900;font-size:18px;margin:8px 0} .section{margin:8px 0;display:flex;gap:12px}
.section>div:first-child{flex:1}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:8px} .context{color:#616061;font-size:13px;margin:6px 0}
.button{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:3px 11px;font-weight:700;
font-size:13px;margin:3px 6px 3px 0} .primary{background:#007a5a;color:#fff;border-color:#007a5a}
.danger{background:#e01e5a;color:#fff;border-color:#e01e5a} .label{font-weight:700;margin-top:10px}
.input{border:1px solid #999;border-radius:4px;padding:5px 10px;min-height:20px;white-space:pre-wrap}
.hint{color:#616061;font-size:12px} .text{color:#8a5a00;font-size:11px;margin:2px 6px}
.mention{background:#1264a31a;color:#1264a3;border-radius:3px} .ask{color:#b00;font-size:11px}
blockquote{border-left:4px solid #ddd;margin:4px 0;padding-left:10px} code{background:#f4f4f4;border:1px solid #ddd;border-radius:3px;color:#e01e5a;font-size:12px;padding:1px 3px}
table{border-collapse:collapse;font-size:12px} td,th{border:1px solid #ccc;padding:2px 6px}
.phone{columns:4;column-gap:20px} .phone .modal{max-width:none}
.dark{color:#d1d2d3;background:#1a1d21} .dark .card,.dark .input{border-color:#565856}
.dark .button{border-color:#797c81;color:#fff} .dark .context,.dark .hint,.dark .where{color:#ababad}
.dark .primary{background:#007a5a} .dark .text{color:#e8b45a} .dark .ask{color:#ff7a7a}
.dark h2,.dark a,.dark .mention{color:#1d9bd1} .dark code{background:#2b2d31;border-color:#565856;color:#e8912d}
"""
# The page's width in pixels by how it looks; four phones are drawn beside each other.
LOOKS = {"light": 1400, "dark": 1400, "phone": 1560}
# Chromium writes the height into the title, so that a picture ends where the page does.
MEASURE = "<script>document.title=document.documentElement.scrollHeight</script>"


def page(title: str, parts: list[str], *, look: str) -> str:
    """Return the whole page; `look` is one of `LOOKS`."""
    head = f"<meta charset=utf-8><title></title><style>{CSS}</style>"
    shots = "".join(f"<div class=shot>{part}</div>" for part in parts)
    return f"<!doctype html>{head}<body class={look}><h1>{title}</h1>{shots}{MEASURE}</body>"


def shot(caption: str, where: str, payload: Json, names: Names, *, now: datetime) -> str:
    """Return one message, form or Home tab with its caption above and its fallback text below."""
    draw = Drawing(names, now)
    body = draw.view(payload) if payload.get("type") == "modal" else draw.blocks(payload)
    spoken = html.escape(str(payload.get("text") or "")) if payload.get("blocks") else ""
    aside = f"<div class=text>fallback: {spoken}</div>" if spoken else ""
    head = f"<h2>{html.escape(caption)}</h2><div class=where>{html.escape(where)}</div>"
    return f"{head}{body}{aside}"


class Drawing:
    """Draws with a workspace's names, at the reader's time."""

    def __init__(self, names: Names, now: datetime) -> None:
        """Use these names by id, and this time."""
        self._names = names
        self._now = now

    def blocks(self, payload: Json) -> str:
        """Draw a message or Home tab."""
        blocks = payload.get("blocks") or []
        inside = "".join(map(self._block, blocks)) or self.mrkdwn(str(payload.get("text") or ""))
        return f"<div class=card>{inside}</div>"

    def view(self, view: Json) -> str:
        """Draw a form."""
        buttons = f"{_button(view.get('close'))} {_button(view.get('submit'), 'primary')}"
        bar = f"<div class=bar><span>{_plain(view['title'])}</span></div>"
        inside = "".join(map(self._block, view["blocks"]))
        return f'<div class="card modal">{bar}{inside}<div>{buttons}</div></div>'

    def mrkdwn(self, text: str) -> str:
        """Draw marked-up text."""
        drawn = _QUOTED.sub(r"<blockquote>\1</blockquote>", "".join(self._pieces(text)))
        return drawn.replace("</blockquote>\n", "</blockquote>").replace("\n", "<br>")

    def _pieces(self, text: str) -> Iterator[str]:
        # Styles enclose mentions and dates, so those go in last.
        kept: list[str] = []

        def keep(found: re.Match[str]) -> str:
            kept.append(self._token(found[0]))
            return f"\x00{len(kept) - 1}\x00"

        styled = _TOKEN.sub(keep, text)
        for pattern, style in _STYLES:
            styled = pattern.sub(style, styled)
        yield re.sub(r"\x00(\d+)\x00", lambda found: kept[int(found[1])], styled)

    def _token(self, token: str) -> str:
        if token.startswith("`"):
            return f"<code>{token.strip('`')}</code>"
        target, _, label = token[1:-1].partition("|")
        if target.startswith("!date^"):
            return self._date(*target.split("^")[1:3])
        if target[0] in "@#!":
            key = target.removeprefix("!subteam^").lstrip("@#")
            known = f"@{target[1:]}" if target in ("!here", "!channel") else f"UNKNOWN {target}"
            shown = self._names.get(key, label or known)
            return f"<span class=mention>{html.escape(shown)}</span>"
        return f'<a href="{target}">{label or target}</a>'

    def _date(self, seconds: str, form: str) -> str:
        at = datetime.fromtimestamp(int(seconds), UTC).astimezone(ZONE)
        days = (self._now.astimezone(ZONE).date() - at.date()).days
        day = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(days, f"{at:%b} {at.day}")
        for name, value in {
            "{date_short_pretty}": day if form[0] != "{" else day.capitalize(),
            "{time_secs}": f"{at:%H:%M:%S}",
            "{time}": f"{at:%H:%M}",
            "{ago}": f"{(self._now - at) // timedelta(minutes=1)} minutes ago",
        }.items():
            form = form.replace(name, value)
        return f"<span>{form}</span>"

    def _text(self, thing: Json) -> str:
        return self.mrkdwn(thing["text"]) if thing["type"] == "mrkdwn" else _plain(thing)

    def _block(self, block: Json) -> str:
        match block["type"]:
            case "header":
                return f"<div class=header>{_plain(block['text'])}</div>"
            case "divider":
                return "<hr>"
            case "section":
                fields = "".join(f"<div>{self._text(one)}</div>" for one in block.get("fields", ()))
                text = self._text(block["text"]) if block.get("text") else ""
                inner = f"{text}<div class=fields>{fields}</div>" if fields else text
                side = self._element(block["accessory"]) if block.get("accessory") else ""
                return f"<div class=section><div>{inner}</div><div>{side}</div></div>"
            case "context":
                return f"<div class=context>{' '.join(map(self._text, block['elements']))}</div>"
            case "actions":
                many = " <span class=ask>CROWDED</span>" if len(block["elements"]) > 5 else ""
                return f"<div>{''.join(map(self._element, block['elements']))}{many}</div>"
            case "input":
                extra = " (optional)" if block.get("optional") else ""
                hint = f"<div class=hint>{_plain(block['hint'])}</div>" if block.get("hint") else ""
                label = f"<div class=label>{_plain(block['label'])}{extra}</div>"
                return f"{label}{self._element(block['element'])}{hint}"
        return f"<div class=ask>{block['type']}</div>"

    def _element(self, element: Json) -> str:
        match element["type"]:
            case "button":
                ask = element.get("confirm")
                asks = f"<span class=ask>asks: {self._text(ask['text'])}</span>" if ask else ""
                return _button(element["text"], element.get("style", "")) + asks
            case "overflow":
                labels = " / ".join(_plain(option["text"]) for option in element["options"])
                return f"<span class=button>⋯</span><div class=ask>{labels}</div>"
            case "checkboxes" | "radio_buttons":
                chosen = element.get("initial_options") or [element.get("initial_option")]
                return "".join(_choice(one, one in chosen) for one in element["options"])
        return f"<div class=input>{self._value(element)}</div>"

    def _value(self, element: Json) -> str:
        for key, value in element.items():
            match value:
                case int() if key == "initial_date_time":
                    return self._date(str(value), "{date_short_pretty} at {time}")
                case dict() if key.startswith("initial_"):
                    return f"{_plain(value['text'])} ▾"
                case list() if key.startswith("initial_"):
                    return ", ".join(_plain(one["text"]) for one in value)
                case str() if key.startswith("initial_"):
                    return html.escape(self._names.get(value, value))
        return f"<span class=hint>{_plain(element.get('placeholder'))}</span>"


def _plain(thing: Json | None) -> str:
    return html.escape(thing["text"], quote=False) if thing else ""


def _button(text: Json | None, style: str = "") -> str:
    return f"<span class='button {style}'>{_plain(text)}</span>" if text else ""


def _choice(option: Json, is_chosen: bool) -> str:  # noqa: FBT001
    more = (
        f"<div class=hint>{_plain(option['description'])}</div>" if "description" in option else ""
    )
    return f"<div>{'◉' if is_chosen else '○'} {_plain(option['text'])}{more}</div>"


def markdown(text: str) -> str:
    """Draw an exported file: headings, tables, lists and bold of Markdown."""
    lines: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.fullmatch(r"\|[-| :]+\|", line):
            continue
        if line.startswith("|"):
            lines.append(f"<table><tr>{''.join(f'<td>{one}</td>' for one in cells)}</tr></table>")
        elif line.startswith("#"):
            lines.append(f"<div class=header>{line.lstrip('# ')}</div>")
        else:
            lines.append(f"<div>{line or '&nbsp;'}</div>")
    joined = "".join(lines).replace("</table><table>", "")
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", f"<div class=card>{joined}</div>")
