"""What the endpoint accepts, what it refuses, and what never gets into the log."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.program import Program, environment
from tests.scenario.conftest import Bot
from tests.slack_server import SlackServer

FORM = "application/x-www-form-urlencoded"
EVENT = {
    "type": "event_callback",
    "team_id": "T1",
    "event_id": "Ev1",
    "event": {"type": "user_change", "user": {"id": "U1", "name": "mallory"}},
}


@pytest.fixture
async def http_bot(bot: Bot) -> Bot:
    """The bot over HTTP."""
    await bot.stop()
    del bot.environ["SLACK_APP_TOKEN"]
    bot.environ["SLACK_SIGNING_SECRET"] = bot.slack.signing_secret
    await bot.start()
    return bot


async def status_of(bot: Bot, body: Any, **signing: Any) -> int:
    """Post a body with this signing and return the status."""
    raw, headers = bot.slack.signed_request(body, **signing)
    status, _ = await bot.slack.deliver_raw(raw, headers)
    return status


async def test_a_request_of_slack_is_taken(http_bot: Bot) -> None:
    assert await status_of(http_bot, EVENT) == 200


async def test_the_challenge_is_answered_only_if_it_is_signed(http_bot: Bot) -> None:
    challenge = {"type": "url_verification", "challenge": "3eZbrw1a"}
    raw, headers = http_bot.slack.signed_request(challenge)
    status, text = await http_bot.slack.deliver_raw(raw, headers)
    assert (status, json.loads(text)) == (200, {"challenge": "3eZbrw1a"})
    assert await status_of(http_bot, challenge, secret="0" * 32) == 401


@pytest.mark.parametrize(
    "signing",
    [
        {"secret": "0" * 32},
        {"age": 301},
        {"age": -400},
        {"timestamp": "yesterday"},
        {"timestamp": "1e9"},
        {"timestamp": "-5"},
        {"timestamp": "\u0661\u0662"},
        {"timestamp": "9" * 400},
        {"timestamp": ""},
    ],
    ids=["forged", "replayed", "future", "word", "float", "negative", "arabic", "huge", "empty"],
)
async def test_what_slack_did_not_sign_now_is_refused(
    http_bot: Bot, signing: dict[str, Any]
) -> None:
    # Count from now, not from when pytest collected the tests.
    given = dict(signing)
    if "age" in given:
        given["timestamp"] = int(time.time()) - given.pop("age")
    raw, headers = http_bot.slack.signed_request(EVENT, **given)
    encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    status, _ = await http_bot.slack.deliver_raw(raw, encoded)
    assert status == 401


@pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
async def test_a_request_without_its_signature_is_refused(http_bot: Bot, missing: str) -> None:
    raw, headers = http_bot.slack.signed_request(EVENT)
    del headers[missing]
    assert (await http_bot.slack.deliver_raw(raw, headers))[0] == 401


async def test_a_signature_holds_for_its_own_body_alone(http_bot: Bot) -> None:
    raw, headers = http_bot.slack.signed_request(EVENT)
    assert (await http_bot.slack.deliver_raw(raw + b" ", headers))[0] == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("{", "application/json"),
        ("[]", "application/json"),
        ('"text"', "application/json"),
        ("null", "application/json"),
        ("", "application/json"),
        ("[" * 100_000, "application/json"),
        ('{"type": 5}', "application/json"),
        ('{"type": "event_callback"}', "application/json"),
        ('{"type": "event_callback", "event": "text"}', "application/json"),
        ('{"type": "event_callback", "event": {}}', "application/json"),
        ('{"type": "block_actions", "user": {"id": "U1"}, "actions": []}', "application/json"),
        ('{"type": "view_submission", "user": {"id": "U1"}}', "application/json"),
        ("payload=%7B", FORM),
        ("payload=5", FORM),
        ("payload=" + urlencode({"": "[]"})[1:], FORM),
        ("", FORM),
        ("&".join(f"a{number}=1" for number in range(200)), FORM),
        (b"\xff\xfe\x00", "application/json"),
        (b"text=\xff", FORM),
    ],
)
async def test_what_is_malformed_is_answered_with_400_though_it_is_signed(
    http_bot: Bot, body: str | bytes, content_type: str
) -> None:
    status = await status_of(http_bot, body, content_type=content_type)
    assert status in ({400} if not isinstance(body, bytes) else {400, 401})


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_megabyte_is_the_most(http_bot: Bot) -> None:
    padded = {**EVENT, "padding": "x" * (1024 * 1024)}
    assert await status_of(http_bot, padded) == 413
    assert await status_of(http_bot, {**EVENT, "padding": "x" * 900_000}) == 200


async def test_an_endless_body_is_cut_off(http_bot: Bot) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{http_bot.app.url}/slack/events", data=endless()) as response,
    ):
        assert response.status == 413


async def test_slacks_certificate_check_is_answered_unsigned_and_does_nothing_else(
    http_bot: Bot,
) -> None:
    headers = {"Content-Type": FORM}
    check = b"ssl_check=1&token=abc"
    assert (await http_bot.slack.deliver_raw(check, headers))[0] == 200
    smuggled = urlencode(
        {"ssl_check": "1", "command": "/incident", "text": "declare sev1 x", "user_id": "U1"}
    ).encode()
    assert (await http_bot.slack.deliver_raw(smuggled, headers))[0] == 401


async def test_there_is_no_endpoint_without_a_secret(bot: Bot) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{bot.app.url}/slack/events", data=b"{}") as response,
    ):
        assert response.status == 404


async def test_a_command_whose_text_speaks_of_a_payload_is_heard_whole(http_bot: Bot) -> None:
    alice = http_bot.slack.add_person("alice")
    outcome = await alice.command("/incident declare sev2 payload= too large")
    assert "INC-1" in outcome.text


async def test_while_not_ready_a_request_is_put_off(http_bot: Bot) -> None:
    http_bot.app.intake.is_open = False
    assert await status_of(http_bot, EVENT) == 503


async def test_oauth_credentials_in_the_environment_change_nothing(
    http_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-other")
    await http_bot.restart()
    alice = http_bot.slack.add_person("alice")
    assert (await alice.command("/incident declare sev2 Checkout errors")).acked
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{http_bot.app.url}/slack/install") as response,
    ):
        assert response.status == 404


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_secret_and_no_word_of_people_gets_into_the_log(tmp_path: Path, form: str) -> None:
    async with SlackServer() as slack:
        slack.add_channel("incidents", members=[slack.bot])
        alice = slack.add_person("alice", name="Alice Confidential")
        environ = environment(
            SLACK_API_URL=slack.api_url,
            SLACK_BOT_TOKEN=slack.bot_token,
            SLACK_APP_TOKEN=slack.app_token,
            SLACK_SIGNING_SECRET=slack.signing_secret,
            DATABASE_URL=f"sqlite:///{tmp_path}/sitrep.db",
            LOG_LEVEL="DEBUG",
            LOG_FORMAT=form,
        )
        program = await Program.start("serve", environ=environ, folder=tmp_path)
        await slack.connected(2)
        await alice.command("/incident declare sev2 Zanzibar outage")
        room = await slack.wait_for(lambda: slack.find_channel("inc-1-zanzibar-outage"))
        await slack.wait_for(lambda: alice in room)
        await alice.command("/incident note Quetzal restarted", channel=room)
        slack.fail("chat.postMessage", error="invalid_blocks", times=3)
        slack.fail("chat.update", status=500, times=2)
        await alice.command("/incident severity sev1 Okapi is worse", channel=room)
        await alice.command("/incident nonsense Wombat", channel=room)
        await alice.says("Narwhal looks at it", room)
        url = await _public_url(program, form)
        slack.use_http(f"{url}/slack/events")
        forged, headers = slack.signed_request({**EVENT, "text": "Axolotl"}, secret="0" * 32)
        assert (await slack.deliver_raw(forged, headers))[0] == 401
        bad, headers = slack.signed_request('{"Pangolin": ', content_type="application/json")
        assert (await slack.deliver_raw(bad, headers))[0] == 400
        await slack.quiet(0.5)
        program.signal()
        assert await program.ended() == 0

    said = program.output.lower()
    assert "request_refused" in said
    secrets = (slack.bot_token, slack.app_token, slack.signing_secret, "ticket=")
    words = ("zanzibar", "quetzal", "okapi", "wombat", "narwhal", "axolotl", "pangolin")
    for hidden in (*secrets, *words, "confidential"):
        assert hidden.lower() not in said, hidden


async def _public_url(program: Program, form: str) -> str:
    if form == "json":
        return str((await program.said("ready"))["url"])
    line = next(line for line in program.lines if " ready " in line)
    return next(word for word in line.split() if word.startswith("url=")).removeprefix("url=")
