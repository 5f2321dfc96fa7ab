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


async def examined(slack: SlackServer, folder: Path, policy: str) -> str:
    file = folder / "policy.yaml"
    file.write_text(policy)
    environ = {**given(slack), "SITREP_POLICY": str(file)}
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
