"""The secrets file: tokens of the pagers, and people's phone numbers.

Nobody but its owner (and their group) may read it. No message and no repr shows a value.
"""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from config.yaml_tree import (
    Node,
    PolicyErrors,
    PolicyProblem,
    parse_tree,
    read_yaml_file,
    refused,
)
from incidents.policy.schema import did_you_mean

_MAX_BYTES: Final = 1_000_000
_SETTING: Final = "SITREP_SECRETS=./secrets.yaml"
_TEXTS: Final = ("token", "from", "webhook_secret")
_EXAMPLE: Final = "token: …"
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerSecrets:
    """What one pager needs: its token, who asks (an email), what proves its webhooks, its addresses.

    `addresses` has a secret, such as an integration key, for a name that the policy uses. More than
    one `webhook_secrets`: while one replaces the other, both prove a delivery.
    """

    token: str = field(default="", repr=False)
    sender: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    addresses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def values(self) -> tuple[str, ...]:
        """Everything that no message may show."""
        found = (self.token, *self.webhook_secrets, *self.addresses.values())
        return tuple(value for value in found if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets by the pager's key in the policy, and phone numbers by email (small letters)."""

    pagers: Mapping[str, PagerSecrets] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    phones: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def of(self, pager: str) -> PagerSecrets:
        """Return the secrets of the pager with this key; empty ones if there are none."""
        return self.pagers.get(pager, PagerSecrets())

    def find_phone(self, email: str) -> str | None:
        """Return the phone number of the person with this email, in any letter case."""
        return self.phones.get(email.casefold())


def load_secrets(path: Path | None) -> Secrets:
    """Read the file; without one there are no secrets.

    Raises:
        PolicyErrors: everything wrong with the file; no message repeats a value.
    """
    if path is None:
        return Secrets()
    text = read_yaml_file(path, setting=_SETTING, most_bytes=_MAX_BYTES)
    _require_closed(path)
    try:
        tree = parse_tree(text, path=str(path))
    except PolicyErrors as errors:
        # What YAML says of a broken line may quote it.
        line = errors.problems[0].line
        raise refused(
            path, line, "isn't `key: …` lines in YAML (its text isn't shown: secrets)"
        ) from None
    problems: list[PolicyProblem] = []
    reading = _Reading(problems)
    secrets = reading.secrets(tree)
    if problems:
        raise PolicyErrors(problems)
    return secrets


def _require_closed(path: Path) -> None:
    """Refuse a file that others can read, or that others or the group can write."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise refused(path, 0, f"is open to others (mode {mode:04o})", f"chmod 600 {path}")


class _Reading:
    """Reads the tree; says what is wrong without repeating values."""

    def __init__(self, problems: list[PolicyProblem]) -> None:
        self._problems = problems

    def secrets(self, tree: Node) -> Secrets:
        found: dict[str, PagerSecrets] = {}
        phones: dict[str, str] = {}
        for name, node in self._known(tree, (), ("pagers", "phones"), "pagers:"):
            for key, entry in self._map(node, (name,)):
                if name == "phones":
                    phones[key.casefold()] = self._text(entry, (name, key))
                else:
                    found[key] = self._pager(entry, (name, key))
        return Secrets(pagers=MappingProxyType(found), phones=MappingProxyType(phones))

    def _pager(self, node: Node, keys: tuple[str, ...]) -> PagerSecrets:
        texts: dict[str, tuple[str, ...]] = {}
        addresses: dict[str, str] = {}
        for name, entry in self._known(node, keys, (*_TEXTS, "addresses"), _EXAMPLE):
            at = (*keys, name)
            if name == "addresses":
                addresses = {key: self._text(one, (*at, key)) for key, one in self._map(entry, at)}
            elif name == "webhook_secret" and isinstance(entry.value, tuple):
                texts[name] = tuple(self._text(one, at) for one in entry.value)
            else:
                texts[name] = (self._text(entry, at),)
        return PagerSecrets(
            token="".join(texts.get("token", ())),
            sender="".join(texts.get("from", ())),
            webhook_secrets=texts.get("webhook_secret", ()),
            addresses=MappingProxyType(addresses),
        )

    def _known(
        self, node: Node, keys: tuple[str, ...], known: tuple[str, ...], example: str
    ) -> Iterator[tuple[str, Node]]:
        for name, entry in self._map(node, keys):
            if name in known:
                yield name, entry
            else:
                what = f"there is no such key{did_you_mean(name, known)}"
                self._problems.append(entry.problem((*keys, name), what, example))

    def _map(self, node: Node, keys: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        if node.is_null:
            return
        if not isinstance(node.value, dict):
            self._problems.append(node.problem(keys, "has to be `key: …` lines", _EXAMPLE))
        yield from node.entries.items()

    def _text(self, node: Node, keys: tuple[str, ...]) -> str:
        text = node.value.strip() if isinstance(node.value, str) and not node.is_null else ""
        if not text or len(text) > _LONGEST or not text.isprintable():
            what = f"has to be a text of 1 to {_LONGEST} characters on one line"
            self._problems.append(node.problem(keys, what))
        return text
