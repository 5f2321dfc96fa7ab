"""The doctor: checks what the bot depends on, and says how to fix it."""

import os
import shlex
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from bot.features import all_features
from bot.operations import storage
from bot.operations.dead_letters import cause_line
from bot.operations.identity import org_wide_token, refused_token
from bot.operations.manifest import needed_scopes, purpose_of
from bot.operations.pagers.lacking import pager_findings
from bot.operations.reach import TRY_AGAIN, Finding, Reach, after, gaps
from bot.slack.errors import SlackFailure, SlackTemporary, SlackUnauthorized
from bot.slack.gateway import SlackGateway
from bot.slack.gateway.people import Identity
from config.policy_loader import LoadedPolicy
from config.settings import Settings
from incidents.core.clock import Clock
from incidents.registry.dead_letters import find_causes
from incidents.storage.database import Database, reason_of
from incidents.supervision.mentors import learners_without_mentor
from migrations import runner
from migrations.columns import missing_columns

# Slack tolerates five minutes, but that would put wrong times on the record.
MOST_OFF = timedelta(seconds=5)
REINSTALL = "paste `sitrep manifest` on the app's page (App Manifest), then install the app again"


class Doctor:
    """Examines settings, database, Slack and policy; changes nothing."""

    def __init__(
        self,
        settings: Settings,
        loaded: LoadedPolicy,
        *,
        gateway: SlackGateway,
        database: Database,
        clock: Clock,
    ) -> None:
        """Store the same parts that a running bot uses."""
        self._settings = settings
        self._loaded = loaded
        self._gateway = gateway
        self._database = database
        self._clock = clock
        self._reach = Reach(loaded.policy, gateway)

    async def examine(self) -> AsyncIterator[Finding]:
        """Yield findings as the checks complete."""
        yield Finding(f"policy: {self._loaded.source}, digest {self._loaded.digest[:12]}")
        async for finding in self._database_findings():
            yield finding
        for problem in self._settings.problems_for_serving():
            what, _, _ = problem.what.partition(".")
            yield Finding(f"{problem.key} {what}", f"set {problem.example}; README says how")
        if self._settings.slack_bot_token is not None:
            async for finding in self._slack_findings():
                yield finding
        for finding in gaps(self._loaded.policy, nobody=self._reach.nobody):
            yield finding
        for finding in pager_findings(self._settings, self._loaded.policy):
            yield finding
        async for finding in self._connection_findings():
            yield finding

    # -- the database -------------------------------------------------------------------------

    async def _database_findings(self) -> AsyncIterator[Finding]:
        address = self._settings.safe_database_url
        try:
            if (lost := self._database.lost_file()) is not None:
                yield Finding(lost, "put the file back or restore a backup; README says how")
                return
            if self._database.file is not None and self._database.is_missing:
                yield _missing_file_finding(self._database.file)
                return
            state = await runner.schema_state(self._database)
            offset = await storage.clock_offset(self._database)
        except (OSError, DBAPIError) as error:
            yield Finding(
                f"database {address} can't be used: {reason_of(error)}",
                f"check DATABASE_URL, and {storage.what_to_check(self._database)}",
            )
            return
        yield Finding(f"database {address} answers")
        if (protected := storage.write_protected(self._database)) is not None:
            yield Finding(
                f"this user may not write to {protected}",
                "run `sitrep doctor` as Sitrep's user, or give that user the file and its folder",
            )
        wide = storage.open_to_others(self._database)
        if wide:
            yield _wide_finding(wide)
        yield _schema_finding(state, is_sqlite=self._database.is_sqlite)
        if not self._database.is_sqlite:
            yield _clock_finding("the database's", offset)
        if state.is_current and (missing := await missing_columns(self._database)):
            yield Finding(f"the database lacks {', '.join(missing)}", "restore a backup")
        elif state.is_current:
            yield await self._mentor_finding()
            for finding in await self._dead_letter_findings():
                yield finding

    async def _mentor_finding(self) -> Finding:
        async with self._database.reading() as session:
            alone = await learners_without_mentor(session, self._loaded.policy)
        if not alone:
            return Finding("everybody who is learning has a mentor")
        return Finding(
            f"no mentor for {', '.join(alone)}",
            "name one under supervision.mentors, or have a manager name one: "
            f"`{self._loaded.policy.command} stage @someone --mentor @someone`",
        )

    async def _dead_letter_findings(self) -> Sequence[Finding]:
        async with self._database.reading() as session:
            causes = await find_causes(session)
        todo = "fix the cause, then `sitrep outbox retry --cause {}`; or `sitrep outbox drop`"
        return [
            Finding(f"dead letters: {cause_line(cause)}", todo.format(shlex.quote(cause.error)))
            for cause in causes
        ] or [Finding("no dead letters: Slack refused nothing for good")]

    # -- Slack --------------------------------------------------------------------------------

    async def _slack_findings(self) -> AsyncIterator[Finding]:
        try:
            identity = await self._gateway.auth_test()
        except SlackUnauthorized as error:
            yield Finding(f"bot token is refused ({error.error})", refused_token(error.error).todo)
            return
        except SlackFailure as error:
            yield Finding(f"Slack can't be asked ({error.error})", TRY_AGAIN)
            return
        if identity.is_org_wide:
            refused = org_wide_token(identity)
            yield Finding(refused.what.removesuffix("."), refused.todo)
            return
        self._gateway.team_id = identity.team_id
        self._gateway.enterprise_id = identity.enterprise_id
        yield Finding(f"bot token is valid: {identity.team} ({identity.team_id})")
        if identity.server_time is not None:
            yield _clock_finding("Slack's", identity.server_time - self._clock.now())
        for finding in _scope_findings(identity):
            yield finding
        yield await self._announcement_finding()
        async for finding in self._reach.names():
            yield finding

    async def _connection_findings(self) -> AsyncIterator[Finding]:
        if self._settings.slack_app_token is not None:
            yield await self._app_token_finding(self._settings.slack_app_token.get_secret_value())
        if self._settings.slack_signing_secret is not None:
            yield Finding("signing secret is set; only a request from Slack can prove it")

    async def _app_token_finding(self, app_token: str) -> Finding:
        try:
            await self._gateway.open_socket(app_token)
        except SlackTemporary as error:
            return Finding(
                f"app token not checked: Slack can't be asked ({error.error})", TRY_AGAIN
            )
        except SlackFailure as error:
            return Finding(
                f"app token doesn't open a connection ({error.error})",
                "on the app's page: Socket Mode on, and an app-level token with connections:write",
            )
        return Finding("app token opens connections (Socket Mode)")

    async def _announcement_finding(self) -> Finding:
        announcement = self._loaded.policy.announcement
        name = announcement.channel
        if not announcement.enabled:
            return Finding("announcements are off")
        try:
            channel = await self._gateway.find_channel(name)
        except SlackFailure as error:
            return Finding(f"announcement channel {name} not checked ({error.error})", after(error))
        if channel is None:
            return Finding(
                f"announcement channel {name} is not there, or the bot can't see it",
                "create it (if it is private, invite the bot), or name another one in the policy",
            )
        if channel.is_archived:
            return Finding(f"announcement channel {name} is archived", "unarchive or rename it")
        if channel.is_private and not channel.is_member:
            return Finding(f"the bot isn't in {name}", f"in Slack: /invite @Sitrep in {name}")
        joins = "" if channel.is_member else "; the bot joins it at the start"
        return Finding(f"announcement channel {name} is there{joins}")


def _scope_findings(identity: Identity) -> Iterable[Finding]:
    if identity.scopes is None:
        yield Finding("scopes not checked: the server didn't say which ones the token has")
        return
    features = all_features()
    needed, granted = needed_scopes(features), set(identity.scopes)
    missing = [scope for scope in needed if scope not in granted]
    if missing:
        named = ", ".join(f"{scope} (for {purpose_of(scope, features)})" for scope in missing)
        counted = "1 scope is" if len(missing) == 1 else f"{len(missing)} scopes are"
        yield Finding(f"{counted} missing: {named}", REINSTALL)
    else:
        yield Finding(f"all {len(needed)} scopes are granted")
    spare = sorted(granted - set(needed))
    if spare:
        yield Finding(f"granted but not needed: {', '.join(spare)}")


def _schema_finding(state: runner.SchemaState, *, is_sqlite: bool) -> Finding:
    if not state.is_known:
        return Finding(
            f"schema {state.current} is newer than this version", "start the newer Sitrep again"
        )
    if state.is_foreign:
        own = "file" if is_sqlite else "database"
        return Finding(
            "the database holds another program's tables",
            f"name a {own} of its own in DATABASE_URL",
        )
    if state.is_current:
        return Finding(f"schema {state.current} is this version's")
    if is_sqlite:
        return Finding("schema is behind; `sitrep serve` upgrades it at the start")
    return Finding(
        f"schema is {state.current or 'empty'}, needed is {state.head}", "run `sitrep migrate`"
    )


def _wide_finding(paths: Sequence[Path]) -> Finding:
    names = ", ".join(map(str, paths))
    chmod = " && ".join(f"chmod {'700' if one.is_dir() else '600'} {one}" for one in paths)
    return Finding(
        f"other users of this machine can open {names}, with everything that is private",
        f"{chmod} (or move the database to a folder of its own)",
    )


def _missing_file_finding(file: Path) -> Finding:
    there = next(folder for folder in file.absolute().parents if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding(
            f"database {file} doesn't exist yet; `sitrep serve` creates it. "
            "If your incidents should be there, check DATABASE_URL and the volume first"
        )
    return Finding(
        f"database {file} can't be made: {there} isn't a folder that this user may write to",
        "check DATABASE_URL and the folder's owner",
    )


def _clock_finding(whose: str, ahead: timedelta) -> Finding:
    seconds = abs(ahead.total_seconds())
    if abs(ahead) <= MOST_OFF:
        return Finding(f"this machine's clock agrees with {whose}")
    side = "behind" if ahead > timedelta(0) else "ahead of"
    return Finding(
        f"this machine's clock is {seconds:.0f} s {side} {whose}",
        "switch on time synchronisation (NTP)",
    )
