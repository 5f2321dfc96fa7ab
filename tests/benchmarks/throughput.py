"""Throughput: effects per second of the dispatcher, and the time that an export takes."""

import asyncio
import os
import statistics
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from bot.app import Sitrep, running
from bot.framework.effect_context import Done, EffectContext
from bot.outbound.dispatcher import Dispatcher
from config.policy_loader import load_policy
from config.settings import load_settings
from incidents.core.people import system_actor
from incidents.core.sentences import Who
from incidents.engine.effects import SetChannelTopic
from incidents.engine.outbox import Planned
from incidents.engine.unit_of_work import Outcome, UnitOfWork, UseCase
from incidents.exports.export import ExportFormat, export_incident
from incidents.incident.incident import ById
from incidents.lifecycle.declare import Declaration, declare
from incidents.record.entries import Marked
from incidents.registry.entries import ENTRY_TYPES
from tests.benchmarks.stand import environ
from tests.slack_server import SlackServer
from tests.world import STAGEHAND

EFFECTS = 2000
LANES = 50
ENTRIES = 5000
_AT_A_TIME = 250


@dataclass(frozen=True, slots=True)
class Throughput:
    """Effects per second when calls take no time, and seconds per export by format."""

    effects_per_second: float
    exports: dict[str, float]


async def measure_throughput(template: Path, folder: Path, *, runs: int) -> Throughput:
    """Measure in this process, on one database file."""
    async with SlackServer(rate_limits=False) as slack:
        slack.add_person("duty")
        await asyncio.to_thread(folder.mkdir)
        settings = load_settings(environ(slack, template=template, folder=folder))
        async with running(settings, load_policy()) as app:
            await app.settle()
            exports = await _exports(app, runs=runs)
            await app.dispatcher.stop()
            rates = [await _effects_per_second(app) for _ in range(runs)]
    return Throughput(statistics.median(rates), exports)


def fsync_milliseconds(folder: Path) -> float:
    """Return this disk's median time for an fdatasync, which every commit waits for."""
    taken = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def work_milliseconds() -> float:
    """Return the median time of a fixed piece of work: how fast this machine is now."""
    taken = []
    for _ in range(9):
        started = time.perf_counter()
        sum(number * number for number in range(1_000_000))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


async def _exports(app: Sitrep, *, runs: int) -> dict[str, float]:
    incident_id = await _declared(app)
    for start in range(0, ENTRIES, _AT_A_TIME):
        await _run(app, _notes(incident_id, range(start, start + _AT_A_TIME)))
    await app.settle(timeout=300)
    return {fmt.value: await _export(app, incident_id, fmt, runs=runs) for fmt in ExportFormat}


async def _export(app: Sitrep, incident_id: uuid.UUID, fmt: ExportFormat, *, runs: int) -> float:
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        async with app.services.database.reading() as session:
            await export_incident(
                session,
                ById(incident_id),
                workspace_id=app.services.workspace.id,
                viewer=system_actor(),
                fmt=fmt,
                entry_types=ENTRY_TYPES,
            )
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


async def _declared(app: Sitrep) -> uuid.UUID:
    async def use_case(uow: UnitOfWork) -> Outcome:
        return await declare(uow, Declaration(title=uuid.uuid4().hex, severity_key="sev2"))

    outcome = await _run(app, use_case)
    if outcome.incident_id is None:
        raise AssertionError(f"not declared: {outcome}")
    return outcome.incident_id


def _notes(incident_id: uuid.UUID, numbers: range) -> UseCase:
    # Nothing follows from this kind of entry, so the benchmark measures no posting.
    async def use_case(uow: UnitOfWork) -> Outcome:
        incident = await uow.get_incident(ById(incident_id))
        for number in numbers:
            text = f"Observation {number}: error rate fell to {number % 100} % on node eu-{number}"
            uow.record(incident, Marked(text=text, author=Who("dev")))
        return Outcome("noted")

    return use_case


async def _effects_per_second(app: Sitrep) -> float:
    incident_id = await _declared(app)

    async def carry_out(context: EffectContext) -> Done:
        return Done()

    dispatcher = Dispatcher(app.services, {SetChannelTopic: carry_out}, holder=uuid.uuid4().hex)
    await _run(app, _effects(incident_id))
    started = time.perf_counter()
    dispatcher.start()
    dispatcher.wake()
    # The dispatcher has no event for being done: only this benchmark would wait for it.
    while not dispatcher.is_idle or await dispatcher.has_due():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    took = time.perf_counter() - started
    await dispatcher.stop()
    return EFFECTS / took


def _effects(incident_id: uuid.UUID) -> UseCase:
    async def use_case(uow: UnitOfWork) -> Outcome:
        effect = SetChannelTopic(incident_id=incident_id)
        await uow.add_effects(
            [
                Planned(id=uuid.uuid4(), effect=effect, lane=f"{incident_id}:{number % LANES}")
                for number in range(EFFECTS)
            ]
        )
        return Outcome("planned")

    return use_case


async def _run(app: Sitrep, use_case: UseCase) -> Outcome:
    return await app.services.transactions.run(
        use_case, actor=STAGEHAND, workspace_id=app.services.workspace.id
    )
