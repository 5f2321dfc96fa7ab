"""Who the policy reaches: names that fit nobody in Slack, and incidents that call nobody."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bot.features.browse.people import groups_of
from bot.framework.acquaintance import facts_of
from bot.integrations.pagers import can_tell_on_call
from bot.slack.errors import SlackFailure, SlackTemporary
from bot.slack.gateway import SlackGateway
from bot.slack.gateway.people import SlackUser, UserGroup
from incidents.core.people import PersonKind
from incidents.escalation.tables import Wanted
from incidents.escalation.targets import (
    LadderInputs,
    build_ladder,
    called_at_once,
    get_template,
    wanted_by,
)
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy, Severity
from incidents.policy.references import Address, PersonRef, named_in

TRY_AGAIN = "check the network and SLACK_API_URL, then try again"
# Command of the worst two severities is worth a person to call.
_WORST = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `todo` says how to fix it, None means it passed."""

    what: str
    todo: str | None = None

    def __str__(self) -> str:
        """Return the finding as one line for a terminal."""
        return f"ok {self.what}" if self.todo is None else f"!! {self.what} → {self.todo}"


class Reach:
    """Looks up the policy's names in Slack; `nobody` are those that fit nobody there."""

    def __init__(self, policy: Policy, gateway: SlackGateway) -> None:
        """Store the policy to examine."""
        self._policy = policy
        self._gateway = gateway
        self.nobody: set[str] = set()

    async def names(self) -> AsyncIterator[Finding]:
        """Yield which of the policy's names fit nobody, and why."""
        async for finding in self._people():
            yield finding
        async for finding in self._groups():
            yield finding

    async def _people(self) -> AsyncIterator[Finding]:
        named = tuple(dict.fromkeys(named_in(self._policy, PersonRef)))
        missing = 0
        try:
            holders = await self._holders({ref.email for ref in named if ref.email})
        except SlackFailure as error:
            yield Finding(f"people's addresses not checked ({error.error})", after(error))
            return
        for ref in named:
            try:
                users = await self._find(ref, holders)
            except SlackFailure as error:
                yield Finding(f"{ref} not checked ({error.error})", after(error))
                missing += 1
                continue
            finding = _person_finding(ref, users)
            if finding is not None:
                missing += 1
                self.nobody.add(str(ref))
                yield finding
        if named and not missing:
            people = "1 person" if len(named) == 1 else f"{len(named)} people"
            yield Finding(f"{people} named in the policy: all in Slack")

    async def _holders(self, addresses: AbstractSet[str]) -> Mapping[str, Sequence[SlackUser]]:
        """Return everybody in the workspace who has one of these addresses, by address."""
        wanted = {address.lower() for address in addresses}
        found: dict[str, list[SlackUser]] = {address: [] for address in wanted}
        if wanted:
            async for user in self._gateway.all_users():
                if user.email and user.email.lower() in wanted:
                    found[user.email.lower()].append(user)
        return found

    async def _find(
        self, ref: PersonRef, holders: Mapping[str, Sequence[SlackUser]]
    ) -> Sequence[SlackUser]:
        if ref.email is not None:
            listed = holders[ref.email.lower()]
            user = None if listed else await self._gateway.lookup_email(ref.email)
            return listed if user is None else (user,)
        try:
            return (await self._gateway.user(ref.user_id or ""),)
        except SlackFailure as error:
            if error.error in {"user_not_found", "user_not_visible"}:
                return ()
            raise

    async def _groups(self) -> AsyncIterator[Finding]:
        wanted = groups_of(self._policy)
        if not wanted:
            return
        try:
            groups = await self._gateway.groups()
        except SlackFailure as error:
            yield Finding(
                f"groups not checked ({error.error})",
                "user groups need a paid plan; name people in the policy instead"
                if error.error == "plan_upgrade_required"
                else after(error),
            )
            return
        known = Counter(name for group in groups for name in (group.id, group.handle))
        missing = sorted(wanted - set(known))
        shared = sorted(name for name in wanted if known[name] > 1)
        self.nobody |= {_shown(name) for name in (*shared, *missing)}
        for name in shared:
            yield Finding(
                f"@{name} is the handle of {known[name]} user groups, so it names none",
                "name the group by its id in the policy",
            )
        for name in missing:
            yield Finding(
                f"there is no user group {_shown(name)}", "create it, or correct the policy"
            )
        async for finding in self._empty(groups, wanted):
            yield finding
        if not missing and not shared:
            yield Finding(f"all {len(wanted)} groups named in the policy are in Slack")

    async def _empty(
        self, groups: Iterable[UserGroup], wanted: AbstractSet[str]
    ) -> AsyncIterator[Finding]:
        for group in groups:
            names = wanted & {group.id, group.handle}
            try:
                if not names or await self._gateway.group_members(group.id):
                    continue
            except SlackFailure as error:
                yield Finding(
                    f"members of @{group.handle} not checked ({error.error})", after(error)
                )
                continue
            self.nobody |= {_shown(name) for name in names}
            yield Finding(f"@{group.handle} has no members", "add somebody to the group in Slack")


def gaps(policy: Policy, *, nobody: Collection[str] = ()) -> Iterator[Finding]:
    """Yield which incidents would call nobody; `nobody` are names that fit nobody in Slack."""
    severities = policy.severities
    for service in (None, *policy.services):
        silent = [one for one in severities if not _reaches(policy, one, service, nobody)]
        if silent:
            where = f"in {service.name}" if service else "that names no service"
            is_any = len(silent) == len(severities)
            what = "an incident" if is_any else f"a {_either(silent)}"
            key = f"on_call under services.{service.key}" if service else "escalation.manager"
            yield Finding(f"{what} {where} calls nobody", f"set {key} in the policy")
    alone = [
        one
        for one in severities[:_WORST]
        if str(policy.backup_for(one.key, ()) or "") in {"", *nobody}
    ]
    if alone:
        yield Finding(
            f"if nobody takes command of a {_either(alone)}, Sitrep calls nobody",
            f"add a rule with severity: {alone[-1].key} and a backup under call in the policy",
        )
    yield from _asleep(policy, nobody)
    yield from _untold(policy)
    yield from _empty_turns(policy, nobody)


def _asleep(policy: Policy, nobody: Collection[str]) -> Iterator[Finding]:
    """Yield where the worst severity calls nobody when it is declared."""
    worst = policy.severities[0]
    for service in (None, *policy.services):
        keys = (service.key,) if service else ()
        called = called_at_once(policy, severity_key=worst.key, services=keys)
        if all(_is_nobody(policy, one, nobody) for one in called):
            where = f"in {service.name}" if service else "that names no service"
            key = f"on_call under services.{service.key}" if service else "on_call.fallback"
            yield Finding(
                f"a {worst.name} {where} wakes nobody when it is declared",
                f"set {key} in the policy, and a rule under call",
            )


def _reaches(
    policy: Policy, severity: Severity, service: Service | None, nobody: Collection[str]
) -> bool:
    inputs = LadderInputs(
        policy=policy,
        severity_key=severity.key,
        template=get_template(policy, ""),
        service=service,
    )
    called = (wanted for step in build_ladder(inputs, None) for wanted in step.wanted)
    # A role's holder may be nobody yet.
    return any(one.kind != "role" and not _is_nobody(policy, one, nobody) for one in called)


def _is_nobody(policy: Policy, wanted: Wanted, nobody: Collection[str]) -> bool:
    """Tell whether a name certainly calls nobody."""
    match wanted.kind:
        case "rotation":
            rotation = policy.on_call.find_rotation(wanted.value)
            return rotation is None or all(str(one) in nobody for one in rotation.people)
        case "pager":
            if _can_tell(policy, wanted.value):
                return False
            fallback = wanted_by(policy.on_call.fallback)
            if fallback is None or fallback.value == wanted.value:
                return True
            return _is_nobody(policy, fallback, nobody)
    return wanted.value in nobody


def _can_tell(policy: Policy, address: str) -> bool:
    pager = policy.find_pager(address.partition("/")[0])
    return pager is not None and can_tell_on_call(pager.kind)


def _untold(policy: Policy) -> Iterator[Finding]:
    """Yield the addresses that name who is on call, but whose pager can't say."""
    named = {
        "on_call.fallback": (policy.on_call.fallback,),
        **{f"services.{one.key}": _callees(one) for one in policy.services},
        "escalation": tuple(who for step in policy.escalation.steps for who in step.who),
    }
    for where, refs in named.items():
        for ref in refs:
            pager = policy.find_pager(ref.pager) if isinstance(ref, Address) else None
            if pager is not None and not can_tell_on_call(pager.kind):
                what = f"{ref} under {where}: {pager.shown_name} can't tell who is on call"
                instead = "nobody" if where == "on_call.fallback" else "the fallback"
                yield Finding(
                    f"{what}, so {instead} is called",
                    "name a person, a group or a rotation there; to page that address, use `reach`",
                )


def _callees(service: Service) -> tuple[object, ...]:
    return (service.on_call, *(who for step in service.steps for who in step.who))


def _empty_turns(policy: Policy, nobody: Collection[str]) -> Iterator[Finding]:
    """Yield the turns of rotations that call nobody."""
    for rotation in policy.on_call.rotations:
        missing = [str(one) for one in dict.fromkeys(rotation.people) if str(one) in nobody]
        if missing:
            yield Finding(
                f"rotation/{rotation.key} calls nobody in the turn of {' and '.join(missing)}",
                f"correct people under on_call.rotations.{rotation.key} in the policy",
            )


def _either(severities: Sequence[Severity]) -> str:
    *some, last = (severity.name for severity in severities)
    return f"{', '.join(some)} or {last}" if some else last


def _shown(name: str) -> str:
    """Return a group as the policy writes it: ids are upper case, handles aren't."""
    return name if name.isupper() else f"@{name}"


def _person_finding(ref: PersonRef, users: Sequence[SlackUser]) -> Finding | None:
    """Return what is wrong with a person in the policy; None if they are one active member."""
    members = [user for user in users if _why_no_member(user) is None]
    if len(members) == 1:
        return None
    if members:
        ids = ", ".join(user.id for user in members)
        return Finding(
            f"{ref} belongs to {len(members)} active members ({ids}), so it names nobody",
            "name the one you mean by id in the policy",
        )
    why = ", ".join(dict.fromkeys(_why_no_member(user) or "" for user in users)) or "nobody has it"
    return Finding(f"{ref} isn't an active member: {why}", "correct the policy")


def _why_no_member(user: SlackUser) -> str | None:
    if not user.is_active:
        return "deactivated"
    match facts_of(user).kind:
        case PersonKind.MEMBER:
            return None
        case PersonKind.BOT:
            return "a bot"
        case PersonKind.GUEST:
            return "a guest"
    return "from another workspace"


def after(error: SlackFailure) -> str:
    """Return what to do before repeating a failed check."""
    if error.error == "missing_scope":
        return "add the missing scopes first"
    return TRY_AGAIN if isinstance(error, SlackTemporary) else "fix what Slack says, then try again"
