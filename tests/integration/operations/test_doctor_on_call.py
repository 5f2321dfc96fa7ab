"""The doctor says which turns, and which addresses of pagers, call nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.operations.test_first_day import given
from tests.program import run
from tests.slack_server import SlackServer

POLICY = """
call: [{severity: sev1, call: [on_call], backup: kim@example.com}]
escalation: {manager: kim@example.com}
on_call:
  fallback: FALLBACK
  rotations:
    checkout:
      people: [kim@example.com, gone@example.com]
      handover: monday 09:00
      every: 7d
      time_zone: Europe/Berlin
      starts_on: 2026-11-30
    search:
      people: [left@example.com]
      handover: monday 09:00
      every: 7d
      time_zone: Europe/Berlin
      starts_on: 2026-11-30
services:
  checkout: {name: Checkout, tier: 1, on_call: goalert/checkout}
  search: {name: Search, tier: 1, on_call: rotation/search}
pagers: {goalert: {kind: goalert, url: "https://goalert.example.com"}}
"""


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        server.add_person("kim")
        yield server


async def examined(slack: SlackServer, folder: Path, policy: str, **settings: str) -> str:
    file = folder / "policy.yaml"
    file.write_text(policy)
    environ = {**given(slack), "SITREP_POLICY": str(file), **settings}
    _, output = await run("doctor", environ=environ, folder=folder)
    return output


async def test_the_doctor_names_turns_and_addresses_that_call_nobody(
    slack: SlackServer, tmp_path: Path
) -> None:
    output = await examined(slack, tmp_path, POLICY.replace("FALLBACK", "rotation/checkout"))
    for line in (
        "!! rotation/checkout calls nobody in the turn of gone@example.com → correct people under",
        "!! rotation/search calls nobody in the turn of left@example.com → correct people under",
        "!! a SEV1 in Search wakes nobody when it is declared → set on_call",
        "!! goalert/checkout under services.checkout: GoAlert can't tell who is on call",
        "so the fallback is called → name a person",
    ):
        assert line in output, output
    assert "in Checkout wakes nobody" not in output


async def test_without_a_fallback_a_pager_that_cant_tell_wakes_nobody(
    slack: SlackServer, tmp_path: Path
) -> None:
    output = await examined(slack, tmp_path, POLICY.replace("FALLBACK", "null"))
    assert "!! a SEV1 in Checkout wakes nobody when it is declared → set on_call" in output


async def test_an_unknown_rotation_is_refused_with_its_line(
    slack: SlackServer, tmp_path: Path
) -> None:
    output = await examined(slack, tmp_path, POLICY.replace("FALLBACK", "rotation/chekout"))
    assert "on_call.fallback: there is no rotation `chekout`; did you mean `checkout`?" in output


PAGED = """
pagers: {goalert: {kind: goalert, url: "https://goalert.example.com"}}
people: [{who: kim@example.com, reach: [goalert/kim]}]
"""


async def paged(slack: SlackServer, folder: Path, secrets: str, *, mode: int = 0o600) -> str:
    """What the doctor says of these secrets; pages go to goalert/kim."""
    file = folder / "secrets.yaml"
    file.write_text(secrets)
    file.chmod(mode)
    return await examined(slack, folder, PAGED, SITREP_SECRETS=str(file))


async def test_the_doctor_refuses_secrets_with_which_sitrep_would_not_start(
    slack: SlackServer, tmp_path: Path
) -> None:
    output = await paged(slack, tmp_path, "phones: {}", mode=0o644)
    assert "is open to others (mode 0644). Example: chmod 600" in output
    output = await paged(slack, tmp_path, "pagers: {goalert: {webhook_secrt: very-secret}}")
    assert "no such key; did you mean `webhook_secret`?" in output
    assert "Sitrep doesn't start like this" in output
    assert "very-secret" not in output


async def test_the_doctor_names_what_the_secrets_lack_for_a_page_and_its_answer(
    slack: SlackServer, tmp_path: Path
) -> None:
    output = await paged(slack, tmp_path, "pagers: {goalrt: {addresses: {kim: gk-kim}}}")
    for line in (
        "!! the secrets file has goalrt under pagers",
        "the policy has no such pager; did you mean `goalert`?",
        "!! the secrets file has no webhook_secret for goalert → add it under pagers.goalert",
        "!! the secrets file has no key for goalert/kim, so no page arrives there → add kim",
        "!! SITREP_PUBLIC_URL isn't set",
    ):
        assert line in output, output
    whole = "pagers: {goalert: {webhook_secret: a-long-text, addresses: {kim: gk-kim}}}"
    output = await paged(slack, tmp_path, whole)
    assert "ok the secrets file has what the policy's pagers need" in output
    assert "gk-kim" not in output
