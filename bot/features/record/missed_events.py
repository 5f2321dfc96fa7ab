"""What Slack keeps in a channel, as the events that it would have sent about it.

Reactions and pins don't say when somebody added or removed them: they count as of our return, so
that what was heard before is earlier, and what is heard since then is later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.gateway.channels import Channel
from bot.slack.message_content import files_of
from incidents.incident.incident import Incident
from incidents.record.captured_messages import KnownMark, MarkSource

Raw = Mapping[str, Any]

_MEMBERS: Final[Mapping[str, str]] = {
    "channel_join": "member_joined_channel",
    "group_join": "member_joined_channel",
    "channel_leave": "member_left_channel",
    "group_leave": "member_left_channel",
}
_LEAVES: Final = frozenset({"channel_leave", "group_leave"})


@dataclass(frozen=True, slots=True)
class Missed:
    """An event that we missed; `name` is the same whenever it is found again."""

    name: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What we knew of a channel; `since` (we went) and `back_at` are Slack's timestamps, as texts.

    `us` is our own id.
    """

    channel_id: str
    us: str
    is_private: bool
    is_shared: bool
    since: str
    back_at: str
    marker: str
    marks: tuple[KnownMark, ...] = ()

    @property
    def _kind(self) -> str:
        return "group" if self.is_private else "channel"

    def of_message(self, raw: Raw) -> Iterator[Missed]:
        """Return the events about one message: a file, an edit, somebody who came, reactions."""
        ts, subtype = str(raw["ts"]), str(raw.get("subtype") or "")
        if subtype in _MEMBERS:
            # We read it, so we are back, however often we were removed.
            is_over = raw.get("user") == self.us and subtype in _LEAVES
            if ts >= self.since and not is_over:
                yield self._of_member(raw, kind=_MEMBERS[subtype])
            return
        place = {"type": "message", "channel": self.channel_id, "channel_type": self._kind}
        if files_of(raw) and ts >= self.since:
            yield Missed(f"said:{ts}", {**raw, **place, "event_ts": ts})
        edited = str((raw.get("edited") or {}).get("ts") or "")
        if edited >= self.since and any(mark.ts == ts for mark in self.marks):
            change = {"subtype": "message_changed", "ts": edited, "event_ts": edited}
            yield Missed(f"edited:{ts}:{edited}", {**place, **change, "message": raw})
        yield from self._of_reactions(raw, ts)

    def _of_member(self, raw: Raw, *, kind: str) -> Missed:
        event = {
            "type": kind,
            "user": raw.get("user"),
            "channel": self.channel_id,
            "channel_type": "G" if self.is_private else "C",
            "event_ts": raw["ts"],
        }
        inviter = raw.get("inviter")
        if inviter is None and self.is_private and kind == "member_joined_channel":
            # By themselves, people come in only while a channel is public: nobody let them in.
            inviter = raw.get("user")
        invited = {"inviter": inviter} if inviter else {}
        return Missed(f"{kind}:{raw.get('user')}:{raw['ts']}", event | invited)

    def _of_reactions(self, raw: Raw, ts: str) -> Iterator[Missed]:
        known = {
            mark.external_id: mark
            for mark in self.marks
            if mark.ts == ts and mark.source == MarkSource.REACTION
        }
        reactions = [
            one for one in raw.get("reactions") or () if _bare(one.get("name")) == self.marker
        ]
        there = {str(user) for one in reactions for user in one.get("users") or ()}
        added = [one for one in there if one not in known or not known[one].is_known]
        # Slack may leave out some of many people.
        is_all = sum(int(one.get("count") or 0) for one in reactions) <= len(there)
        removed = [one for one, mark in known.items() if mark.is_standing and one not in there]
        for kind, users in (("added", added), ("removed", removed if is_all else [])):
            for user in sorted(users):
                event = {
                    "type": f"reaction_{kind}",
                    "user": user,
                    "reaction": self.marker,
                    "item": {"type": "message", "channel": self.channel_id, "ts": ts},
                    "item_user": raw.get("user"),
                    "event_ts": self.back_at,
                }
                yield Missed(f"reaction_{kind}:{user}:{ts}", event)

    def of_pin(self, item: Raw) -> Iterator[Missed]:
        """Return the event about something pinned that we don't know as pinned."""
        ts = str((item.get("message") or {}).get("ts") or "")
        if not ts or not item.get("created_by"):
            return
        for mark in self.marks:
            if mark.ts == ts and mark.source == MarkSource.PIN and mark.is_known:
                return
        event = {
            "type": "pin_added",
            "user": item["created_by"],
            "channel_id": self.channel_id,
            "item": dict(item),
            "event_ts": self.back_at,
        }
        yield Missed(f"pin_added:{ts}", event)

    def of_departed(self, user: str, *, at: str) -> Missed:
        """Return the event about somebody who isn't in the channel any more."""
        line = {"user": user, "ts": at}
        event = self._of_member(line, kind="member_left_channel").event
        return Missed(f"member_left_channel:{user}", event)


def of_life(
    page: Sequence[Raw], channel: Channel, incident: Incident, *, us: str
) -> Iterator[Missed]:
    """Return the events about what became of the channel and who did it, if its newest lines say so.

    Only what is still so counts: what was done and undone meanwhile is over.
    """
    lines = {str(raw.get("subtype") or ""): raw for raw in reversed(page) if raw.get("user") != us}
    now: list[tuple[bool, str, dict[str, Any]]] = [
        (
            channel.is_private != incident.is_channel_private,
            f"channel_convert_to_{'private' if channel.is_private else 'public'}",
            {"type": "message"},
        ),
        (
            channel.is_archived != incident.is_channel_archived,
            f"channel_{'archive' if channel.is_archived else 'unarchive'}",
            {},
        ),
        (channel.name != incident.channel_name, "channel_name", {"type": "channel_rename"}),
    ]
    for is_news, subtype, form in now:
        raw = lines.get(subtype)
        if not is_news or raw is None:
            continue
        place = (
            {"id": channel.id, "name": channel.name} if subtype == "channel_name" else channel.id
        )
        event = {"type": subtype, "user": raw.get("user"), "channel": place, "event_ts": raw["ts"]}
        if form.get("type") == "message":
            event |= {"subtype": subtype, "ts": raw["ts"]}
        yield Missed(f"{subtype}:{raw['ts']}", event | form)


def _bare(emoji: object) -> str:
    """Return the emoji's name without a skin tone."""
    return str(emoji or "").split("::")[0]
