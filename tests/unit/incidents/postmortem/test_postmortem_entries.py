"""How entries about follow-up work read: who has it, by when, and where it is."""

import uuid
from datetime import date

import pytest

from incidents.core.sentences import PlainText, Who, as_line
from incidents.incident.payload import Payload
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    PostmortemDrafted,
    PostmortemEdited,
    PostmortemOwnerSet,
    PostmortemPublished,
    PostmortemReminded,
)

ALICE, BOB = Who("alice", uuid.UUID(int=1)), Who("bob", uuid.UUID(int=2))
DUE = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            PostmortemDrafted(version=2, owner=BOB, due_on=DUE),
            "Started draft 2 of the postmortem, due Mon 9 Mar 2026. Owner: bob",
        ),
        (
            PostmortemOwnerSet(owner=ALICE, due_on=DUE),
            "Took on writing the postmortem, due Mon 9 Mar 2026",
        ),
        (
            PostmortemOwnerSet(owner=BOB, due_on=DUE),
            "Asked bob to write the postmortem, due Mon 9 Mar 2026",
        ),
        (
            PostmortemEdited(sections=("lucky", "went_well")),
            "Wrote in the postmortem: lucky, went well",
        ),
        (PostmortemPublished(), "Published the postmortem"),
        (
            PostmortemPublished(link="https://wiki/12"),
            "Published the postmortem. Kept at: https://wiki/12",
        ),
        (
            PostmortemReminded(owner=BOB, due_on=DUE),
            "Reminded bob of the postmortem, due Mon 9 Mar 2026",
        ),
        (PostmortemReminded(due_on=DUE), "Asked who writes the postmortem, due Mon 9 Mar 2026"),
        (
            ActionItemAdded(number=1, text="Alert on disks"),
            "Added action item 1: Alert on disks. Owner: nobody yet",
        ),
        (
            ActionItemAssigned(number=1, text="Alert on disks", owner=BOB, due_on=DUE),
            "Assigned action item 1: Alert on disks. Owner: bob, due Mon 9 Mar 2026",
        ),
        (
            ActionItemAssigned(number=1, text="Alert on disks", owner=ALICE),
            "Took action item 1: Alert on disks. Owner: alice",
        ),
        (
            ActionItemDone(number=1, text="Alert on disks", owner=BOB),
            "Finished action item 1: Alert on disks. Owner: bob",
        ),
    ],
)
def test_each_kind_says_who_has_what_by_when(entry: Payload, told: str) -> None:
    assert as_line(entry.tell(ALICE.id), PlainText()) == told
    assert type(entry).read(entry.content()) == entry
