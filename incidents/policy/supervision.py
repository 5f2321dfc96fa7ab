"""The policy's section on supervision: stages, mentors, and what each next stage asks for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from incidents.policy.references import Invitee, PersonRef


class Stage(StrEnum):
    """How far somebody works on their own; compares by how far: observe < assist < lead < solo."""

    OBSERVE = "observe"
    ASSIST = "assist"
    LEAD = "lead"
    SOLO = "solo"

    @property
    def rank(self) -> int:
        """Return the place on the way, 0 for observe."""
        return _WAY.index(self.value)

    @property
    def following(self) -> "Stage | None":
        """Return the next stage; None after solo."""
        later = [stage for stage in Stage if stage.rank == self.rank + 1]
        return later[0] if later else None

    # A StrEnum compares as text, in which "assist" would come before "observe".
    def __lt__(self, other: str) -> bool:
        return self.rank < Stage(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Stage(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Stage(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Stage(other).rank


_WAY: Final = ("observe", "assist", "lead", "solo")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeed:
    """Where somebody starts; without role or service it holds for all that have none of their own."""

    person: PersonRef
    stage: Stage
    role: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MentorSeed:
    """Who supervises somebody from the start."""

    person: PersonRef
    mentors: tuple[PersonRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRequirement:
    """What is asked for before `stage`; counts of incidents, shares and scores from 0 to 100.

    `completeness` is the least average score of the person's own escalations, `answered` the
    least share of prompts answered. Drills count only as `drills`.
    """

    stage: Stage
    observed: int = 0
    assisted: int = 0
    led: int = 0
    drills: int = 0
    escalations: int = 0
    completeness: int = 0
    answered: int = 0
    debriefs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """Who learns with whom. `recertify_after_months` None: a sign-off never has to be renewed."""

    stages: tuple[StageSeed, ...] = ()
    mentors: tuple[MentorSeed, ...] = ()
    requirements: tuple[StageRequirement, ...] = ()
    visible_to: tuple[Invitee, ...] = ()
    recertify_after_months: int | None = None

    def find_requirement(self, stage: Stage) -> StageRequirement | None:
        """Return what is asked for before this stage, or None if nothing is."""
        return next((item for item in self.requirements if item.stage is stage), None)
