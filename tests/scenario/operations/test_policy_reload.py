"""The policy is read again while Sitrep runs, by every process, and on record."""

import json
import signal
from pathlib import Path

from bot.app import running
from config.policy_loader import load_policy
from incidents.record.audit_log import AuditKind
from tests.program import Program, run
from tests.scenario.conftest import Bot
from tests.scenario.operations.test_shutdown import a_slack, serving

SLOWER = "severities:\n  sev2:\n    cadence: 45m\n"
WRONG = "severities:\n  sev2:\n    cadence: soon\n"


async def with_policy(bot: Bot, folder: Path) -> Path:
    """Restart the bot with a policy file that changes nothing yet."""
    file = folder / "policy.yaml"
    file.write_text("default_severity: sev3\n")
    bot.environ["SITREP_POLICY"] = str(file)
    await bot.restart()
    return file


def cadence(bot: Bot) -> float:
    """Return the minutes between updates of a SEV2, by the policy in force."""
    severity = bot.app.services.policy.find_severity("sev2")
    assert severity is not None
    assert severity.cadence is not None
    return severity.cadence.total_seconds() / 60


async def reload(bot: Bot) -> None:
    """Ask for a reload, as SIGHUP does, and let the bot look."""
    bot.app.reload.ask()
    await bot.app.scheduler.run_chore("policy")


async def policy_entries(bot: Bot) -> list[tuple[str, dict[str, object]]]:
    """Return what the audit log says about the policy, oldest first."""
    kinds = {AuditKind.POLICY_CHANGED, AuditKind.POLICY_ASKED, AuditKind.POLICY_REFUSED}
    entries = await bot.audit_entries()
    return [(one.kind, dict(one.content or {})) for one in entries if one.kind in kinds]


async def test_one_process_is_asked_and_every_process_reads_the_policy_again(
    any_bot: Bot, tmp_path: Path
) -> None:
    bot = any_bot
    file = await with_policy(bot, tmp_path)
    async with running(bot.settings, bot.loaded, clock=bot.clock) as second:
        file.write_text(SLOWER)
        await bot.app.scheduler.run_chore("policy")
        assert cadence(bot) == 30  # nobody asked

        await reload(bot)
        assert cadence(bot) == 45
        assert bot.app.health.reload.loaded.digest == load_policy(file).digest

        await second.scheduler.run_chore("policy")
        assert second.services.policy == bot.app.services.policy

    _, asked, changed = await policy_entries(bot)
    assert asked[0] == AuditKind.POLICY_ASKED
    assert changed[0] == AuditKind.POLICY_CHANGED
    assert changed[1]["changes"] == ["severities.sev2.cadence: 30m → 45m"]


async def test_an_invalid_file_leaves_the_old_policy_in_force_and_says_why(
    bot: Bot, tmp_path: Path
) -> None:
    file = await with_policy(bot, tmp_path)
    file.write_text(WRONG)
    await reload(bot)
    assert cadence(bot) == 30
    kind, content = (await policy_entries(bot))[-1]
    assert kind == AuditKind.POLICY_REFUSED
    assert "policy.yaml:3" in str(content["problems"])

    file.write_text(SLOWER)
    await reload(bot)
    assert cadence(bot) == 45


async def test_what_is_under_way_keeps_the_policy_it_began_with(bot: Bot, tmp_path: Path) -> None:
    file = await with_policy(bot, tmp_path)
    begun = bot.app.services.pinned()
    file.write_text(SLOWER)
    await reload(bot)
    severity = begun.policy.find_severity("sev2")
    assert severity is not None
    assert severity.cadence is not None
    assert severity.cadence.total_seconds() == 30 * 60
    assert begun.transactions.policy is begun.policy


async def test_a_group_that_the_new_policy_names_is_known_at_once(bot: Bot, tmp_path: Path) -> None:
    file = await with_policy(bot, tmp_path)
    alice, dana = bot.slack.add_person("alice"), bot.slack.add_person("dana")
    group = bot.slack.add_group("search-oncall", [dana])
    file.write_text(f"services: {{search: {{name: Search, tier: 1, on_call: {group.id}}}}}\n")
    await reload(bot)
    await alice.command("/incident declare sev1 Search is down")
    await bot.settle()
    room = next(one for one in bot.slack.channels if one.name.startswith("inc-1"))
    await alice.command("/incident escalate --to search Please look", channel=room)
    await bot.settle()
    assert "Please look" in bot.slack.dm(dana).transcript


async def test_the_policy_is_reloaded_by_command_and_by_signal(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("default_severity: sev3\n")
    async with a_slack() as slack:
        environ = serving(slack, tmp_path, SITREP_POLICY=str(file))
        program = await Program.start("serve", environ=environ, folder=tmp_path)
        await program.said("ready")

        file.write_text(SLOWER)
        code, output = await run("policy", "reload", environ=environ, folder=tmp_path)
        assert "severities.sev2.cadence: 30m → 45m" in output
        assert (code, "In force now; audit log, entry " in output) == (0, True)

        file.write_text(WRONG)
        program.signal(signal.SIGHUP)
        refused = await program.said("policy_refused")
        assert "policy.yaml:3" in json.dumps(refused["problems"])
        program.signal()
        assert await program.ended() == 0

    file.write_text(SLOWER)
    code, output = await run("policy", "reload", environ=environ, folder=tmp_path)
    assert (code, "is in force already" in output) == (0, True)
    code, output = await run("audit", "--format", "md", environ=environ, folder=tmp_path)
    assert "severities.sev2.cadence: 30m → 45m" in output
    assert "so the policy before stays in force" in output
