"""The bot's own identity, people, and user groups."""

import html
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.slack.gateway.calls import SlackCalls
from bot.slack.ids import GroupId, UserId
from bot.slack.rate_limits import Priority

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The bot and workspace of our token; `server_time` is Slack's clock, to compare with ours.

    `is_org_wide`: the token is an organisation's (Enterprise Grid), not one workspace's. `scopes` is
    None if the server didn't say which ones were granted.
    """

    team_id: str
    enterprise_id: str = ""
    is_org_wide: bool = False
    team: str
    url: str
    bot_user_id: UserId
    bot_id: str
    scopes: tuple[str, ...] | None
    server_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A person or bot as Slack describes it; `zone` is an IANA name.

    `is_external` is None if the description doesn't tell which workspace they belong to.
    """

    id: UserId
    team_id: str
    name: str
    email: str | None = None
    zone: str | None = None
    is_active: bool = True
    is_bot: bool = False
    is_guest: bool = False
    is_external: bool | None = False
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A user group; `handle` has no `@`."""

    id: GroupId
    handle: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What may keep a person from noticing a message: do-not-disturb, and their status."""

    is_quiet: bool = False
    quiet_until: datetime | None = None
    status: str = ""


class PeopleCalls(SlackCalls):
    """Calls about ourselves, people and groups."""

    async def auth_test(self) -> Identity:
        """Return the identity behind our token, with the granted scopes."""
        response = await self._response("auth.test", {})
        headers: Mapping[str, str] = response.headers
        team_id = str(response["team_id"] or "")
        return Identity(
            team_id=team_id,
            enterprise_id=str(response.get("enterprise_id") or ""),
            is_org_wide=bool(response.get("is_enterprise_install")) or not team_id.startswith("T"),
            team=str(response["team"] or ""),
            url=str(response["url"] or ""),
            bot_user_id=UserId(str(response["user_id"] or "")),
            bot_id=str(response["bot_id"] or ""),
            scopes=_scopes(headers.get("x-oauth-scopes")),
            server_time=_http_date(headers.get("Date") or ""),
        )

    async def user(self, user_id: str, *, priority: Priority = Priority.WORK) -> SlackUser:
        """Return a person by id. Raises: SlackPermanent `user_not_found`."""
        answer = await self._call("users.info", {"user": user_id}, priority=priority)
        return self.user_of(answer["user"])

    async def attention(self, user_id: str) -> Attention:
        """Return what may keep this person from noticing a message now."""
        profile = (await self._call("users.info", {"user": user_id}))["user"].get("profile") or {}
        quiet = await self._call("dnd.info", {"user": user_id, "team_id": self.team_id})
        now = self._clock.now()
        until = _quiet_until(quiet, now=now)
        return Attention(
            is_quiet=until is not None, quiet_until=until, status=_status_of(profile, now=now)
        )

    async def all_users(self) -> AsyncIterator[SlackUser]:
        """Yield everybody in the workspace, including bots and deactivated people."""
        arguments = {"limit": _PAGE, "team_id": self.team_id}
        async for page in self._pages("users.list", arguments):
            for raw in page.get("members") or ():
                yield self.user_of(raw)

    async def lookup_email(self, email: str) -> SlackUser | None:
        """Return the person with this address, or None."""
        done = frozenset({"users_not_found", "user_not_found"})
        answer = await self._call("users.lookupByEmail", {"email": email}, done=done)
        return self.user_of(answer["user"]) if "user" in answer else None

    async def groups(self) -> tuple[UserGroup, ...]:
        """Return the workspace's active user groups."""
        answer = await self._call("usergroups.list", {"team_id": self.team_id})
        listed = answer.get("usergroups") or ()
        return tuple(_group(raw) for raw in listed if not raw.get("date_delete"))

    async def group_members(self, group_id: str) -> tuple[UserId, ...]:
        """Return the ids of a user group's members."""
        arguments = {"usergroup": group_id, "team_id": self.team_id}
        answer = await self._call("usergroups.users.list", arguments)
        return tuple(UserId(user) for user in answer.get("users") or ())

    def user_of(self, raw: Mapping[str, Any]) -> SlackUser:
        """Parse a user object from an answer or an event."""
        profile = raw.get("profile") or {}
        names = (profile.get("display_name"), profile.get("real_name"), raw.get("name"))
        return SlackUser(
            id=UserId(str(raw["id"])),
            team_id=str(raw.get("team_id") or profile.get("team") or ""),
            name=next((str(name) for name in names if name), str(raw["id"])),
            email=profile.get("email") or None,
            zone=raw.get("tz") or None,
            is_active=not raw.get("deleted"),
            is_bot=bool(raw.get("is_bot")) or raw.get("id") == "USLACKBOT",
            is_guest=bool(raw.get("is_restricted") or raw.get("is_ultra_restricted")),
            is_external=self._is_external(raw),
            phone=str(profile.get("phone") or ""),
        )

    def _is_external(self, raw: Mapping[str, Any]) -> bool | None:
        """Tell whether somebody belongs to another workspace; None if the object doesn't tell.

        On Enterprise Grid, `team_id` and `profile.team` may name the organisation or the person's
        home workspace; `enterprise_user.teams` lists the workspaces they belong to.
        """
        if raw.get("is_stranger"):
            return True
        teams = (raw.get("enterprise_user") or {}).get("teams") or ()
        named = (raw.get("team_id"), (raw.get("profile") or {}).get("team"))
        homes = [str(team) for team in named if team]
        if not homes or self.team_id is None or self.team_id in {*teams, *homes}:
            return False
        if teams or not all(home.startswith("E") for home in homes):
            return True
        # Only an organisation is named.
        if not self.enterprise_id:
            return None
        return self.enterprise_id not in homes


def _quiet_until(raw: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """Return the end of a current do-not-disturb; Slack also reports the next one."""
    start, end = _instant(raw.get("next_dnd_start_ts")), _instant(raw.get("next_dnd_end_ts"))
    if raw.get("dnd_enabled") and start is not None and end is not None and start <= now < end:
        return end
    # Slack reports other people's snoozes only in some workspaces.
    snoozed = _instant(raw.get("snooze_endtime")) if raw.get("snooze_enabled") else None
    return snoozed if snoozed is not None and snoozed > now else None


def _status_of(profile: Mapping[str, Any], *, now: datetime) -> str:
    """Return the status that a person set, as `:emoji: text`; "" once it has expired."""
    over_at = _instant(profile.get("status_expiration"))
    if over_at is not None and over_at <= now:
        return ""
    # Slack stores people's text with HTML entities, as in messages.
    shown = (profile.get("status_emoji"), html.unescape(str(profile.get("status_text") or "")))
    return " ".join(str(part) for part in shown if part)


def _instant(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _group(raw: Mapping[str, Any]) -> UserGroup:
    handle = str(raw.get("handle") or "").removeprefix("@")
    return UserGroup(id=GroupId(str(raw["id"])), handle=handle, name=str(raw.get("name") or ""))


def _scopes(header: str | None) -> tuple[str, ...] | None:
    """Return the granted scopes; a bot token always has some, so none means they weren't named."""
    return tuple(scope.strip() for scope in (header or "").split(",") if scope.strip()) or None


def _http_date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (TypeError, ValueError):
        return None
