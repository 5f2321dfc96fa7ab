"""The drill: a junior practises with a mentor on an incident that unfolds by itself."""

from datetime import timedelta

from tests.demo.results import Expected
from tests.demo.story import Cast, Scene, expect, pause
from tests.slack_server import Channel


def _room(cast: Cast) -> Channel:
    return next(channel for channel in cast.slack.channels if channel.name.startswith("drill-1"))


async def practise(cast: Cast) -> None:
    """Dev starts a drill; Ben is the mentor. The first signal comes by itself."""
    outcome = await cast.dev.command("/incident drill bad-deploy @ben")
    expect("begins" in outcome.text, f"Sitrep answered the drill with {outcome.text!r}")
    await cast.until(
        lambda: any(channel.name.startswith("drill-1") for channel in cast.slack.channels),
        saying="the drill has no channel",
    )
    room = _room(cast)
    await cast.said("checkout-5xx is firing", where=room, most_minutes=10)
    await cast.until(lambda: cast.dev in room, saying="@dev is not in the drill's channel")
    await cast.dev.command("/incident role commander me", channel=room)
    await cast.dev.command("/incident check changes", channel=room)
    await cast.said("2.40.3 → 2.41.0", where=room)


async def escalate(cast: Cast) -> None:
    """Dev isn't sure and escalates; Ben gets the packet and takes it with one press."""
    room = _room(cast)
    await cast.dev.command(
        "/incident escalate @ben Is it safe to go back to 2.40.3 before we know the bug?",
        channel=room,
    )
    called = await cast.said("Is it safe to go back", where=cast.slack.dm(cast.ben))
    await pause()
    await cast.ben.click(called, "escalation_take")
    await cast.until(
        lambda: any("is on it" in message.rendered for message in room.messages),
        saying="nobody is on the escalation",
    )


async def agree(cast: Cast) -> None:
    """Dev proposes a risky step and how to undo it; Ben agrees; Dev does it and reports back."""
    room = _room(cast)
    await cast.dev.command(
        "/incident propose Go back to checkout 2.40.3 risk: purchases take a moment longer "
        "undo: release 2.41.0 again check: 5xx below 1 % --class change",
        channel=room,
    )
    asked = await cast.said("Go back to checkout 2.40.3", where=room)
    await pause()
    await cast.ben.click(asked, "proposal_approve")
    await cast.dev.command("/incident act roll-back", channel=room)
    await cast.said("about 2 minutes, region by region", where=room, most_minutes=5)
    await cast.dev.command(
        "/incident proposal done 2.40.3 is going out, region by region", channel=room
    )


async def see_it_through(cast: Cast) -> None:
    """The service recovers; Dev posts an update and resolves; both get a private scorecard."""
    room = _room(cast)
    await cast.said("checkout-5xx has cleared", where=room, most_minutes=30)
    await cast.dev.command(
        "/incident update Purchases work again. Going back to 2.40.3 fixed it.", channel=room
    )
    form = (await cast.dev.command("/incident resolve", channel=room)).get_view()
    await pause()
    outcome = await cast.dev.submit(
        form,
        {
            "impact_started_at": cast.bot.clock.now() - timedelta(minutes=20),
            "impact_ended_at": cast.bot.clock.now() - timedelta(minutes=1),
            "resolution": "Went back to checkout 2.40.3",
        },
    )
    expect(not outcome.errors, f"Sitrep refused to resolve: {outcome.errors}")
    for person in (cast.dev, cast.ben):
        await cast.said("corecard", where=cast.slack.dm(person), most_minutes=2)


SCENES: tuple[tuple[str, Scene], ...] = (
    ("Practice: Dev starts a drill, Ben is the mentor", practise),
    ("Dev escalates, with what is known", escalate),
    ("A risky step is proposed and agreed to", agree),
    ("It recovers; both get a scorecard", see_it_through),
)
EXPECTED = Expected(files=("drill-postmortem.md",))
