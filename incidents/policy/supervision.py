"""The policy's section on supervision: stages, mentors, and the requirements of each stage."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from incidents.policy.disagreements import Disagreement
from incidents.policy.references import ROLE, SERVICE, SEVERITY, Invitee, PersonRef
from incidents.policy.schema import Form, within


class Stage(StrEnum):
    """How independently somebody works: observe < assist < lead < solo."""

    OBSERVE = "observe"
    ASSIST = "assist"
    LEAD = "lead"
    SOLO = "solo"

    @property
    def rank(self) -> int:
        """Return the place in the order, 0 for observe."""
        return _WAY.index(self.value)

    @property
    def following(self) -> "Stage | None":
        """Return the next stage; None after solo."""
        later = [stage for stage in Stage if stage.rank == self.rank + 1]
        return later[0] if later else None

    @property
    def previous(self) -> "Stage":
        """Return the stage before; observe is the first."""
        return max((stage for stage in Stage if stage.rank < self.rank), default=self)

    # A StrEnum compares as text, and "assist" sorts before "observe".
    def __lt__(self, other: str) -> bool:
        return self.rank < Stage(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Stage(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Stage(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Stage(other).rank


_WAY: Final = ("observe", "assist", "lead", "solo")
_Count = Annotated[int, within(0, 100, "3")]
_Percent = Annotated[int, within(0, 100, "80")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeed:
    """A person's first stage, for a role, a service, or everything without a stage of its own.

    With `up_to`, it holds in incidents of this severity and milder ones; in worse ones the person
    is one stage lower.
    """

    person: PersonRef
    stage: Stage
    role: Annotated[str, ROLE] | None = None
    service: Annotated[str, SERVICE] | None = None
    up_to: Annotated[str, SEVERITY] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorSeed:
    """A person's first mentors."""

    person: PersonRef
    mentors: tuple[PersonRef, ...]

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield people who are their own mentors."""
        if self.person in self.mentors:
            yield Disagreement(("mentors",), "nobody is their own mentor")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequirement:
    """What a person needs before they reach `stage`: counts, and percentages from 0 to 100.

    `completeness` is the least average score of the person's own escalations, `answered` the
    least share of prompts answered. Drills count only as `drills`.
    """

    stage: Annotated[Stage, Form.AS_KEY]
    observed: _Count = 0
    assisted: _Count = 0
    led: _Count = 0
    drills: _Count = 0
    escalations: _Count = 0
    completeness: _Percent = 0
    answered: _Percent = 0
    debriefs: _Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """Stages, mentors and requirements; `recertify_after_months` None: sign-offs never expire."""

    stages: tuple[StageSeed, ...] = ()
    mentors: tuple[MentorSeed, ...] = ()
    requirements: tuple[StageRequirement, ...] = ()
    visible_to: tuple[Invitee, ...] = ()
    recertify_after_months: Annotated[int, within(1, 120, "12")] | None = None

    def find_requirement(self, stage: Stage) -> StageRequirement | None:
        """Return the requirements of this stage, or None if there are none."""
        return next((item for item in self.requirements if item.stage is stage), None)

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield requirements of the first stage, and second stages for the same scope."""
        if self.find_requirement(Stage.OBSERVE) is not None:
            what = "is where everybody begins, so it can't have requirements"
            yield Disagreement(("requirements", "observe"), what)
        first: dict[tuple[str, str | None, str | None], int] = {}
        for index, seed in enumerate(self.stages):
            scope = (str(seed.person).casefold(), seed.role, seed.service)
            earlier = first.setdefault(scope, index)
            if earlier != index:
                what = (
                    f"is for the same person, role and service as supervision.stages[{earlier}] "
                    f"({self.stages[earlier].stage.value}); keep one of the two"
                )
                yield Disagreement(("stages", index), what)
