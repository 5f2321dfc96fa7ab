"""The policy's section on guidance: checklists, the time box, and what brings in a mentor."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import SERVICE, SEVERITY
from incidents.policy.schema import Duration, Form, Rule, lasts, short, some, within, word_key


class StepAnswer(StrEnum):
    """What somebody can answer to a step of a checklist, by a button."""

    DONE = "done"
    RUNBOOK_FAILED = "runbook_failed"
    NO_RUNBOOK = "no_runbook"
    BLAST_RADIUS_UNCLEAR = "blast_radius_unclear"
    DATA_OR_SECURITY = "data_or_security"
    SKIP = "skip"


class Confidence(StrEnum):
    """How sure the author of an escalation packet is of its hypothesis."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistStep:
    """One step: what to do, which answers are offered, and the note that *done* can become."""

    key: Annotated[str, word_key("size_up")]
    title: Annotated[str, short(60, "Size it up")]
    text: Annotated[str, short(500, "What do people see, since when, how many of them?")]
    answers: Annotated[
        tuple[StepAnswer, ...],
        some("needs at least one answer, or nobody could go on", "[done, skip]"),
        Rule(
            lambda all_of: len(set(all_of)) == len(all_of), "names an answer twice", "[done, skip]"
        ),
    ]
    note: Annotated[str, short(300, "Checked what changed just before.")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The steps of the first minutes, for these services and severities (none named: for all)."""

    key: Annotated[str, Form.AS_KEY, word_key("default")]
    services: tuple[Annotated[str, SERVICE], ...] = ()
    severities: tuple[Annotated[str, SEVERITY], ...] = ()
    steps: Annotated[tuple[ChecklistStep, ...], some("has to keep at least one step")]

    def find_step(self, key: str) -> ChecklistStep | None:
        """Return the step with this key, if the checklist has it."""
        return next((step for step in self.steps if step.key == key), None)

    def fits(self, services: Iterable[str], severity: str) -> bool:
        """Tell whether the checklist is for one of the services, and for the severity."""
        is_for_service = not self.services or not set(services).isdisjoint(self.services)
        return is_for_service and (not self.severities or severity in self.severities)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield steps that have the key of another."""
        count = Counter(step.key for step in self.steps)
        for index, step in enumerate(self.steps):
            if count[step.key] > 1:
                yield Disagreement(("steps", index, "key"), f"`{step.key}` is there more than once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """Recorded facts that bring in a mentor at once; never what somebody wrote in their own words.

    `severity_rank`: incidents of this rank or worse (1 is the worst); None: no severity does.
    """

    severity_rank: Annotated[int, within(1, 99, "1")] | None = None
    answers: tuple[StepAnswer, ...] = ()
    confidence: tuple[Confidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """How the bot keeps people moving who are below solo; `unanswered` prompts bring in a mentor."""

    enabled: bool
    time_box: Annotated[Duration, lasts("1m", "8h", "10m")]
    unanswered: Annotated[int, within(1, 10, "2")]
    triggers: Triggers
    checklists: tuple[Checklist, ...]

    def find_checklist(self, key: str) -> Checklist | None:
        """Return the checklist with this key, if the policy has it."""
        return next((item for item in self.checklists if item.key == key), None)

    def checklist_for(self, services: Iterable[str], severity: str) -> Checklist | None:
        """Return the most specific checklist that fits: service before severity, then the first."""
        wanted = tuple(services)
        fitting = [item for item in self.checklists if item.fits(wanted, severity)]
        return max(
            fitting,
            key=lambda item: (bool(item.services), bool(item.severities)),
            default=None,
        )
