"""The policy's templates of updates: offered for each audience, and never posted as they are."""

from incidents.policy.stakeholders import Updates, UpdateTemplate
from tests.scenario.conftest import ROOM, Bot, declared, unpinned
from tests.slack_server import Person, View

CUSTOMERS = UpdateTemplate(audience="Customers", text="Problems with {services}: {impact}.")
EXECUTIVES = UpdateTemplate(
    audience="Executives", severity="sev2", text="{severity}: {title}. {commander} leads."
)
WORST = UpdateTemplate(audience="Executives", severity="sev1", text="Worst of all: {title}")
QUIETLY = UpdateTemplate(audience="Partners", severity="sev1", text="{status}")


async def _ready(bot: Bot) -> None:
    templates = (CUSTOMERS, EXECUTIVES, WORST, QUIETLY)
    bot.change_policy(updates=Updates(templates=templates))
    await bot.restart()


def _text(form: View) -> str:
    field = next(one for one in form.blocks if one.get("block_id") == "text")
    return str(field["element"].get("initial_value") or "")


def _audiences(form: View) -> list[str]:
    menu = next(one for one in form.blocks if one.get("block_id") == "audience")
    return [one["text"]["text"] for one in menu["element"]["options"]]


async def _chosen(person: Person, form: View, audience: str) -> View:
    await person.click(form, "audience", audience)
    return form


async def test_the_form_offers_each_audiences_template_filled_in_from_the_record(
    any_bot: Bot,
) -> None:
    bot = any_bot
    await _ready(bot)
    alice, room = await declared(bot)
    await alice.command("/incident role commander me", channel=room)
    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert _audiences(form) == ["Customers", "Executives", "No template"]
    assert _text(form) == "Problems with not known yet: not known yet."
    form = await _chosen(alice, form, "1")
    assert _text(form) == "SEV2: Checkout errors. alice leads."
    assert _text(await _chosen(alice, form, "-")) == ""

    await alice.command("/incident severity sev1", channel=room)
    again = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert _audiences(again) == ["Customers", "Executives", "Partners", "No template"]
    assert _text(await _chosen(alice, again, "1")) == "Worst of all: Checkout errors"


async def test_a_template_that_nobody_changed_is_not_posted(bot: Bot) -> None:
    await _ready(bot)
    alice, room = await declared(bot)
    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert "Nothing in this form is new" in (await alice.submit(form)).errors["text"]
    await _chosen(alice, form, "1")
    assert "Nothing in this form is new" in (await alice.submit(form)).errors["text"]
    assert (await alice.submit(form, {"actions": "Rolling back"})).errors == {}
    await bot.settle()
    (update,) = unpinned(room, "Rolling back")
    assert "leads" not in update.rendered

    form = (await alice.command("/incident update", channel=ROOM)).get_view()
    assert (await alice.submit(form, {"text": "Problems with payments: none pass."})).errors == {}
    await bot.settle()
    assert len(unpinned(room, "Problems with payments: none pass.")) == 1


async def test_another_audience_replaces_no_text_of_ones_own(bot: Bot) -> None:
    await _ready(bot)
    alice, room = await declared(bot)
    form = (await alice.command("/incident update --next 20m", channel=ROOM)).get_view()
    await alice.fills(form, {"text": "We roll back", "needs": "A database expert"})
    await _chosen(alice, form, "1")
    assert _text(form) == "We roll back"
    assert "This is your text" in str(form.blocks)
    assert (await alice.submit(form)).errors == {}
    await bot.settle()
    (update,) = unpinned(room, "We roll back")
    assert "*Needs* A database expert" in update.rendered
    await bot.advance(minutes=20)
    assert len(unpinned(room, "update is due")) == 1


async def test_a_typed_text_and_a_brief_get_no_template(bot: Bot) -> None:
    await _ready(bot)
    alice, _ = await declared(bot)
    doubted = await alice.command("/incident update --next 20 customers pay again", channel=ROOM)
    assert _text(doubted.get_view()) == "20 customers pay again"
    brief = await alice.command("/incident update --brief", channel=ROOM)
    assert "Problems with" not in str(brief.get_view().blocks)
