"""What pagers tell us, by webhook or when asked: one transaction each; repeats change nothing."""

from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from bot.features.paging.effects import page_of
from bot.features.paging.trials import trial_page_of
from bot.framework.requests import Services
from incidents.calling.hear import hear
from incidents.core.people import system_actor
from incidents.engine.transactions import RequestKey
from incidents.engine.unit_of_work import Outcome
from incidents.paging.pages import open_pages
from incidents.paging.port import Heard, Page, PagerRefused, PagerTemporary
from incidents.paging.trials import running_trials

# Fast enough that an acknowledgement shows here within five seconds.
EVERY: Final = timedelta(seconds=3)

log = structlog.get_logger(__name__)


async def hear_pager(services: Services, heard: Heard) -> Outcome:
    """Let the record follow what a pager tells; told again, it changes nothing."""
    outcome = await services.transactions.run(
        partial(hear, heard=heard),
        actor=system_actor(),
        workspace_id=services.workspace.id,
        request=RequestKey(f"pager:{heard.pager}:{heard.delivery_id}"),
    )
    log.info("pager_heard", pager=heard.pager, kind=heard.kind, outcome=outcome.kind)
    return outcome


async def ask_pagers(services: Services) -> None:
    """Ask what became of open pages; a pager that tells by webhook answers nothing."""
    policy = services.policy
    if not policy.pagers:
        return
    async with services.database.reading() as session:
        rows = await open_pages(
            session,
            workspace_id=services.workspace.id,
            pagers=[one.key for one in policy.pagers],
        )
        pages: dict[str, list[Page]] = defaultdict(list)
        for row in rows:
            pages[row.pager].append(await page_of(session, row, services))
        for trial in await running_trials(session, workspace_id=services.workspace.id):
            pages[trial.pager].append(await trial_page_of(session, trial, services))
    for key, open_there in pages.items():
        pager = services.pagers.find(policy, key)
        if pager is None:
            continue
        try:
            told = await pager.hear(open_there)
        except (PagerTemporary, PagerRefused) as error:
            log.info("pager_not_asked", pager=key, error=error.error)
            continue
        for heard in told:
            await hear_pager(services, heard)
