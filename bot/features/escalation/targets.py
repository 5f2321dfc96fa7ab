"""Targets of an escalation: parsing a command's words, and the form's options."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select

from bot.framework.requests import Options, Reply, Request, Services
from bot.framework.slash_commands import split_first
from bot.slack import blocks, mentions
from incidents.core.people import PeopleGroup, Person, PersonKind
from incidents.escalation.targets import (
    GroupTarget,
    PersonTarget,
    RoleTarget,
    ServiceTarget,
    Target,
)
from incidents.policy.escalation import EscalationTemplate
from incidents.policy.policy import Policy

# The most words that a name at the start of a command may have, as in "communications lead".
_LONGEST_NAME = 4


# `escalate to @bob …` is `escalate @bob …`.
_TO_SOMEBODY: Final = re.compile(r"^to\s+(?=<[@!]|@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Meant:
    """The target or kind of escalation that a command names, and the words after it.

    `is_guessed`: the person typed `@name`, and Slack didn't turn it into a mention. `unknown` is a
    target that nobody has, `second` a further one.
    """

    target: Target | None = None
    template: EscalationTemplate | None = None
    rest: str = ""
    is_guessed: bool = False
    unknown: str = ""
    second: str = ""

    @property
    def is_sure(self) -> bool:
        """Tell whether the words name a target or kind without guessing."""
        return self.is_named and not self.is_guessed

    @property
    def is_named(self) -> bool:
        """Tell whether the words name a target or kind."""
        return self.target is not None or self.template is not None


def target_typed(words: str, *, to: str, policy: Policy) -> Meant:
    """Parse `@someone what you need` and `--to service what you need`; anything else is text.

    A single word, or a name that is the whole text, is a target, too.
    """
    if to:
        # A key first: with its `_` read as spaces, it may be another service's name.
        for named in (meant_by(to, policy), meant_by(to.replace("_", " "), policy)):
            if named.is_sure and not named.rest:
                return replace(named, rest=words)
        return Meant(rest=words, unknown=to)
    words = _TO_SOMEBODY.sub("", words.strip())
    meant = meant_by(words, policy)
    if words.strip().startswith(("@", "<")) and meant.is_named:
        first = words.split(maxsplit=1)[0]
        if meant.is_guessed:
            return Meant(rest=meant.rest, unknown=first)
        second = mentions.next_name(meant.rest)
        is_target = mentions.parse_user(second) or mentions.parse_group(second) or second[:1] == "@"
        return replace(meant, second=second if is_target else "")
    return meant if meant.is_named and not meant.rest else Meant(rest=words.strip())


def name_that_begins(words: str, policy: Policy) -> Meant:
    """Return the service, role or kind whose name the text begins with, perhaps by chance."""
    return meant_by(words, policy) if words[:1] not in {"@", "<"} else Meant(rest=words)


def meant_by(words: str, policy: Policy) -> Meant:
    """Parse the start of a text: a mention, or a name that the policy knows."""
    first, rest = split_first(words.strip())
    person = mentions.parse_user(first)
    if person is not None:
        return Meant(target=PersonTarget(external_id=person), rest=rest)
    group = mentions.parse_group(first)
    if group is not None:
        return Meant(target=GroupTarget(group, _label_of(first)), rest=rest)
    if first.startswith("@") and len(first) > 1:  # perhaps a group: Slack didn't make it a mention
        return Meant(target=GroupTarget(first), rest=rest, is_guessed=True)
    for count in range(_LONGEST_NAME, 0, -1):
        named = _named(words, count, policy)
        if named is not None:
            return named
    return Meant(rest=words.strip())


def _label_of(token: str) -> str:
    """Return the handle in Slack's mention of a group, after its id."""
    return token.partition("|")[2].rstrip(">")


def _named(words: str, count: int, policy: Policy) -> Meant | None:
    parts = words.split(maxsplit=count)
    if len(parts) < count:
        return None
    name = " ".join(parts[:count]).rstrip(":,")
    rest = parts[count] if len(parts) > count else ""
    target = target_named(name, policy)
    if target is not None:
        return Meant(target=target, rest=rest)
    wanted = name.casefold()
    for template in policy.escalation.templates:
        if wanted in {template.key.casefold(), template.name.casefold()}:
            return Meant(template=template, rest=rest)
    return None


def target_named(name: str, policy: Policy) -> Target | None:
    """Return the service with this key, else the one service with this name, else the role."""
    service = policy.find_service(name)
    if service is not None:
        return ServiceTarget(service.key)
    named = [one for one in policy.services if one.name.casefold() == name.casefold()]
    if len(named) == 1:
        return ServiceTarget(named[0].key)
    role = policy.find_role(name)
    return RoleTarget(role.key) if role is not None else None


# -- the form's select ----------------------------------------------------------------------


async def suggest_targets(request: Request) -> Reply:
    """Offer the services, roles and groups whose name or key contains the typed text."""
    typed = str(request.payload.get("value") or "").casefold()
    policy = request.policy
    groups = {
        "Services": [_service_option(item.key, policy) for item in policy.services],
        "Roles": [
            blocks.option(
                role.name, value=f"role:{role.key}", description="The person who holds it now"
            )
            for role in policy.roles
        ],
        "Groups": await _group_options(request.services),
    }
    offered = {
        label: blocks.options_within(fitting)
        for label, options in groups.items()
        if (fitting := [item for item in options if _fits(item, typed)])
    }
    return Options(groups=blocks.option_groups(offered))


def _fits(item: blocks.Option, typed: str) -> bool:
    shown = str(item.to_dict()["text"]["text"])
    return typed in shown.casefold() or typed in str(item.value).casefold()


def _service_option(key: str, policy: Policy) -> blocks.Option:
    service = policy.find_service(key)
    name = service.name if service is not None else key
    return blocks.option(name, value=f"service:{key}", description="Its on-call first")


async def _group_options(services: Services) -> list[blocks.Option]:
    query = (
        select(PeopleGroup)
        .where(PeopleGroup.workspace_id == services.workspace.id)
        .order_by(PeopleGroup.handle)
    )
    async with services.database.reading() as session:
        rows = (await session.execute(query)).scalars().all()
    return [blocks.option(f"@{row.handle}", value=f"group:{row.external_id}") for row in rows]


def option_of(target: Target | None, policy: Policy) -> blocks.Option | None:
    """Return the option for a target in the form's select; None for a person, who isn't in it."""
    match target:
        case ServiceTarget(key=key):
            return _service_option(key, policy)
        case RoleTarget(key=key):
            role = policy.find_role(key)
            return blocks.option(role.name if role else key, value=f"role:{key}")
        case GroupTarget(ref=ref, name=name):
            return blocks.option(name or f"@{ref.removeprefix('@')}", value=f"group:{ref}")
    return None


def target_of(form: blocks.FormState) -> Target | None:
    """Return the form's target; None if it names nobody, or both a person and something else."""
    person, chosen = form.user("person"), form.choice("target")
    if person and not chosen:
        return PersonTarget(external_id=person)
    return None if person else target_in(chosen or "")


def target_in(text: str) -> Target | None:
    """Return the target in a button's or option's value, e.g. `service:checkout`."""
    kind, _, value = text.partition(":")
    match kind if value else "":
        case "person":
            return PersonTarget(external_id=value)
        case "service":
            return ServiceTarget(value)
        case "role":
            return RoleTarget(value)
        case "group":
            return GroupTarget(value)
    return None


def text_of(meant: Meant) -> str:
    """Return the target or kind as a button carries it; "" if there is none."""
    match meant.target:
        case PersonTarget(external_id=external_id):
            return f"person:{external_id}"
        case ServiceTarget(key=key):
            return f"service:{key}"
        case RoleTarget(key=key):
            return f"role:{key}"
        case GroupTarget(ref=ref):
            return f"group:{ref}"
    return f"kind:{meant.template.key}" if meant.template is not None else ""


def names_two(form: blocks.FormState) -> bool:
    """Tell whether the form names both a person and something else."""
    return bool(form.user("person") and form.choice("target"))


# Longer input is hardly a misspelt name.
LONGEST_WORDS: Final = 1_800
# The most suggestions that fit a message, each with the whole ask.
_MOST: Final = 3
_LONG_ASK: Final = 800
# Shorter names resemble too many words.
_SHORTEST: Final = 4
_LONG: Final = 8
# Words that begin an ask, even if a person or service has a similar name.
_OPENERS: Final = frozenset(
    {
        *("are", "can", "could", "does", "have", "how", "is", "may", "need", "please", "should"),
        *("that", "the", "there", "these", "this", "we", "what", "when", "where", "which", "who"),
        *("why", "will", "with", "would"),
    }
)


@dataclass(frozen=True, slots=True)
class Near:
    """A name that the person may have meant, as typed in a command, and the words after it."""

    typed: str
    rest: str


async def find_handle(request: Request, handle: str) -> Target | None:
    """Return the one group or active person with exactly this `@handle`, as stored.

    None if there are several: nobody is called by chance.
    """
    name, workspace_id = handle.removeprefix("@"), request.services.workspace.id
    groups = select(PeopleGroup).where(
        PeopleGroup.workspace_id == workspace_id, PeopleGroup.handle == name
    )
    people = select(Person).where(
        Person.workspace_id == workspace_id,
        Person.is_active,
        Person.kind != PersonKind.BOT,
        Person.name == name,
    )
    async with request.services.database.reading() as session:
        found: list[Target] = [
            *(
                GroupTarget(group.external_id, f"@{group.handle}")
                for group in (await session.execute(groups)).scalars()
            ),
            *(
                PersonTarget(external_id=person.external_id)
                for person in (await session.execute(people)).scalars()
            ),
        ]
    return found[0] if len(found) == 1 else None


async def near_targets(
    request: Request, words: str, *, with_kinds: bool = True
) -> tuple[Near, ...]:
    """Return targets whose names resemble the start of the words, nearest first; none for an ask.

    `with_kinds`: also match kinds of escalation.
    """
    text = words.strip()
    if len(text) > LONGEST_WORDS:
        return ()
    is_handle = text.startswith("@")
    known = {} if is_handle else _policy_names(request.policy, with_kinds=with_kinds)
    found = find_near(text, known)
    if not found:
        handles = await _handles(request)
        found = find_near(text.removeprefix("@"), handles, counts_exact=not is_handle)
    return found if len(text) <= _LONG_ASK else found[:1]


def find_near(
    text: str, names: Mapping[str, str], *, counts_exact: bool = False
) -> tuple[Near, ...]:
    """Return the names that resemble the start of the text, nearest first.

    `names` maps a name to how it is typed. One letter may be extra, missing, wrong or swapped; two
    in names of eight letters or more.
    """
    parts = text.split(maxsplit=_LONGEST_NAME)
    if not parts or parts[0].casefold().strip(",:") in _OPENERS:
        return ()
    starts = [(count, _plain(" ".join(parts[:count]))) for count in range(1, len(parts) + 1)]
    best: dict[str, tuple[int, Near]] = {}
    for name, typed in names.items():
        wanted = _plain(name)
        for count, start in starts[:_LONGEST_NAME]:
            distance = _distance(start, wanted)
            if distance is None or (distance == 0 and not counts_exact):
                continue
            if typed not in best or distance < best[typed][0]:
                best[typed] = distance, Near(typed, _after(text, count))
    ordered = sorted(best.values(), key=lambda one: (one[0], one[1].typed))
    return tuple(near for _, near in ordered[:_MOST])


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").strip(" ,:").split())


def _after(text: str, count: int) -> str:
    parts = text.split(maxsplit=count)
    return parts[count] if len(parts) > count else ""


def _distance(typed: str, name: str) -> int | None:
    """Return the number of letters that differ, or None if too many do."""
    if typed == name:
        return 0
    is_likely = len(typed.split()) == len(name.split())
    if not is_likely or min(len(typed), len(name)) < _SHORTEST:
        return None
    most = 2 if max(len(typed), len(name)) >= _LONG else 1
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - 3 MB, wanted only here

    distance = OSA.distance(typed, name, score_cutoff=most)
    # People seldom mistype the first letter, and short words differ in one letter by chance.
    is_sure = typed[0] == name[0] or (distance == 1 and len(name) > _SHORTEST)
    return distance if distance <= most and is_sure else None


def _policy_names(policy: Policy, *, with_kinds: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for service in policy.services:
        names |= dict.fromkeys((service.key, service.name), service.key)
    for role in policy.roles:
        names |= dict.fromkeys((role.key, role.name, *role.aliases), role.key)
    if with_kinds:
        for kind in policy.escalation.templates:
            names |= dict.fromkeys((kind.key, kind.name), kind.key)
    return names


async def _handles(request: Request) -> dict[str, str]:
    """Return the stored groups and people: name → `@name` as typed."""
    workspace_id = request.services.workspace.id
    people = select(Person.name).where(
        Person.workspace_id == workspace_id, Person.is_active, Person.kind != PersonKind.BOT
    )
    groups = select(PeopleGroup.handle).where(PeopleGroup.workspace_id == workspace_id)
    async with request.services.database.reading() as session:
        names: Iterable[str] = (
            *(await session.execute(people)).scalars(),
            *(await session.execute(groups)).scalars(),
        )
    return {name: f"@{name}" for name in names if name}
