"""All texts that the scenarios show, once each, in one file to read from top to bottom.

They come from the snapshots of `tests/freeze`: `make freeze` brings them up to date.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.freeze.items import Item
from tests.freeze.snapshots import FOLDER, PLANNED, read

# The first that fits a heading is its surface; what fits none (pins, invitations) has no words.
_SURFACES = (
    ("Forms", re.compile(r"views\.(open|update|push)|answer to view_submission")),
    ("Home tab", re.compile(r"views\.publish")),
    ("Answers", re.compile(r"answer to|response_url|chat\.postEphemeral")),
    ("Direct messages", re.compile(r"chat\.\w+ in (the direct messages?|dm|@)", re.IGNORECASE)),
    ("Channel messages", re.compile(r"chat\.(postMessage|update)")),
    ("Topics", re.compile(r"conversations\.(setTopic|setPurpose)")),
    ("Files", re.compile(r"file ")),
)
_PROGRAM = re.compile(
    r"^[- ]*(response_type|callback_id|private_metadata|external_id|metadata|style|token|thread_ts"
    r"|ts|previous_view_id|url|initial_\w+|max_length|min_length|max_selected_items|dispatch_\w+"
    r"|focus_on_load|multiline|optional|event_type|event_payload|notify_on_close|clear_on_close"
    r"|unfurl_\w+|min_query_length|filter|include|exclude_\w+|color|replace_original"
    r"|delete_original|response_action|link_names|username|mrkdwn): .*$"
)
_MARKS = re.compile(
    r"^(?:(?:- |[a-z_]+: (?=\S*(?: \[| \{|$)))*)"
    r"(?:section|context|header|actions|input|divider|button|overflow|rich_text|modal|home"
    r"|plain_text_input|\w*select|checkboxes|radio_buttons|datetimepicker|datepicker|timepicker)\b"
)
_IDS = re.compile(r"\{[\w:./|-]*\}|= \S+$")
_LABELS = re.compile(r"^(?:- )*(?:[a-z_]+:)(?: |$)")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
# What differs between two texts that are otherwise the same: incidents, people, channels, figures.
_VARIES = re.compile(
    r"\b(INC|DRILL)-\d+|#[\w-]+|@?\b(alice|ben|bob|boss|carla|carol|dan|jo|jun|max|maya|nora)\b"
    r"|\d+|[^\w#]",
    re.IGNORECASE,
)


def all_texts() -> str:
    """Return every text that the snapshots hold."""
    modules = sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem != PLANNED)
    return texts_of((module, item) for module in modules for item in sorted(read(module)))


def texts_of(shown: Iterable[tuple[str, Item]]) -> str:
    """Return the texts by surface and place; a fallback only where it says something else."""
    sheets: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    seen: set[str] = set()
    for module, item in shown:
        surface = next((name for name, fits in _SURFACES if fits.match(item.heading)), "")
        lines = [line for line in _read_out(item) if surface and not _known(line, seen)]
        if lines:
            sheets[surface].setdefault(f"{module}: {item.heading}", []).extend(lines)
    return "".join(_sheet(name, sheets[name]) for name, _ in _SURFACES if name in sheets)


def _read_out(item: Item) -> Iterator[str]:
    """Yield what people read of an item; `fallback:` where notifications say something else."""
    if item.heading.startswith("file "):
        yield from filter(None, item.text.split("\n"))
        return
    head, has_blocks, blocks = item.text.partition("\nblocks:")
    visible = [line for line in map(_bare, (blocks or head).split("\n")) if line]
    spoken = [line for line in map(_bare, head.split("\n")) if line] if has_blocks else []
    yield from visible
    shown = " ".join(visible)
    yield from (f"    fallback: {line}" for line in spoken if line not in shown)


def _bare(line: str) -> str:
    """Return a line of a snapshot without the program's words."""
    line = _DATE.sub(r"\1", line.strip())
    if _PROGRAM.match(line):
        return ""
    marked = _MARKS.match(line)
    if marked:
        inside = re.match(r"\s*\[(.*)\]", line[marked.end() :])
        return inside[1] if inside else ""
    return _IDS.sub("", _LABELS.sub("", line)).strip(" -")


def _known(line: str, seen: set[str]) -> bool:
    key = _VARIES.sub("", line)
    is_known = key in seen
    seen.add(key)
    return is_known


def _sheet(name: str, texts: dict[str, list[str]]) -> str:
    rows = (f"\n[{where}]\n" + "\n".join(lines) + "\n" for where, lines in sorted(texts.items()))
    return f"\n######## {name}\n{''.join(rows)}"
