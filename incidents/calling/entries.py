"""Entries about pages: taken by a pager, acknowledged there, failed; and people who have come."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from incidents.core.sentences import SOMEBODY, Sentence, Telling, When, Who, Words, said, telling
from incidents.escalation.entries import AboutEscalation
from incidents.incident.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutPage(AboutEscalation):
    """The page that an entry is about: of a person, or of a service's address."""

    person: Who = SOMEBODY
    address: str = ""
    pager: str = ""

    @property
    def paged(self) -> Sentence:
        """The person paged, else the address of a service, for the person on call there."""
        return (self.person,) if self.person.id or self.person.name else (Words(self.address),)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAccepted(AboutPage):
    """A pager has taken a page; nobody has heard it yet."""

    kind: ClassVar[str] = "page_accepted"
    milliseconds: int = 0

    def tell(self, actor_id: object) -> Telling:
        """Return who was paged, through what, and how long it took."""
        took = f"; accepted after {self.milliseconds / 1000:.1f} s"
        return telling("paged ", *self.paged, " through ", Words(self.pager), took)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAcknowledged(AboutPage):
    """Somebody acknowledged in their pager: they are awake, and may not be on it yet."""

    kind: ClassVar[str] = "page_acknowledged"
    until: datetime | None = None

    def tell(self, actor_id: object) -> Telling:
        """Return who acknowledged where, and until when the next step waits for a sign of work."""
        wait: Sentence = (
            ("; waiting until ", When(self.until), " for a sign of work") if self.until else ()
        )
        return telling(
            "heard from ", Words(self.pager), " that ", *self.paged, " acknowledged", *wait
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDeclined(AboutPage):
    """Somebody declined in their pager."""

    kind: ClassVar[str] = "page_declined"

    def tell(self, actor_id: object) -> Telling:
        """Return who declined, and where."""
        return telling("heard from ", Words(self.pager), " that ", *self.paged, " declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEndedThere(AboutPage):
    """Somebody ended a page in the pager; nobody has said here that they are on it."""

    kind: ClassVar[str] = "page_ended_there"

    def tell(self, actor_id: object) -> Telling:
        """Return whose page was ended, and that this says nothing about the incident."""
        return telling(
            "heard from ",
            Words(self.pager),
            " that the page to ",
            *self.paged,
            " was ended; nothing ends here",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFailed(AboutPage):
    """A page couldn't be delivered: who to phone, and what is tried instead."""

    kind: ClassVar[str] = "page_failed"
    problem: str = ""
    # Where the same person or service is tried now, as the policy writes it; "" if nowhere.
    then: str = ""

    def tell(self, actor_id: object) -> Telling:
        """Return who wasn't paged and why, and what is tried now."""
        then: Sentence = ("; trying ", Words(self.then), " now") if self.then else ()
        return telling(
            "couldn't page ",
            *self.paged,
            " through ",
            Words(self.pager),
            *then,
            details=(said(self.problem, "Reason"),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledPersonCame(AboutEscalation):
    """Somebody who was called wrote, pressed or joined: their pager falls silent."""

    kind: ClassVar[str] = "called_person_came"
    person: Who = SOMEBODY
    until: datetime | None = None

    def tell(self, actor_id: object) -> Telling:
        """Return that they have come, and until when the next step waits."""
        if actor_id == self.person.id:
            wait: Sentence = (
                ("; the next step waits until ", When(self.until)) if self.until else ()
            )
            return telling(f"came after the call for {self.name}", *wait)
        return telling("saw ", self.person, f" come after the call for {self.name}")


ENTRIES: Final[tuple[type[Payload], ...]] = (
    PageAccepted,
    PageAcknowledged,
    PageDeclined,
    PageEndedThere,
    PageFailed,
    CalledPersonCame,
)
