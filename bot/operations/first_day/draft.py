"""The answers, and the policy file made of them: short, with names beside the ids."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, count
from typing import Final
from unicodedata import combining, normalize

import yaml

_HEAD: Final = """\
# How {where} runs incidents. Sitrep lays this file over its built-in policy.
# docs/policy.md shows what else it can say. After a change: sitrep policy check {path}
# and, while Sitrep runs, sitrep policy reload.
"""


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody as the file names them: an id, an address or a handle, and who that is."""

    value: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDraft:
    """A service: who is called first, and who owns it."""

    name: str
    on_call: Named | None = None
    owner: Named | None = None

    @property
    def key(self) -> str:
        """Return the name as a key: small letters, digits and `-`."""
        return key_of(self.name) or "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that a first policy says."""

    channel: str
    manager: Named | None = None
    backup: Named | None = None
    country: str = ""
    services: tuple[ServiceDraft, ...] = ()

    def text(self, *, where: str, path: str) -> str:
        """Return the policy file for this workspace."""
        head = _HEAD.format(where=comment(where), path=comment(path))
        return head + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "announcement:"
        yield f"  channel: {quoted(self.channel)}"
        if self.manager:
            yield "escalation:"
            yield f"  manager: {_told(self.manager, 'called when on-call does not answer')}"
        fallback = self.manager or self.backup
        if fallback:
            yield "on_call:"
            yield f"  fallback: {_told(fallback, 'called where nobody is on call')}"
        if self.backup:
            yield "call:"
            yield "  - {severity: sev1, call: [on_call]}"
            yield "  - severity: sev2"
            yield f"    backup: {_told(self.backup, 'called if nobody takes command')}"
        if self.country:
            yield "reminders:"
            yield f"  holidays_country: {quoted(self.country)}"
        if self.services:
            yield "services:  # tier 1 is the most critical, 5 the least"
            keys = unused_keys(service.key for service in self.services)
            yield from map(_service_line, self.services, keys)


def key_of(name: str) -> str:
    """Return a name as a key: small letters, digits and `-`; "" if it has none of them."""
    plain = "".join(one for one in normalize("NFKD", name) if not combining(one))
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:60]


def unused_keys(keys: Iterable[str]) -> Iterator[str]:
    """Yield each key, with a number if it was there before: `Zahlung!` and `Zahlung?` differ."""
    used: set[str] = set()
    for key in keys:
        numbered = (f"{key[:56]}-{number}" for number in count(2))
        free = next(one for one in chain([key], numbered) if one not in used)
        used.add(free)
        yield free


def country_of(zone: str) -> str:
    """Return the country code of a time zone such as Europe/Berlin; "" if it is in none."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return next((row[0] for row in rows if row[2] == zone), "")


def _service_line(service: ServiceDraft, key: str) -> str:
    parts = [f"name: {quoted(service.name)}", "tier: 1"]
    called = (("on_call", service.on_call), ("owner", service.owner))
    parts += [f"{what}: {quoted(one.value)}" for what, one in called if one]
    names = ", ".join(comment(one.name) for _, one in called if one and one.name)
    return f"  {yaml_key(key)}: {{{', '.join(parts)}}}" + (f"  # {names}" if names else "")


def _told(named: Named, when: str) -> str:
    who = f"{comment(named.name)}, " if named.name else ""
    return f"{quoted(named.value)}  # {who}{when}"


def yaml_key(key: str) -> str:
    """Return a key as YAML that is text: `on`, `null` and `404` alone are not."""
    is_text = isinstance(yaml.safe_load(key), str)
    return key if is_text else quoted(key)


def quoted(text: str) -> str:
    """Return a text as YAML that means just this text; JSON's strings are YAML's, too.

    But not JSON's escapes of an emoji, which are two characters in YAML.
    """
    return (
        text if re.fullmatch(r"[UWSC][A-Z0-9]{6,}", text) else json.dumps(text, ensure_ascii=False)
    )


def comment(text: str) -> str:
    """Return people's text so that it can't end a comment's line."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())[:80]
