"""The README's pictures: three messages of the real bot, drawn as Slack shows them."""

import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.looks.page import CSS, MEASURE, ZONE, Drawing, markdown
from tests.scenario.conftest import Bot
from tests.slack_server import Channel, Message, Person

WIDTH = 900
_MOST_LINES = 16
_CSS = (
    CSS
    + """
body{columns:auto;margin:0}
.top{font-weight:900;font-size:17px;padding:12px 22px;border-bottom:1px solid #ddd}
.message{display:flex;gap:12px;padding:14px 22px 18px}
.avatar{flex:none;width:38px;height:38px;border-radius:8px;background:#1264a3;color:#fff;
font:900 21px/38px Lato,'DejaVu Sans',sans-serif;text-align:center}
.body{flex:1;min-width:0} .who{font-weight:900} .who small{font-weight:400;color:#616061}
.app{background:#e8e8e8;color:#616061;border-radius:3px;font:700 10px/1 sans-serif;padding:2px 4px}
.body>.card{border:0;padding:0;margin:2px 0}
.file{border:1px solid #ddd;border-radius:8px;padding:10px 16px;margin-top:8px;max-height:420px;
overflow:hidden} .file>b{font-size:14px} .file>.card{border:0;padding:0}
"""
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The bot and the people in the pictures."""

    bot: Bot
    nora: Person
    ben: Person
    maya: Person

    @property
    def room(self) -> Channel:
        """Return the incident's channel."""
        return next(one for one in self.bot.slack.channels if one.name.startswith("inc-1"))

    async def types(self, who: Person, words: str, minutes: int = 1) -> None:
        """Let somebody type a command in the room, a little later."""
        await self.bot.advance(minutes=minutes)
        await who.command(f"/incident {words}", channel=self.room)
        await self.bot.settle()


async def status_card(cast: Cast) -> str:
    """Draw the pinned card in the middle of an incident."""
    await cast.nora.command("/incident declare sev2 Checkout errors in the EU")
    await cast.bot.settle()
    await cast.types(cast.ben, "role commander me", minutes=3)
    await cast.types(cast.ben, "role comms @nora")
    await cast.types(cast.ben, "note -15m Deploy of checkout 1.42 went out")
    await cast.types(cast.ben, "status investigating")
    await cast.types(cast.nora, "update A third of EU customers can't pay. We are looking into it.")
    return drawn(cast, cast.room.pins[0], f"# {cast.room.name}")


async def escalation(cast: Cast) -> str:
    """Draw the call for help as the person on call gets it."""
    said = await cast.ben.says(
        "5xx at 31 % since 1.42: https://grafana.example.com/d/checkout", cast.room
    )
    await cast.ben.reacts(said, "pushpin")
    await cast.bot.settle()
    await cast.types(
        cast.ben, "escalate @maya Is it safe to go back to 1.41, or are carts in the new format?"
    )
    direct = cast.bot.slack.dm(cast.maya)
    called = next(one for one in direct.messages if "safe to go back" in one.rendered)
    return drawn(cast, called, "Sitrep, a direct message to Maya")


async def postmortem(cast: Cast) -> str:
    """Draw the published postmortem: the message and the file's first lines."""
    await cast.maya.click(
        next(m for m in cast.bot.slack.dm(cast.maya).messages if "safe to go back" in m.rendered),
        "escalation_take",
    )
    await cast.types(cast.maya, "note Carts are the same in both; going back is safe", minutes=2)
    await cast.types(cast.ben, "status mitigated Back to 1.41, errors are gone", minutes=9)
    now = cast.bot.clock.now()
    form = (await cast.ben.command("/incident resolve", channel=cast.room)).get_view()
    await cast.ben.submit(
        form,
        {
            "impact_started_at": now - timedelta(minutes=34),
            "impact_ended_at": now - timedelta(minutes=1),
            "resolution": "Went back from checkout 1.42 to 1.41",
        },
    )
    await cast.bot.settle()
    await cast.types(cast.ben, "postmortem owner me")
    form = (await cast.ben.command("/incident postmortem write", channel=cast.room)).get_view()
    summary = "Release 1.42 broke payments in the EU. Going back to 1.41 fixed it."
    factors = "The change was tested with US cards only. All nodes got it within a minute."
    await cast.ben.submit(form, {"Summary": summary, "Contributing factors": factors})
    await cast.bot.settle()
    await cast.types(cast.ben, "postmortem publish")
    told = [one for one in cast.room.messages if "ostmortem" in one.rendered and one.is_bot]
    file = [one for one in cast.bot.slack.files if "postmortem" in one.name][-1]
    title, _, rest = file.text.partition("\n")
    lines = [line for line in rest[rest.index("## ") :].splitlines() if line.strip()]
    shown = "\n".join((title, *lines[:_MOST_LINES]))
    preview = f"<div class=file><b>{html.escape(file.name)}</b>{markdown(shown)}</div>"
    return drawn(cast, told[-1], f"# {cast.room.name}", below=preview)


Picture = Callable[[Cast], Awaitable[str]]
PICTURES: tuple[Picture, ...] = (status_card, escalation, postmortem)


def drawn(cast: Cast, message: Message, place: str, *, below: str = "") -> str:
    """Return a page with one message of the bot, as Slack shows it, as high as it has to be."""
    now = cast.bot.clock.now()
    drawing = Drawing(message.channel.names, now)
    body = drawing.blocks({"text": message.text, "blocks": message.blocks})
    who = f"<div class=who>Sitrep <span class=app>APP</span> <small>{now.astimezone(ZONE):%H:%M}</small></div>"
    inside = f"<div class=avatar>S</div><div class=body>{who}{body}{below}</div>"
    page = f"<div class=top>{html.escape(place)}</div><div class=message>{inside}</div>"
    head = f"<meta charset=utf-8><style>{_CSS}</style>"
    return f"<!doctype html><html><head>{head}<title></title></head><body>{page}{MEASURE}</body></html>"
