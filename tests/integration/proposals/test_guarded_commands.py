"""Commands that need agreement: kept, proposed, and carried out in the requester's name."""

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from incidents.core.errors import (
    AlreadySo,
    InformationMissing,
    InvalidInput,
    MayNotAnswer,
    NeedsApproval,
    NotPermitted,
    Superseded,
    TransitionRefused,
)
from incidents.core.ids import Reference
from incidents.core.people import Actor
from incidents.engine.unit_of_work import Outcome, UseCase
from incidents.incident.incident import ById
from incidents.incident.lifecycle import IncidentStatus
from incidents.lifecycle.edit import Edit, edit
from incidents.lifecycle.resolve import Resolution, resolve
from incidents.lifecycle.severity import change_severity
from incidents.lifecycle.status import cancel, change_status, close, mark_duplicate
from incidents.policy.policy import COMMANDER, Action
from incidents.policy.references import PersonRef, RoleRef
from incidents.policy.supervision import Stage, StageSeed
from incidents.proposals.answers import approve, break_glass
from incidents.proposals.ask import ask_for_draft, keep_draft, revise
from incidents.proposals.carry_out import carry_out
from incidents.proposals.tables import ProposalStatus, ProposalWords
from incidents.record.hiding import redact_entry
from incidents.registry.guarded_commands import PERFORMERS
from incidents.registry.retention import sweep
from incidents.roles.assign import claim_role, release_role
from incidents.roles.command import take_over
from incidents.updates.post import UpdateDraft, post_update
from tests.integration.proposals.test_proposals import Scene
from tests.world import World


@pytest.fixture
async def scene(world: World) -> Scene:
    scene = await Scene(world).open()
    scene.supervise(Stage.ASSIST)
    return scene


async def refused(scene: Scene, use_case: UseCase, *, by: Actor | None = None) -> NeedsApproval:
    before = len(await scene.world.entries(scene.incident_id))
    with pytest.raises(NeedsApproval) as caught:
        await scene.world.run(use_case, by=by or scene.jo)
    assert len(await scene.world.entries(scene.incident_id)) == before
    return caught.value


async def kept(scene: Scene, use_case: UseCase) -> uuid.UUID:
    needed = await refused(scene, use_case)
    outcome = await scene.world.run(partial(keep_draft, needed=needed), by=scene.jo)
    return uuid.UUID(outcome.data["proposal_id"])


async def asked(scene: Scene, use_case: UseCase) -> uuid.UUID:
    proposal_id = await kept(scene, use_case)
    await scene.do(ask_for_draft, proposal_id, scene.jo)
    return proposal_id


def resolution(scene: Scene, **more: Any) -> Resolution:
    now = scene.world.clock.now()
    return Resolution(
        text="Rolled back",
        impact_started_at=now - timedelta(minutes=20),
        impact_ended_at=now - timedelta(minutes=5),
        **more,
    )


async def test_each_command_waits_and_is_then_carried_out_exactly_as_given(scene: Scene) -> None:
    status = IncidentStatus.IDENTIFIED
    draft = UpdateDraft(text="Rolling back", next_in=timedelta(minutes=20), status=status)
    steps: list[tuple[UseCase, str, dict[str, Any]]] = [
        (
            partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected"),
            "severity_changed",
            {"new": "SEV4", "reason": "Few affected"},
        ),
        (
            partial(post_update, ref=scene.ref, draft=draft),
            "update_posted",
            {"text": "Rolling back", "status": "identified"},
        ),
        (
            partial(resolve, ref=scene.ref, resolution=resolution(scene)),
            "status_changed",
            {"new": "resolved", "resolution": "Rolled back"},
        ),
        (
            partial(close, ref=scene.ref, text="All done"),
            "status_changed",
            {"new": "closed", "text": "All done"},
        ),
    ]
    for use_case, kind, said in steps:
        proposal_id = await asked(scene, use_case)
        with pytest.raises(Superseded):
            await scene.do(carry_out, proposal_id, scene.jo)
        await scene.do(approve, proposal_id, scene.carol)
        await scene.do(carry_out, proposal_id, scene.bob)
        found = [e for e in await scene.world.entries(scene.incident_id) if e.kind == kind][-1]
        assert said.items() <= (found.content or {}).items()
        assert found.actor_name == "jo"
    ended = [e for e in await scene.world.entries(scene.incident_id) if e.kind.endswith("out")]
    assert {entry.actor_name for entry in ended} == {"bob"}
    view = await scene.world.view(scene.incident_id)
    assert view.impact_started_at == resolution(scene).impact_started_at


async def test_cancelling_and_duplicates_are_guarded_alike(scene: Scene) -> None:
    other = await scene.world.declare("Checkout is slow", by=scene.carol)
    original = Reference(number=2, is_drill=False)
    needed = await refused(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    assert (needed.action, needed.arguments) == ("cancel", {"reason": "False alarm"})
    proposal_id = await asked(scene, partial(mark_duplicate, ref=scene.ref, original=original))
    await scene.do(approve, proposal_id, scene.carol)
    await scene.do(carry_out, proposal_id, scene.jo)
    view = await scene.world.view(scene.incident_id)
    assert (view.status, view.duplicate_of_id) == (IncidentStatus.CANCELLED, other)


def test_every_guarded_right_can_be_carried_out(world: World) -> None:
    proposals = world.policy.proposals
    guarded = {action for action in Action if proposals.guard_of(action) is not None}
    assert guarded == set(PERFORMERS)


async def test_other_errors_are_reported_before_anybody_is_asked(scene: Scene) -> None:
    with pytest.raises(InformationMissing):
        await scene.world.run(partial(resolve, ref=scene.ref), by=scene.jo)
    with pytest.raises(TransitionRefused):
        await scene.world.run(partial(close, ref=scene.ref), by=scene.jo)
    with pytest.raises(InvalidInput):
        await scene.world.run(partial(cancel, ref=scene.ref, reason=""), by=scene.jo)
    otto = await scene.world.person("otto")
    with pytest.raises(NotPermitted):
        await scene.world.run(partial(cancel, ref=scene.ref, reason="x"), by=otto)


async def test_only_its_owner_uses_a_draft_and_only_the_last_one_is_kept(scene: Scene) -> None:
    first = await kept(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    with pytest.raises(NotPermitted):
        await scene.do(ask_for_draft, first, scene.bob)
    with pytest.raises(Superseded):
        await scene.do(carry_out, first, scene.jo)
    second = await kept(scene, partial(cancel, ref=scene.ref, reason="Really"))
    with pytest.raises(Superseded):
        await scene.do(ask_for_draft, first, scene.jo)
    await scene.do(ask_for_draft, second, scene.jo)
    with pytest.raises(Superseded) as again:
        await scene.do(ask_for_draft, second, scene.jo)
    assert again.value.what == "proposal_pending"
    words = ProposalWords(text="Something else")
    with pytest.raises(NotPermitted):
        await scene.do(revise, second, scene.jo, words=words, class_key="safe")


async def test_an_abandoned_draft_is_deleted_and_a_proposal_stays(
    scene: Scene,
) -> None:
    proposal = await asked(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    draft = await kept(scene, partial(cancel, ref=scene.ref, reason="Really"))
    await scene.pass_(days=6)
    await scene.world.run(sweep)
    assert (await scene.view(draft)).status is ProposalStatus.DRAFT
    await scene.pass_(days=2)
    await scene.world.run(sweep)
    with pytest.raises(Superseded):
        await scene.do(ask_for_draft, draft, scene.jo)
    assert (await scene.view(proposal)).status is ProposalStatus.EXPIRED


async def test_the_right_is_checked_again_when_carrying_out(scene: Scene) -> None:
    proposal_id = await asked(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    await scene.do(approve, proposal_id, scene.carol)
    scene.grant(Action.CANCEL, RoleRef("commander"))
    with pytest.raises(NotPermitted):
        await scene.do(carry_out, proposal_id, scene.jo)
    view = await scene.view(proposal_id)
    assert view.status is ProposalStatus.APPROVED
    assert (await scene.world.view(scene.incident_id)).is_open


async def test_an_outdated_command_is_refused_and_changes_nothing(scene: Scene) -> None:
    lower = partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    proposal_id = await asked(scene, lower)
    await scene.do(approve, proposal_id, scene.carol)
    await scene.world.run(lower, by=scene.carol)
    with pytest.raises(AlreadySo):
        await scene.do(carry_out, proposal_id, scene.jo)
    assert (await scene.view(proposal_id)).status is ProposalStatus.APPROVED


async def test_break_glass_runs_at_once_and_only_for_the_requester(scene: Scene) -> None:
    proposal_id = await kept(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    with pytest.raises(NotPermitted):
        await scene.do(break_glass, proposal_id, scene.bob, reason="Now")
    await scene.do(break_glass, proposal_id, scene.jo, reason="People are woken for nothing")
    assert await scene.kinds() == ["action_proposed", "break_glass", "proposal_carried_out"]
    assert (await scene.world.view(scene.incident_id)).status is IncidentStatus.CANCELLED


async def test_resolving_ends_only_proposals_that_became_impossible(
    scene: Scene,
) -> None:
    wanted = partial(resolve, ref=scene.ref, resolution=resolution(scene))
    mine = await asked(scene, wanted)
    theirs = await asked(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    lower = await asked(
        scene, partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    )
    await scene.do(approve, mine, scene.carol)
    await scene.do(carry_out, mine, scene.jo)
    states = [(await scene.view(one)).status for one in (mine, theirs, lower)]
    assert states == [ProposalStatus.CARRIED_OUT, ProposalStatus.EXPIRED, ProposalStatus.PENDING]
    closing = await asked(scene, partial(close, ref=scene.ref, text="All done"))
    await scene.pass_(minutes=5)
    assert (await scene.view(closing)).status is ProposalStatus.PENDING


async def test_a_redacted_proposal_can_be_neither_approved_nor_carried_out(scene: Scene) -> None:
    proposal_id = await asked(scene, partial(cancel, ref=scene.ref, reason="A secret"))
    entries = await scene.world.entries(scene.incident_id)
    (entry,) = [one for one in entries if one.kind == "action_proposed"]
    redacting = partial(redact_entry, ref=scene.ref, entry_id=entry.id, reason="A secret")
    await scene.world.run(redacting, by=scene.carol)
    with pytest.raises(Superseded) as caught:
        await scene.do(approve, proposal_id, scene.carol)
    assert caught.value.what == "proposal_redacted"
    assert (await scene.view(proposal_id)).words is None


async def test_somebody_back_at_solo_needs_no_agreement(scene: Scene) -> None:
    policy = scene.world.policy
    scene.world.change_policy(supervision=replace(policy.supervision, stages=()))
    use_case = partial(cancel, ref=ById(scene.incident_id), reason="False alarm")
    assert (await scene.world.run(use_case, by=scene.jo)).kind == "status_changed"


async def test_a_supervised_commander_needs_agreement(scene: Scene) -> None:
    scene.supervise(Stage.LEAD, who=scene.carol)
    await refused(
        scene, partial(resolve, ref=scene.ref, resolution=resolution(scene)), by=scene.carol
    )
    moved: Outcome = await scene.world.run(
        partial(change_status, ref=scene.ref, target=IncidentStatus.IDENTIFIED), by=scene.carol
    )
    assert moved.kind == "status_changed"


def seed_stage(scene: Scene, stage: Stage, **scope: str) -> StageSeed:
    return StageSeed(person=PersonRef(user_id=scene.jo.external_id), stage=stage, **scope)


def learn(scene: Scene, *seeds: StageSeed) -> None:
    supervision = replace(scene.world.policy.supervision, stages=seeds)
    scene.world.change_policy(supervision=supervision)


async def test_giving_up_a_role_keeps_its_stage_in_that_incident_only(
    scene: Scene,
) -> None:
    learn(scene, seed_stage(scene, Stage.ASSIST, role="scribe"))
    lower = partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    me = partial(claim_role, ref=scene.ref, role="scribe")
    await scene.world.run(me, by=scene.jo)
    await refused(scene, lower)
    await scene.world.run(partial(release_role, ref=scene.ref, role="scribe"), by=scene.jo)
    await refused(scene, lower)
    theirs = await scene.propose(by=scene.bob)
    with pytest.raises(MayNotAnswer):
        await scene.do(approve, theirs, scene.jo)
    # A role at solo doesn't change the earlier stage.
    await scene.world.run(partial(claim_role, ref=scene.ref, role="deputy"), by=scene.jo)
    await refused(scene, lower)
    # Taking and giving up the role again changes nothing.
    await scene.world.run(me, by=scene.jo)
    await scene.world.run(partial(release_role, ref=scene.ref, role="scribe"), by=scene.jo)
    await refused(scene, lower)
    other = await Scene(scene.world).open()
    await other.world.run(
        partial(change_severity, ref=other.ref, severity_key="sev4", reason="Few affected"),
        by=other.jo,
    )
    # Signed off in that role, they need no agreement here either.
    learn(scene)
    await scene.world.run(lower, by=scene.jo)


async def test_giving_up_a_solo_role_frees_nobody_supervised_in_general(
    scene: Scene,
) -> None:
    learn(
        scene,
        seed_stage(scene, Stage.ASSIST),
        seed_stage(scene, Stage.SOLO, role="scribe"),
    )
    await scene.world.run(partial(claim_role, ref=scene.ref, role="scribe"), by=scene.jo)
    await scene.world.run(partial(release_role, ref=scene.ref, role="scribe"), by=scene.jo)
    await refused(
        scene, partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    )


async def test_handing_over_command_keeps_the_stage_in_that_incident(scene: Scene) -> None:
    learn(scene, seed_stage(scene, Stage.LEAD, role="commander"))
    lower = partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    for person in (scene.jo, scene.carol):
        await scene.pass_(minutes=2)
        await scene.world.run(partial(claim_role, ref=scene.ref, role="scribe"), by=person)
        taking = partial(take_over, ref=scene.ref, reason="The other is off now")
        await scene.world.run(taking, by=person)
        await scene.world.run(partial(release_role, ref=scene.ref, role="scribe"), by=person)
        await refused(scene, lower)


async def test_removing_their_own_service_keeps_the_stage_in_that_incident(
    scene: Scene,
) -> None:
    learn(scene, seed_stage(scene, Stage.ASSIST, service="checkout"))
    lower = partial(change_severity, ref=scene.ref, severity_key="sev4", reason="Few affected")
    for person, named in ((scene.bob, ("checkout",)), (scene.jo, ("search",)), (scene.jo, ())):
        wanted = Edit({"services": named})
        await scene.world.run(partial(edit, ref=scene.ref, wanted=wanted), by=person)
        await refused(scene, lower)
    other = await Scene(scene.world).open(services=("checkout",))
    wanted = Edit({"services": ("search",)})
    await other.world.run(partial(edit, ref=other.ref, wanted=wanted), by=other.bob)
    # A change of service by somebody else counts.
    await other.world.run(
        partial(change_severity, ref=other.ref, severity_key="sev4", reason="Few affected"),
        by=other.jo,
    )


async def test_redacting_the_removal_of_a_service_frees_nobody(scene: Scene) -> None:
    learn(scene, seed_stage(scene, Stage.ASSIST, service="checkout"))
    other = await Scene(scene.world).open(services=("checkout",))
    lower = partial(change_severity, ref=other.ref, severity_key="sev4", reason="Few affected")
    wanted = Edit({"services": ("search",)})
    await scene.world.run(partial(edit, ref=other.ref, wanted=wanted), by=other.jo)
    entries = await scene.world.entries(other.incident_id)
    edited = next(entry for entry in entries if entry.kind == "edited")
    redact = partial(redact_entry, ref=other.ref, entry_id=edited.id)
    await scene.world.run(redact, by=other.carol)
    await refused(other, lower)


async def test_an_outdated_draft_cannot_be_proposed(scene: Scene) -> None:
    cancelling = await kept(scene, partial(cancel, ref=scene.ref, reason="False alarm"))
    given = resolution(scene, has_customer_impact=False)
    await scene.world.run(partial(resolve, ref=scene.ref, resolution=given), by=scene.carol)
    with pytest.raises(AlreadySo):
        await scene.do(ask_for_draft, cancelling, scene.jo)


async def test_a_proposal_names_no_private_incident_that_its_readers_may_not_see(
    scene: Scene,
) -> None:
    other = await scene.world.declare("Payroll leak", by=scene.jo, is_private=True)
    original = Reference(number=2, is_drill=False)
    proposal_id = await asked(scene, partial(mark_duplicate, ref=scene.ref, original=original))
    for entry in await scene.world.entries(scene.incident_id):
        assert str(original) not in str(entry.content)
    words = (await scene.view(proposal_id)).words
    assert words is not None
    assert "duplicate of a private incident" in words.text
    await scene.do(approve, proposal_id, scene.carol)
    await scene.do(carry_out, proposal_id, scene.jo)
    view = await scene.world.view(scene.incident_id)
    assert (view.status, view.duplicate_of_id) == (IncidentStatus.CANCELLED, other)


async def test_a_commander_up_to_sev3_needs_approval_in_worse_incidents(world: World) -> None:
    for severity, needs in (("sev3", False), ("sev2", True)):
        scene = await Scene(world).open(severity_key=severity)
        person = PersonRef(user_id=scene.carol.external_id)
        seed = StageSeed(person=person, role=COMMANDER, stage=Stage.SOLO, up_to="sev3")
        supervision = replace(world.policy.supervision, stages=(seed,))
        world.change_policy(supervision=supervision)
        stop = partial(cancel, ref=scene.ref, reason="False alarm")
        if needs:
            with pytest.raises(NeedsApproval):
                await world.run(stop, by=scene.carol)
        else:
            await world.run(stop, by=scene.carol)
