"""`sitrep pager test`: whether pages leave this machine, before Slack and the record are there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pager_servers.goalert import GoAlertServer
from tests.pager_servers.ntfy import NtfyServer
from tests.program import environment, run


@pytest.fixture
async def goalert() -> AsyncIterator[GoAlertServer]:
    async with GoAlertServer(kim="gk-kim").serving() as server:
        yield server


@pytest.fixture
async def ntfy() -> AsyncIterator[NtfyServer]:
    async with NtfyServer(token="tk-real").serving() as server:
        yield server


@pytest.fixture
def environ(tmp_path: Path, goalert: GoAlertServer, ntfy: NtfyServer) -> dict[str, str]:
    """Kim has an alert in GoAlert and a phone with ntfy; the secrets know GoAlert's key."""
    policy, secrets = tmp_path / "policy.yaml", tmp_path / "secrets.yaml"
    policy.write_text(
        f"pagers:\n  goalert: {{kind: goalert, url: '{goalert.url}'}}\n"
        f"  ntfy: {{kind: ntfy, url: '{ntfy.url}'}}\n"
        "people:\n  - who: kim@example.com\n    reach: [goalert/kim, ntfy/kim-phone]\n"
    )
    secrets.write_text(
        "pagers:\n  goalert: {addresses: {kim: gk-kim}}\n  ntfy: {token: tk-wrong}\n"
    )
    secrets.chmod(0o600)
    return environment(SITREP_POLICY=str(policy), SITREP_SECRETS=str(secrets), COLUMNS="200")


async def test_each_address_says_whether_its_pager_took_the_page(
    environ: dict[str, str], goalert: GoAlertServer, tmp_path: Path
) -> None:
    code, output = await run("pager", "test", "Kim@example.com", environ=environ, folder=tmp_path)
    assert code == 1, output
    assert "ok goalert/kim: accepted after 0." in output
    assert "!! ntfy/kim-phone: not accepted (ntfy answered 403: forbidden" in output
    assert "acknowledgement comes back, test in Slack: /incident pager test" in output
    assert [one.summary for one in goalert.open] == [
        "Test page from Sitrep's command line: nothing to do"
    ]
    assert "tk-wrong" not in output


async def test_somebody_without_an_address_is_refused_with_those_who_have_one(
    environ: dict[str, str], goalert: GoAlertServer, tmp_path: Path
) -> None:
    code, output = await run("pager", "test", "ben@example.com", environ=environ, folder=tmp_path)
    assert code == 1
    assert "no pager address for ben@example.com" in output
    assert "names kim@example.com" in output
    assert goalert.asked == []


async def test_explain_says_that_the_louder_of_two_rules_counts(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "on-call.md").read_text(encoding="utf-8")
    blocks = [one.partition("```")[0] for one in page.split("```yaml\n")[1:]]
    (tmp_path / "policy.yaml").write_text("".join(blocks), encoding="utf-8")
    environ = environment(SITREP_POLICY="policy.yaml")
    words = ("policy", "explain", "sev1", "checkout")
    code, output = await run(*words, environ=environ, folder=tmp_path)
    assert code == 0, output
    assert "by direct message in Slack and by their own pagers" in output
    assert "only by direct message in Slack" not in output
    code, output = await run(
        "policy", "explain", "sev2", "checkout", environ=environ, folder=tmp_path
    )
    assert "rotation/checkout (on call), only by direct message in Slack" in output
