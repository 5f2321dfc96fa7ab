"""Whom people mean when they escalate: words of a command, and what the form offers."""

from dataclasses import dataclass

from sqlalchemy import select

from bot.replies import Options, Reply
from bot.requests import Request, Services, split_first
from bot.slack import blocks as b
from bot.slack import mentions as m
from incidents.escalation_policy import EscalationTemplate
from incidents.escalation_targets import (
    GroupTarget,
    PersonTarget,
    RoleTarget,
    ServiceTarget,
    Target,
)
from incidents.people import PeopleGroup
from incidents.policy import Policy

# How many words a name at the beginning of a command may have: "communications lead".
_LONGEST_NAME = 4


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom the words of a command mean, or which kind of escalation, and what follows.

    `is_guessed`: somebody typed `@name`, and Slack knows nobody of that name.
    """

    target: Target | None = None
    template: EscalationTemplate | None = None
    rest: str = ""
    is_guessed: bool = False

    @property
    def is_sure(self) -> bool:
        """Tell whether nothing else can have been meant."""
        return self.is_named and not self.is_guessed

    @property
    def is_named(self) -> bool:
        """Tell whether the words say where it goes."""
        return self.target is not None or self.template is not None


def meant_by(words: str, policy: Policy) -> Meant:
    """Return whom a command's words begin with: a mention, or a name that the policy knows."""
    first, rest = split_first(words.strip())
    person = m.parse_user(first)
    if person is not None:
        return Meant(target=PersonTarget(external_id=person), rest=rest)
    group = m.parse_group(first)
    if group is not None:
        return Meant(target=GroupTarget(group, _label_of(first)), rest=rest)
    if first.startswith("@") and len(first) > 1:  # a group that Slack didn't make a mention of
        return Meant(target=GroupTarget(first), rest=rest, is_guessed=True)
    for count in range(_LONGEST_NAME, 0, -1):
        named = _named(words, count, policy)
        if named is not None:
            return named
    return Meant(rest=words.strip())


def _label_of(token: str) -> str:
    """Return the handle that Slack wrote beside a group's id."""
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
    """Return the service or role of this name."""
    wanted = name.casefold()
    for service in policy.services:
        if wanted in {service.key.casefold(), service.name.casefold()}:
            return ServiceTarget(service.key)
    role = policy.find_role(name)
    return RoleTarget(role.key) if role is not None else None


# -- the form's select ----------------------------------------------------------------------


async def suggest_targets(request: Request) -> Reply:
    """Offer the services, roles and groups whose name or key holds what was typed."""
    typed = str(request.payload.get("value") or "").casefold()
    policy = request.policy
    groups = {
        "Services": [_service_option(item.key, policy) for item in policy.services],
        "Roles": [
            b.option(role.name, value=f"role:{role.key}", description="Whoever holds it now")
            for role in policy.roles
        ],
        "Groups": await _group_options(request.services),
    }
    offered = {
        label: b.options_within(fitting)
        for label, options in groups.items()
        if (fitting := [item for item in options if _fits(item, typed)])
    }
    return Options(groups=b.option_groups(offered))


def _fits(item: b.Option, typed: str) -> bool:
    shown = str(item.to_dict()["text"]["text"])
    return typed in shown.casefold() or typed in str(item.value).casefold()


def _service_option(key: str, policy: Policy) -> b.Option:
    service = policy.find_service(key)
    name = service.name if service is not None else key
    return b.option(name, value=f"service:{key}", description="Its on-call first")


async def _group_options(services: Services) -> list[b.Option]:
    query = (
        select(PeopleGroup)
        .where(PeopleGroup.workspace_id == services.workspace.id)
        .order_by(PeopleGroup.handle)
    )
    async with services.database.reading() as session:
        rows = (await session.execute(query)).scalars().all()
    return [b.option(f"@{row.handle}", value=f"group:{row.external_id}") for row in rows]


def option_of(target: Target | None, policy: Policy) -> b.Option | None:
    """Return how the form's select shows a target that is given; a person isn't shown there."""
    match target:
        case ServiceTarget(key=key):
            return _service_option(key, policy)
        case RoleTarget(key=key):
            role = policy.find_role(key)
            return b.option(role.name if role else key, value=f"role:{key}")
        case GroupTarget(ref=ref, name=name):
            return b.option(name or f"@{ref.removeprefix('@')}", value=f"group:{ref}")
    return None


def target_of(form: b.FormState) -> Target | None:
    """Return whom the form names; None where it names nobody, or a person and something else."""
    person, chosen = form.user("person"), form.choice("target")
    if person and not chosen:
        return PersonTarget(external_id=person)
    kind, _, value = (chosen or "").partition(":")
    if person or not value:
        return None
    match kind:
        case "service":
            return ServiceTarget(value)
        case "role":
            return RoleTarget(value)
        case "group":
            return GroupTarget(value)
    return None


def names_two(form: b.FormState) -> bool:
    """Tell whether the form names a person and something else, so that nobody knows which."""
    return bool(form.user("person") and form.choice("target"))
