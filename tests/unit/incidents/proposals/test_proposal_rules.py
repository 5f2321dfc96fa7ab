"""The rules of proposals: who needs agreement, what may be carried out, how the ladder climbs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.core.people import Actor, ActorKind, PersonKind, cli_actor, system_actor
from incidents.policy.policy import Action
from incidents.policy.proposals import (
    GuardedAction,
    Need,
    Proposals,
    is_marked_safe,
    least_need,
    suggest_class,
)
from incidents.proposals.ladder import Rung, decide_ladder
from incidents.proposals.tables import LIVE, CarryOutFacts, ProposalStatus, Step, decide_carry_out
from incidents.rights.decide import StandingFacts, Verdict, decide
from incidents.rights.stages import Stage
from tests.policies import built_in

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WAIT = timedelta(minutes=5)
POLICY = built_in().policy
PROPOSALS: Proposals = POLICY.proposals
JO = Actor(kind=ActorKind.PERSON, name="Jo", external_id="U0000001")
GUEST = Actor(
    kind=ActorKind.PERSON, name="Gus", external_id="U0000002", person_kind=PersonKind.GUEST
)

ALLOWED, NEEDED, REFUSED = Verdict.ALLOWED, Verdict.NEEDS_APPROVAL, Verdict.REFUSED


@pytest.mark.parametrize(
    ("action", "stage", "verdict"),
    [
        (Action.RESOLVE, Stage.SOLO, ALLOWED),
        (Action.RESOLVE, Stage.LEAD, NEEDED),
        (Action.RESOLVE, Stage.ASSIST, NEEDED),
        (Action.RESOLVE, Stage.OBSERVE, NEEDED),
        (Action.LOWER_SEVERITY, Stage.LEAD, NEEDED),
        (Action.RAISE_SEVERITY, Stage.OBSERVE, ALLOWED),
        (Action.CANCEL, Stage.LEAD, NEEDED),
        (Action.MARK_DUPLICATE, Stage.LEAD, NEEDED),
        (Action.MARK_DUPLICATE, Stage.SOLO, ALLOWED),
        (Action.CLOSE, Stage.LEAD, NEEDED),
        (Action.POST_UPDATE, Stage.LEAD, ALLOWED),
        (Action.POST_UPDATE, Stage.ASSIST, NEEDED),
        (Action.ADD_NOTE, Stage.OBSERVE, ALLOWED),
        (Action.PROPOSE, Stage.OBSERVE, ALLOWED),
        (Action.ESCALATE, Stage.OBSERVE, ALLOWED),
    ],
)
def test_supervised_people_need_agreement_for_what_the_policy_names(
    action: Action, stage: Stage, verdict: Verdict
) -> None:
    facts = StandingFacts(is_in_channel=True, stage=stage)
    decision = decide(JO, action, facts, rights=POLICY.rights, proposals=PROPOSALS)
    assert decision.verdict is verdict


@pytest.mark.parametrize(
    ("actor", "facts", "verdict"),
    [
        # Agreement doesn't replace a missing right.
        (JO, StandingFacts(stage=Stage.LEAD), REFUSED),
        (GUEST, StandingFacts(is_in_channel=True, stage=Stage.LEAD), REFUSED),
        # A system isn't listed for it, and needs no agreement for what it is listed for.
        (system_actor(), StandingFacts(stage=Stage.LEAD), REFUSED),
        (cli_actor("ops"), StandingFacts(stage=Stage.LEAD), REFUSED),
    ],
)
def test_agreement_is_asked_of_people_who_have_the_right(
    actor: Actor, facts: StandingFacts, verdict: Verdict
) -> None:
    decision = decide(actor, Action.RESOLVE, facts, rights=POLICY.rights, proposals=PROPOSALS)
    assert decision.verdict is verdict


@given(action=st.sampled_from(Action), stage=st.sampled_from(Stage), is_in_channel=st.booleans())
def test_agreement_never_allows_more_than_the_right_itself(
    *, action: Action, stage: Stage, is_in_channel: bool
) -> None:
    facts = StandingFacts(is_in_channel=is_in_channel, stage=stage)
    plain = decide(JO, action, facts, rights=POLICY.rights)
    guarded = decide(JO, action, facts, rights=POLICY.rights, proposals=PROPOSALS)
    if not plain.is_allowed:
        assert guarded == plain
    elif guarded.verdict is NEEDED:
        assert PROPOSALS.guards(action, stage=stage)
        assert stage is not Stage.SOLO
        agreed = PROPOSALS.class_of(action)
        assert agreed is not None
        assert agreed.needs is not Need.NOBODY


@pytest.mark.parametrize(
    ("status", "needs", "is_expired", "approver_may", "step"),
    [
        (ProposalStatus.PENDING, Need.STANDARD, False, True, Step.UNAPPROVED),
        (ProposalStatus.PENDING, Need.STANDARD, True, True, Step.EXPIRED),
        (ProposalStatus.APPROVED, Need.STANDARD, False, True, Step.GO),
        (ProposalStatus.APPROVED, Need.STANDARD, False, False, Step.LAPSED),
        (ProposalStatus.APPROVED, Need.STANDARD, True, True, Step.EXPIRED),
        (ProposalStatus.CLEARED, Need.NOBODY, False, False, Step.GO),
        (ProposalStatus.CLEARED, Need.NOBODY, True, False, Step.EXPIRED),
        (ProposalStatus.CLEARED, Need.MAJOR, False, True, Step.UNAPPROVED),
        (ProposalStatus.BREAK_GLASS, Need.MAJOR, True, False, Step.GO),
        (ProposalStatus.DECLINED, Need.STANDARD, False, True, Step.OVER),
        (ProposalStatus.CARRIED_OUT, Need.STANDARD, False, True, Step.OVER),
        (ProposalStatus.EXPIRED, Need.NOBODY, False, True, Step.OVER),
        (ProposalStatus.DRAFT, Need.NOBODY, False, True, Step.OVER),
    ],
)
def test_carrying_out_depends_on_the_rights_at_that_moment(
    *, status: ProposalStatus, needs: Need, is_expired: bool, approver_may: bool, step: Step
) -> None:
    facts = CarryOutFacts(
        status=status, needs=needs, is_expired=is_expired, approver_may=approver_may
    )
    assert decide_carry_out(facts) is step


@given(
    status=st.sampled_from(ProposalStatus),
    needs=st.sampled_from(Need),
    is_expired=st.booleans(),
    approver_may=st.booleans(),
)
def test_everything_needs_agreement_a_class_that_needs_none_or_break_glass(
    *, status: ProposalStatus, needs: Need, is_expired: bool, approver_may: bool
) -> None:
    facts = CarryOutFacts(
        status=status, needs=needs, is_expired=is_expired, approver_may=approver_may
    )
    if decide_carry_out(facts) is Step.GO:
        assert status in LIVE
        assert (
            status is ProposalStatus.BREAK_GLASS
            or needs is Need.NOBODY
            or (status is ProposalStatus.APPROVED and approver_may and not is_expired)
        )


@pytest.mark.parametrize(
    ("minutes", "taken", "rung", "next_minutes"),
    [
        (4, 0, None, 5),
        (5, 0, Rung.TELL_AGAIN, 10),
        (10, 1, Rung.ESCALATE, 15),
        (15, 2, Rung.LOUD, None),
        (16, 3, None, None),
        # After an absence, only the latest due step.
        (12, 0, Rung.ESCALATE, 15),
        (60, 0, Rung.LOUD, None),
    ],
)
def test_the_ladder_takes_one_rung_at_a_time_and_none_twice(
    minutes: int, taken: int, rung: Rung | None, next_minutes: int | None
) -> None:
    now = NOW + timedelta(minutes=minutes)
    decision = decide_ladder(asked_at=NOW, wait=WAIT, taken=taken, now=now)
    expected = None if next_minutes is None else NOW + timedelta(minutes=next_minutes)
    assert (decision.rung, decision.next_at) == (rung, expected)


@given(st.lists(st.integers(1, 1200), max_size=12))
def test_the_ladder_always_ends_loudly_and_repeats_nothing(
    gaps: list[int],
) -> None:
    now, taken, said = NOW, 0, []
    for gap in [*gaps, 1200]:
        now += timedelta(seconds=gap)
        decision = decide_ladder(asked_at=NOW, wait=WAIT, taken=taken, now=now)
        if decision.rung is not None:
            said.append(int(decision.rung))
            taken = int(decision.rung)
        assert decision.next_at is None or decision.next_at > now
        assert (decision.next_at is None) == (taken == Rung.LOUD)
    assert said == sorted(set(said))
    assert said[-1] == Rung.LOUD


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Restarting checkout", "change"),
        ("Fail over to eu-west", "change"),
        ("Toggle the flag and delete the old shard", "destructive"),
        ("Deleted rows come back from the backup", "destructive"),
        ("Look at the logs of checkout", "safe"),
        ("Touch checkout", "change"),
        ("Do the usual", "change"),
        ("", "change"),
    ],
)
def test_words_suggest_a_class_and_in_doubt_one_that_needs_somebody(text: str, key: str) -> None:
    assert suggest_class(text, PROPOSALS).key == key


@given(st.text())
def test_a_suggestion_is_always_a_class_of_the_policy(text: str) -> None:
    assert suggest_class(text, PROPOSALS) in PROPOSALS.classes


def test_every_guarded_command_has_a_class_that_needs_somebody() -> None:
    for command in GuardedAction:
        found = PROPOSALS.class_of(command)
        assert found is not None
        assert found.needs is not Need.NOBODY


def test_a_severe_incident_waits_less() -> None:
    assert PROPOSALS.wait_at("sev1") == timedelta(minutes=3)
    assert PROPOSALS.wait_at("sev3") == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("text", "is_supervised", "needs"),
    [
        ("delete all customer data", False, Need.MAJOR),
        ("delete all customer data", True, Need.MAJOR),
        ("Restart checkout", False, Need.NOBODY),  # solo: they choose
        ("Restart checkout", True, Need.STANDARD),
        ("Look at the logs", True, Need.STANDARD),  # words open no door
        ("Look at the logs", False, Need.NOBODY),
        ("Turn the big wheel", True, Need.STANDARD),
    ],
)
def test_the_stage_decides_what_needs_nobody_and_words_only_make_it_stricter(
    text: str, *, is_supervised: bool, needs: Need
) -> None:
    safe = PROPOSALS.find_class("safe")
    assert safe is not None
    assert least_need(safe, text, PROPOSALS, is_supervised=is_supervised).needs is needs


def test_a_step_is_marked_safe_word_for_word() -> None:
    marked = ("Restart one checkout worker",)
    assert is_marked_safe("restart one  Checkout worker.", marked)
    assert not is_marked_safe("Restart one checkout worker and drop the table", marked)
