"""The Home tab: what waits for you, your incidents, other open ones, and those resolved recently."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.browse.listing import incident_line
from bot.features.browse.waiting import waiting_block
from bot.framework.arguments import Arguments, to_value
from bot.framework.effect_context import Dropped
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, OnHome, Showing
from bot.framework.phrases import severity_mark
from bot.framework.requests import Reply, Request, Services
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks, mentions
from bot.slack.rate_limits import Priority
from incidents.browse.home import LATELY, HomeTab, HomeView, home_view, open_home, remember_home
from incidents.browse.lists import ListedIncident, ListPage
from incidents.core.people import Person, actor_of
from incidents.engine.effects import RefreshHome
from incidents.incident.lifecycle import is_open
from incidents.registry.waiting import MOST_OF_A_KIND, Waiting, waiting_for


async def home_opened(request: Request) -> Reply:
    """Plan the Home tab's display; ignore the same event from the Messages tab."""
    if request.event.get("tab") == "home":
        await request.transact(partial(open_home, page=1))
    return None


class OnPage(Arguments):
    """A page of open incidents."""

    page: int


async def turn_page(request: Request, given: OnPage) -> Reply:
    """Show another page of open incidents."""
    # `once=False`: the view id stays the same, so next, previous, next would look like a repeat.
    await request.transact(partial(open_home, page=given.page), once=False)
    return None


async def _look(
    session: AsyncSession, effect: RefreshHome, services: Services
) -> Showing | Dropped:
    person = await session.get(Person, effect.person_id)
    if person is None:
        return Dropped("nobody to show it to")
    now, tab = services.clock.now(), await session.get(HomeTab, person.id)
    is_news = effect.page == 0
    if is_news and (tab is None or tab.opened_at < now - LATELY):
        return Dropped("they haven't looked lately")
    view = await home_view(
        session,
        workspace_id=services.workspace.id,
        viewer=actor_of(person),
        page=effect.page or (tab.page if tab is not None else 1),
        now=now,
    )
    waiting = await waiting_for(
        session, workspace_id=services.workspace.id, viewer=actor_of(person)
    )
    home = home_blocks(view, slash=services.policy.command, waiting=waiting)
    shown = hashlib.sha256(json.dumps(home.to_dict(), sort_keys=True).encode()).hexdigest()
    if is_news and tab is not None and tab.shown == shown:
        return Dropped("unchanged")
    # Nobody waits for news of what others did.
    priority = Priority.SPARE if is_news else Priority.WORK
    remember = partial(remember_home, person_id=person.id, shown=shown)
    return Showing(home, OnHome(person.external_id, priority), on_shown=lambda _: remember)


HOME = LiveMessage(
    effect=RefreshHome, purpose="home", subject=lambda effect: effect.person_id, look=_look
)


def home_blocks(view: HomeView, *, slash: str, waiting: Sequence[Waiting] = ()) -> blocks.View:
    """Return the Home tab: what waits for the person, what they are in, and what else is open."""
    declare = blocks.button("Declare an incident", action_id="declare_open", style="primary")
    hand_over = blocks.button("Hand over my shift…", action_id="handover_open")
    shadow = blocks.button("Shadow somebody…", action_id="shadow_open")
    return blocks.home(
        [
            blocks.section("*Something is wrong?* Say what you see; the rest can wait."),
            blocks.actions(declare, hand_over, shadow),
            *_waiting_part(waiting),
            *_part("Yours", view.mine, more=f": `{slash} list mine`"),
            *_open_part(view.open, is_alone=not view.mine.items),
            *_part("Resolved in the last seven days", view.recent),
            blocks.context(f"In any channel: `{slash} help`"),
        ]
    )


def _waiting_part(waiting: Sequence[Waiting]) -> list[blocks.Block]:
    if not waiting:
        return []
    is_cut = max(Counter(one.what for one in waiting).values()) >= MOST_OF_A_KIND
    cut = [blocks.context(f"I show {MOST_OF_A_KIND} of a kind at most.")] if is_cut else []
    return [blocks.header("Waiting for you"), *map(waiting_block, waiting), *cut]


def home_line(item: ListedIncident) -> str:
    """Return one incident on one line: how bad, since when, and whether nobody leads."""
    parts = [f"{severity_mark(item.severity_rank)} {incident_line(item)}"]
    if is_open(item.status):
        parts.append(mentions.date(item.declared_at, "{ago}"))
        parts += [] if item.is_led else ["*nobody leads*"]
    return " · ".join(parts)


def _part(title: str, page: ListPage, *, more: str = "") -> list[blocks.Block]:
    if not page.items:
        return []
    left = page.total - len(page.items)
    rest = [blocks.context(f"and {left} more{more}")] if left else []
    lines = "\n".join(home_line(item) for item in page.items)
    return [blocks.header(title), *blocks.paragraphs(lines), *rest]


def _open_part(page: ListPage, *, is_alone: bool) -> list[blocks.Block]:
    if not page.items:
        quiet = [blocks.header("Open incidents"), blocks.section("None. All is quiet.")]
        return quiet if is_alone else []
    buttons = []
    if page.page > 1:
        buttons.append(
            blocks.button(
                "Previous", action_id="home_previous", value=to_value(OnPage(page.page - 1))
            )
        )
    if page.page < page.pages:
        buttons.append(
            blocks.button("Next", action_id="home_next", value=to_value(OnPage(page.page + 1)))
        )
    lines = "\n".join(home_line(item) for item in page.items)
    title = "Open incidents" if is_alone else "Other open incidents"
    where = [blocks.context(f"Page {page.page} of {page.pages}")] if page.pages > 1 else []
    turning = [blocks.actions(*buttons)] if buttons else []
    return [
        blocks.header(f"{title} ({page.total})"),
        *blocks.paragraphs(lines),
        *where,
        *turning,
    ]


FEATURE = Feature(
    name="home",
    events={"app_home_opened": home_opened},
    verbs=(
        Verb(
            OnPage,
            repeat=Repeat.HARMLESS,
            buttons=("home_previous", "home_next"),
            perform=turn_page,
        ),
    ),
    live_messages=(HOME,),
)
