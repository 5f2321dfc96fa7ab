"""The Home tab: buttons, your incidents, open ones, and those resolved recently."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.browse.listing import incident_line
from bot.framework.arguments import Arguments, to_value
from bot.framework.effect_context import Dropped
from bot.framework.feature import Feature
from bot.framework.live_messages import LiveMessage, OnHome, Showing
from bot.framework.requests import Reply, Request, Services
from bot.framework.slash_commands import Repeat
from bot.framework.verbs import Verb
from bot.slack import blocks
from incidents.browse.home import HomeView, home_view, open_home
from incidents.browse.lists import ListPage
from incidents.core.people import Person, actor_of
from incidents.engine.effects import RefreshHome


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
    view = await home_view(
        session,
        workspace_id=services.workspace.id,
        viewer=actor_of(person),
        page=effect.page,
        now=services.clock.now(),
    )
    home = home_blocks(view, slash=services.policy.command)
    return Showing(home, OnHome(person.external_id))


HOME = LiveMessage(
    effect=RefreshHome, purpose="home", subject=lambda effect: effect.person_id, look=_look
)


def home_blocks(view: HomeView, *, slash: str) -> blocks.View:
    """Return the Home tab."""
    declare = blocks.button("Declare an incident", action_id="declare_open", style="primary")
    hand_over = blocks.button("Hand over my shift…", action_id="handover_open")
    shadow = blocks.button("Shadow somebody…", action_id="shadow_open")
    return blocks.home(
        [
            blocks.section("*Something is wrong?* Say what you see; the rest can wait."),
            blocks.actions(declare, hand_over, shadow),
            *_part("Yours", view.mine),
            *_open_part(view.open),
            *_part("Resolved in the last seven days", view.recent),
            blocks.context(f"In any channel: `{slash} help`"),
        ]
    )


def _part(title: str, page: ListPage) -> list[blocks.Block]:
    if not page.items:
        return []
    left = page.total - len(page.items)
    more = [blocks.context(f"and {left} more")] if left else []
    lines = "\n".join(incident_line(item) for item in page.items)
    return [blocks.header(title), *blocks.paragraphs(lines), *more]


def _open_part(page: ListPage) -> list[blocks.Block]:
    if not page.items:
        return [blocks.header("Open incidents"), blocks.section("None. All is quiet.")]
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
    lines = "\n".join(incident_line(item) for item in page.items)
    where = [blocks.context(f"Page {page.page} of {page.pages}")] if page.pages > 1 else []
    turning = [blocks.actions(*buttons)] if buttons else []
    return [
        blocks.header(f"Open incidents ({page.total})"),
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
