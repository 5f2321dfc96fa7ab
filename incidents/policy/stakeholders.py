"""The policy's sections on stakeholders: who gets an incident's news directly, and in which words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import SERVICE, SEVERITY, Invitee
from incidents.policy.schema import DisplayName, Rule, some

PLACEHOLDERS: Final = (
    "reference",
    "title",
    "severity",
    "status",
    "duration",
    "impact",
    "services",
    "commander",
    "last_update",
)
_BRACED: Final = re.compile(r"\{([^{}]*)\}")


def _is_template(text: str) -> bool:
    rest = _BRACED.sub("", text)
    return set(_BRACED.findall(text)) <= set(PLACEHOLDERS) and not re.search(r"[{}]", rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakeholders:
    """People and groups, and what they hear of: these services and this severity or worse.

    Without `services` it is every service; without `severity`, each.
    """

    who: Annotated[tuple[Invitee, ...], some("has to name at least one person or group")]
    services: tuple[Annotated[str, SERVICE], ...] = ()
    severity: Annotated[str, SEVERITY] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTemplate:
    """The text that an update for one audience begins with, at this severity or worse.

    `text` may hold `PLACEHOLDERS` in braces. Without `severity`, it is for each.
    """

    audience: DisplayName
    severity: Annotated[str, SEVERITY] | None = None
    text: Annotated[
        str,
        Rule(
            _is_template,
            f"may hold between braces only {', '.join(PLACEHOLDERS)}",
            '"{title}: we are looking into it. Impact: {impact}."',
        ),
    ]

    def filled(self, values: dict[str, str]) -> str:
        """Return the text with a value for each placeholder; braces in values stay as they are."""
        return _BRACED.sub(lambda found: values[found[1]], self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """The templates of stakeholder updates; of an audience's, that of the worst severity wins."""

    templates: tuple[UpdateTemplate, ...] = ()

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield a second template for one audience and severity: nobody would ever see it."""
        seen: set[tuple[str, str | None]] = set()
        for index, one in enumerate(self.templates):
            if (one.audience, one.severity) in seen:
                what = f"{one.audience} already has a template for this severity"
                yield Disagreement(("templates", index, "audience"), what)
            seen.add((one.audience, one.severity))
