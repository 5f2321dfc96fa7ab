"""The policy file of an import, with comments that say what to decide, and the list of leftovers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from bot.operations.first_day.draft import comment, quoted, yaml_key
from bot.operations.importing.imported import (
    Imported,
    ImportedService,
    Leftover,
    Level,
    Override,
    Rotation,
)
from bot.operations.importing.reading import Product
from incidents.policy.schema import format_duration

_HEAD: Final = """\
# Imported from {product}. Sitrep lays this file over its built-in policy.
# Read it once from top to bottom; docs/on-call.md says what comes next. Then:
# sitrep policy check FILE
"""
# The old pager woke people for everything urgent; SEV3 and milder can wait for an answer in Slack.
_CALL: Final = """\

# Who is called as soon as an incident is declared, or becomes this bad.
call:
  - severity: sev2  # SEV2 and worse
    call: [on_call]
    by: page
"""
_OWN_PAGER: Final = """\

# Sitrep sends no voice calls or SMS. Put a pager beside it, and say how each person is reached:
#
# pagers:
#   goalert:
#     kind: goalert
#     url: https://goalert.example.com
# people:
"""
_PAGERDUTY: Final = """\

# PagerDuty still wakes people; without this part and each `reach`, Sitrep only writes in Slack.
pagers:
  pagerduty:
    kind: pagerduty
"""
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def policy_text(imported: Imported, product: Product) -> str:
    """Return the policy file."""
    head = _HEAD.format(product=product.shown)
    return head + "".join(f"{line}\n".replace("\n\n", "\n") for line in _lines(imported, product))


def _lines(imported: Imported, product: Product) -> Iterator[str]:
    fallback = _fallback(imported)
    if fallback or imported.rotations:
        yield "\non_call:"
    if fallback:
        yield "  # Called where an incident names no service, or nobody is on call. Decide who it is."
        yield f"  fallback: {quoted(fallback)}"
    if imported.rotations:
        yield "  rotations:"
        for rotation in imported.rotations:
            yield from _rotation(rotation)
    yield _CALL
    yield from _pager(imported, product)
    if imported.services:
        yield "\nservices:  # tier 1 is the most critical, 5 the least: correct it"
        for service in imported.services:
            yield from _service(service, product)


def _fallback(imported: Imported) -> str:
    """Return who is on call for most services, else who comes first."""
    on_call = Counter(_on_call(one) for one in imported.services if one.levels)
    found = [one for one, _ in on_call.most_common(1)]
    found += [f"rotation/{one.key}" for one in imported.rotations]
    return next(iter((*found, *imported.people)), "")


def _rotation(rotation: Rotation) -> Iterator[str]:
    starts = rotation.starts
    yield f"    {yaml_key(rotation.key)}:  # {comment(rotation.name)}"
    yield f"      people: {_list(rotation.people)}"
    yield f"      handover: {_DAYS[starts.weekday()]} {starts:%H:%M}"
    yield f"      every: {format_duration(rotation.every)}"
    yield f"      time_zone: {quoted(str(starts.tzinfo))}"
    yield f"      starts_on: {starts:%Y-%m-%d}  # the first of the people begins here"
    if rotation.overrides:
        yield "      overrides:"
        yield from (f"        - {_override(one)}" for one in rotation.overrides)


def _override(override: Override) -> str:
    since, until = (_written(one) for one in (override.since, override.until))
    return f"{{who: {quoted(override.who)}, since: {since}, until: {until}}}"


def _written(value: datetime) -> str:
    return quoted(f"{value:%Y-%m-%d %H:%M}")


def _pager(imported: Imported, product: Product) -> Iterator[str]:
    if product is Product.PAGERDUTY:
        yield _PAGERDUTY
        return
    yield _OWN_PAGER
    for person in imported.people:
        yield f"#   - who: {quoted(person)}"
        yield f"#     reach: [goalert/{person.partition('@')[0]}]"


def _service(service: ImportedService, product: Product) -> Iterator[str]:
    yield f"  {yaml_key(service.key)}:"
    yield f"    name: {quoted(service.name)}"
    yield "    tier: 2"
    if service.owner:
        yield f"    owner: {quoted(service.owner)}"
    elif service.team:
        yield f'    # owner: "@…"  # the Slack group of the team {comment(service.team)}'
    if service.levels:
        yield f"    on_call: {quoted(_on_call(service))}"
    if steps := _steps(service):
        yield "    steps:"
        yield from (f"      - {_step(one)}" for one in steps)
    if service.reach and product is Product.PAGERDUTY:
        yield f"    reach: [{quoted(f'pagerduty/{service.key}')}]"


def _on_call(service: ImportedService) -> str:
    return service.levels[0].who[0]


def _steps(service: ImportedService) -> Sequence[Level]:
    """Return the levels after the first person; the others of the first level come next."""
    first, *others = service.levels or (Level(who=()),)
    beside = [Level(who=first.who[1:], wait=first.wait)] if first.who[1:] else []
    return [*beside, *others]


def _step(level: Level) -> str:
    if level.wait is None:
        return _list(level.who)
    return f"{{who: {_list(level.who)}, wait: {format_duration(level.wait)}}}"


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, items))}]"


def all_leftovers(imported: Imported, product: Product) -> Iterator[Leftover]:
    """Yield what couldn't be carried over as it was: single parts first, then the whole."""
    yield from imported.leftovers
    for service in imported.services:
        if service.levels and (beside := service.levels[0].who[1:]):
            yield Leftover(
                f"{service.name} called {', '.join(beside)} together with {_on_call(service)}",
                "Sitrep calls them one step later; to call both at once, name them under call:",
            )
    waits = [
        f"{one.name} {format_duration(one.levels[0].wait)}"
        for one in imported.services
        if one.levels and one.levels[0].wait
    ]
    if waits:
        yield Leftover(
            f"How long the first person has to answer: {', '.join(waits)}",
            "here it depends on the severity: escalation_wait under severities",
        )
    if not _fallback(imported):
        yield Leftover("Nobody is called where no service is named", "set on_call.fallback")
    if imported.services:
        yield Leftover(f"{product.shown} has no tiers, so every service has tier 2", "correct them")
    yield Leftover(
        "How each person is notified (push, SMS, voice, after how many minutes)",
        "stays with the pager: set it up in the one you put beside Sitrep"
        if product is Product.OPSGENIE
        else "stays in PagerDuty",
    )
    yield Leftover(
        "Integrations, alert rules, maintenance windows and heartbeats",
        "point your monitoring at the pager that you put beside Sitrep"
        if product is Product.OPSGENIE
        else "stay in PagerDuty",
    )


def pagerduty_secrets(imported: Imported) -> Iterator[str]:
    """Yield the lines for the secrets file that name the services in PagerDuty."""
    found = [one for one in imported.services if one.reach]
    if found:
        yield "pagers:"
        yield "  pagerduty:"
        yield "    token: …"
        yield "    from: …  # the e-mail of a user there that no schedule names"
        yield "    addresses:"
        yield from (f"      {one.key}: {one.reach}" for one in found)
