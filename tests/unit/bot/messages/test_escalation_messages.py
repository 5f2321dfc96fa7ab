"""How escalations read: in every state, with any text, within Slack's limits."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.features.escalation.card import escalation_card
from bot.features.escalation.effects import away_text
from bot.features.escalation.feature import ESCALATE, remembering
from bot.features.escalation.forms import EscalationForm, template_of
from bot.features.escalation.messages import (
    call_message,
    exhausted_directly,
    exhausted_entry,
    mention_message,
)
from bot.features.escalation.packet import fitted, names_of
from bot.features.escalation.targets import Near, find_near, meant_by
from bot.slack import blocks
from bot.slack.gateway.people import Attention
from incidents.core.sentences import Who
from incidents.escalation.entries import EscalationExhausted, Standing
from incidents.escalation.packet import Packet, most_useful, rate
from incidents.escalation.tables import CallStatus, EscalationStatus, Measures, StepStatus, Wanted
from incidents.escalation.targets import (
    GroupTarget,
    PersonTarget,
    RoleTarget,
    ServiceTarget,
    Target,
)
from incidents.escalation.views import CallView, EscalationView, StepView
from incidents.incident.views import IncidentView, PersonView
from incidents.policy.escalation import Service
from incidents.policy.policy import Policy
from tests.policies import built_in
from tests.unit.bot.messages.test_every_message import incident as plain_incident
from tests.views import entry_view

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
NASTY = "<!channel> @here <@U1> `a \u202e" + "x" * 5_000
STATES = tuple(EscalationStatus)


def person(name: str) -> PersonView:
    return PersonView(uuid.uuid4(), f"U{name.upper():0>8}", name, "Europe/Berlin")


ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")


def incident(**changes: object) -> IncidentView:
    return replace(plain_incident(), is_drill=False, is_private=False, **changes)  # type: ignore[arg-type]


def call(callee: PersonView, **changes: object) -> CallView:
    made = CallView(
        id=uuid.uuid4(),
        step_id=uuid.uuid4(),
        person=callee,
        status=CallStatus.OPEN,
        medium="direct_message",
        away=None,
        reason="",
        called_at=NOW,
        answered_at=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def step(position: int, names: Sequence[str], *calls: CallView) -> StepView:
    return StepView(
        id=uuid.uuid4(),
        position=position,
        names=tuple(names),
        status=StepStatus.CALLED if calls else StepStatus.WAITING,
        is_redirect=False,
        called_at=NOW if calls else None,
        calls=calls,
        reach=() if calls else tuple(names),
    )


def escalation(
    status: EscalationStatus = EscalationStatus.CALLING,
    *,
    packet: Packet | None = None,
    steps: tuple[StepView, ...] | None = None,
) -> EscalationView:
    is_calling = status is EscalationStatus.CALLING
    is_taken = status is EscalationStatus.TAKEN
    return EscalationView(
        id=uuid.uuid4(),
        incident_id=uuid.uuid4(),
        is_incident_open=True,
        reference="INC-12",
        number=2,
        status=status,
        template_key="database",
        template_name="Database",
        service_key="",
        is_urgent=True,
        is_automatic=False,
        author=ALICE,
        packet=packet or Packet(ask="Is it safe to fail over?", scope="12 %"),
        packet_version=1,
        asked_field="",
        asked_by=None,
        position=1,
        steps=steps or (step(1, ["bob"], call(BOB)), step(2, ["@dba-oncall"])),
        taken_by=CAROL if is_taken else None,
        redirects=0,
        created_at=NOW,
        due_at=NOW + timedelta(minutes=5) if is_calling else None,
        taken_at=NOW if is_taken else None,
        exhausted_at=None,
        ended_at=None,
        measures=Measures(
            to_escalate=timedelta(0), to_acknowledge=None, to_engage=None, redirects=0
        ),
    )


def shown(message: blocks.Message) -> str:
    return json.dumps(message.payload())


@pytest.fixture(scope="module")
def policy() -> Policy:
    loaded = built_in().policy
    service = Service(key="checkout-api", name="Checkout API", tier=1)
    return replace(loaded, services=(service,))


@pytest.mark.parametrize("state", STATES)
def test_card_and_call_have_buttons_only_while_an_answer_is_wanted(
    policy: Policy, state: EscalationStatus
) -> None:
    view = escalation(state)
    card = shown(escalation_card(view, incident(), policy))
    called = view.calls[0]
    message = call_message(view, called, incident(), policy)
    assert ("escalation_take" in card) == view.is_unanswered
    assert ("may not wake anybody" in card) == view.is_unanswered
    assert ("escalation_take" in shown(message)) == view.is_unanswered
    # The packet stays readable.
    assert "Is it safe to fail over?" in message.text


@pytest.mark.parametrize("state", STATES)
def test_card_and_call_show_no_completeness(policy: Policy, state: EscalationStatus) -> None:
    view = escalation(state)
    for message in (
        escalation_card(view, incident(), policy),
        call_message(view, view.calls[0], incident(), policy),
    ):
        assert "ompleteness" not in shown(message)
        assert "of 100" not in shown(message)


def test_typed_text_is_harmless_and_no_field_is_lost(policy: Policy) -> None:
    packet = Packet(
        ask=NASTY,
        symptoms=NASTY,
        since=NASTY,
        scope=NASTY,
        impact=NASTY,
        evidence=NASTY,
        changes=NASTY,
        hypothesis=NASTY,
        tried=NASTY,
        answers={"which_database": NASTY},
    )
    calls = [call(BOB, away=NASTY, reason=NASTY, status=CallStatus.DECLINED), call(CAROL)]
    view = escalation(packet=packet, steps=(step(1, [NASTY], *calls), step(2, [NASTY])))
    for message in (
        escalation_card(view, incident(title=NASTY), policy),
        call_message(view, view.calls[1], incident(title=NASTY), policy),
        mention_message(view, view.calls[1], incident(title=NASTY), policy, card_link=""),
    ):
        for harm in ("<!channel>", "<@U1>", "\\u202e", "\u202e"):
            assert harm not in shown(message)
        assert len(message.text) <= 4_000
    card = escalation_card(view, incident(), policy)
    for name in ("*Ask*", "*Symptoms*", "*Recent changes*", "*Tried*", "*Hypothesis*"):
        assert name in card.text
        assert name in shown(card)
    assert "escalation_take" in shown(card)


def test_a_group_of_hundreds_fits_the_card(policy: Policy) -> None:
    crowd = [call(person(f"p{number}")) for number in range(300)]
    card = escalation_card(escalation(steps=(step(1, ["@all"], *crowd),)), incident(), policy)
    assert "and 288 more" in card.text
    assert "escalation_take" in shown(card)


def test_a_step_that_reaches_nobody_isnt_shown_as_called(policy: Policy) -> None:
    empty = replace(step(2, ["Incident commander"]), reach=())
    view = escalation(steps=(step(1, ["bob"], call(BOB)), empty))
    for message in (
        escalation_card(view, incident(), policy),
        call_message(view, view.calls[0], incident(), policy),
    ):
        assert "commander" not in message.text
        assert "nobody is left to call" in message.text
        assert "escalation_step_open" not in shown(message)


def test_a_step_that_called_nobody_says_why(policy: Policy) -> None:
    passed = replace(
        step(2, ["Incident commander", "dave"]),
        status=StepStatus.EMPTY,
        called_at=NOW,
        reach=(),
        skipped=(("Incident commander", "nobody_in_role"), ("dave", "not_in_drill")),
    )
    view = escalation(steps=(step(1, ["bob"], call(BOB)), passed))
    text = escalation_card(view, incident(), policy).text
    assert "Incident commander: nobody has this role" in text
    assert "dave: would be called, but this is a drill" in text


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ([], "*There was nobody to call.*"),
        ([CallStatus.OPEN], "*Nobody has answered yet, and nobody else is left to call.*"),
        (
            [CallStatus.DECLINED, CallStatus.REDIRECTED],
            "*The people called can't take it, and nobody else is left to call.*",
        ),
        (
            [CallStatus.OPEN, CallStatus.DECLINED],
            "*Nobody is on it, and nobody else is left to call.*",
        ),
    ],
)
def test_card_alarm_and_message_agree_on_how_a_ladder_ended(
    policy: Policy, statuses: list[CallStatus], said: str
) -> None:
    calls = [call(person(f"p{place}"), status=one) for place, one in enumerate(statuses)]
    view = escalation(EscalationStatus.EXHAUSTED, steps=(step(1, ["bob"], *calls),))
    assert said in escalation_card(view, incident(), policy).text
    hows = {CallStatus.OPEN: "no_answer", CallStatus.DECLINED: "declined"}
    exhausted = EscalationExhausted(
        number=2,
        escalation_id=view.id,
        called=tuple(
            Standing(person=Who(f"p{place}"), how=hows.get(one, "passed_on"))
            for place, one in enumerate(statuses)
        ),
    )
    entry = entry_view(EscalationExhausted.kind)
    middle = said.strip("*.")
    for render in (exhausted_entry, exhausted_directly):
        message = render(exhausted, entry, incident())
        assert f"Escalation 2: {middle[:1].lower()}{middle[1:]}" in message.text
        assert "Phone somebody" in message.text
        assert "escalate_open" in shown(message)


def test_the_mention_reveals_nothing_of_the_packet(policy: Policy) -> None:
    view = escalation(packet=Packet(ask="A token leaked", symptoms="Strange logins"))
    message = mention_message(
        view, view.calls[0], incident(), policy, card_link="https://x.example.com"
    )
    assert "token" not in shown(message)
    assert "logins" not in shown(message)
    assert BOB.external_id in message.text


@pytest.mark.parametrize(
    ("through", "why"),
    [
        (
            Wanted("named", "UBOB", "UBOB", "on_call", service="checkout"),
            "You're on call for Checkout API.",
        ),
        (Wanted("named", "UBOB", "UBOB", "on_call"), "You're the fallback on call."),
        (Wanted("named", "UBOB", "UBOB", "owner"), "You own Checkout API."),
        (Wanted("named", "UBOB", "UBOB", "backup"), "You're the backup commander for SEV2."),
        (Wanted("group", "@dba", "@dba"), "You're in @dba."),
        (Wanted("role", "scribe", "Scribe"), "You have the role Scribe."),
        (Wanted("person", "1", "bob"), f"<@{ALICE.external_id}> named you."),
        (Wanted("person", "1", "bob", by="<!here>"), "&lt;!here&gt; passed it on to you."),
    ],
)
def test_a_call_says_who_needs_what_by_when_and_why_them(
    policy: Policy, through: Wanted, why: str
) -> None:
    packet = Packet(
        ask="Is it safe to fail over?",
        answer_by=NOW + timedelta(minutes=30),
        impact="EU customers can't pay",
        symptoms="Timeouts",
    )
    called = call(BOB, through=through)
    view = replace(
        escalation(packet=packet, steps=(step(1, ["bob"], called),)), service_key="checkout-api"
    )
    message = call_message(view, called, incident(severity_name="SEV2"), policy)
    first, second, third, *_ = message.text.splitlines()
    assert first.startswith(f"*<@{ALICE.external_id}> needs you* for *DRILL-1234* SEV2 ")
    assert "Is it safe to fail over? Answer by <!date^" in first
    assert second.replace("\u2060", "").startswith(why)
    assert third == "*Impact* EU customers can't pay"


def test_a_mentor_is_told_that_they_are_one_and_the_channel_isnt(policy: Policy) -> None:
    called = call(BOB, through=Wanted("person", "1", "bob", "mentor"))
    view = replace(escalation(steps=(step(1, ["bob"], called),)), is_automatic=True)
    assert "mentor of somebody" in call_message(view, called, incident(), policy).text
    mention = mention_message(view, called, incident(), policy, card_link="")
    assert "mentor" not in shown(mention)


def test_who_is_called_later_hears_that_nobody_before_them_is_on_it(policy: Policy) -> None:
    before = call(BOB, called_at=NOW - timedelta(minutes=5))
    called = call(CAROL, through=Wanted("named", "UCAROL", "UCAROL", "manager"))
    view = escalation(steps=(step(1, ["bob"], before), step(2, ["carol"], called)))
    text = call_message(view, called, incident(), policy).text
    assert "You're the manager for INC-12. Nobody called before you is on it." in text


def test_the_three_most_useful_unknown_fields_are_named_after_the_requested_one(
    policy: Policy,
) -> None:
    view = replace(escalation(), asked_field="evidence", asked_by=BOB)
    text = escalation_card(view, incident(), policy).text
    assert text.index("asks for:") < text.index("Not known yet:")
    template = template_of(view.template_key, policy)
    named = names_of(most_useful(rate(view.packet, template).missing), template)
    assert f"*Not known yet:* {named}\n" in text


def test_a_called_person_isnt_told_twice_that_nothing_is_known(policy: Policy) -> None:
    called = call(BOB)
    view = replace(escalation(steps=(step(1, ["bob"], called),)), packet=Packet(ask="Help?"))
    text = call_message(view, called, incident(), policy).text
    assert "Not known yet" in text
    assert "Nothing more is known" not in text


def test_the_form_remembers_little_and_offers_every_kind(policy: Policy) -> None:
    long = "x" * 40_000
    packet = Packet(ask=long, symptoms=long, impact=long, evidence=long)
    for kind in policy.escalation.templates:
        form = EscalationForm(
            incident=incident(), packet=packet, template=kind, is_urgent=True, is_full=True
        )
        view = ESCALATE.named(remembering(form, policy)).to_dict()
        assert len(view["private_metadata"]) < 3_000
        asked = {block.get("block_id") for block in view["blocks"]}
        assert {f"question_{question.key}" for question in kind.questions} <= asked


def test_a_removed_kind_falls_back_to_the_default(policy: Policy) -> None:
    assert template_of("gone", policy).key == policy.escalation.default_template


@pytest.mark.parametrize(
    ("words", "target", "rest"),
    [
        ("<@U0000001|bob> please look", PersonTarget(external_id="U0000001"), "please look"),
        ("<!subteam^S0000001|@dba> look", GroupTarget("S0000001", "@dba"), "look"),
        ("@dba-oncall look", GroupTarget("@dba-oncall"), "look"),
        ("checkout-api is slow", ServiceTarget("checkout-api"), "is slow"),
        ("Checkout API: is slow", ServiceTarget("checkout-api"), "is slow"),
        ("communications lead customers ask", RoleTarget("communications_lead"), "customers ask"),
        ("the database is slow", None, "the database is slow"),
        ("", None, ""),
    ],
)
def test_a_command_begins_with_its_target(
    policy: Policy, words: str, target: Target | None, rest: str
) -> None:
    meant = meant_by(words, policy)
    assert (meant.target, meant.rest) == (target, rest)


NAMES = {
    "checkout-api": "checkout-api",
    "Checkout API": "checkout-api",
    "Incident commander": "commander",
    **{name: name for name in ("auth", "commander", "database", "deputy", "scribe")},
}


@pytest.mark.parametrize(
    ("words", "near", "rest"),
    [
        ("chekout-api is it safe?", "checkout-api", "is it safe?"),
        ("Checkuot API: is it safe?", "checkout-api", "is it safe?"),
        ("incident comander, decide please", "commander", "decide please"),
        ("comandr decide please", "commander", "decide please"),
        ("auht nobody can log in", "auth", "nobody can log in"),
        ("databse", "database", ""),
    ],
)
def test_a_misspelt_name_suggests_the_right_one(words: str, near: str, rest: str) -> None:
    assert find_near(words, NAMES) == (Near(near, rest),)


@pytest.mark.parametrize(
    "words",
    [
        "Is it safe to fail over the database?",
        "please look at checkout",
        "Deploy 2.41 broke the checkout",
        "Describe what you see on the replica",
        "data looks wrong since noon",
        "each replica is behind",
        "12 % of logins fail",
        "",
    ],
)
def test_a_plain_ask_suggests_no_name(words: str) -> None:
    assert find_near(words, NAMES) == ()


def test_a_name_without_at_is_a_person_and_a_question_is_not() -> None:
    people = {"bob": "@bob", "Will": "@Will"}
    assert find_near("bob is it safe?", people, counts_exact=True) == (Near("@bob", "is it safe?"),)
    assert find_near("bob is it safe?", people) == ()
    assert find_near("Will it be safe?", people, counts_exact=True) == ()


def test_a_kind_can_be_named_too(policy: Policy) -> None:
    meant = meant_by("security a token leaked", policy)
    assert meant.template is not None
    assert (meant.template.key, meant.target, meant.rest) == ("security", None, "a token leaked")


@pytest.mark.parametrize(
    ("attention", "said"),
    [
        (Attention(), ""),
        (
            Attention(is_quiet=True, quiet_until=NOW + timedelta(hours=4)),
            "do not disturb until 08:00 their time",
        ),
        (
            Attention(is_quiet=True, quiet_until=NOW + timedelta(days=2)),
            "do not disturb until Wednesday 04:00 their time",
        ),
        (Attention(status=":palm_tree: Standing"), "status :palm_tree: Standing"),
        (Attention(status=":headphones: In a huddle"), ""),
    ],
)
def test_the_reason_why_somebody_may_not_notice_is_in_their_time(
    attention: Attention, said: str
) -> None:
    text = away_text(attention, zone="Europe/Berlin", now=NOW, present=(":headphones:",))
    assert text == said


def test_long_lines_are_cut_before_short_ones() -> None:
    text = fitted(["short", "y" * 5_000, "z" * 5_000], limit=1_000)
    assert len(text) <= 1_000
    first, second, third = text.split("\n")
    assert first == "short"
    assert len(second) == len(third)
    assert fitted(["a", "b"], limit=1_000) == "a\nb"
    assert fitted([], limit=10) == ""
