"""The manifest asks for exactly what the features handle, in Slack's schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.features import all_features
from bot.framework.feature import Feature
from bot.operations.manifest import (
    SCOPES,
    SHORTCUTS,
    SUBSCRIPTIONS,
    build_manifest,
    handled_events,
    needed_scopes,
    purpose_of,
)

SCHEMA = Path(__file__).resolve().parents[5] / "shared/data/slack-app-manifest.schema.json"
URL = "https://sitrep.example.com"
# Slack reviews these closely; each must be earned by something the bot does.
FORBIDDEN = {"chat:write.public", "chat:write.customize", "files:read", "im:read", "team:read"}


def manifest(url: str | None = None) -> dict[str, Any]:
    """The manifest of all features."""
    return build_manifest(all_features(), command="/incident", url=url)


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"Slack's schema isn't at {SCHEMA}")
@pytest.mark.parametrize("url", [None, URL])
def test_it_is_valid_by_slacks_schema(url: str | None) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft7Validator(schema)
    problems = [f"{list(e.path)}: {e.message}" for e in validator.iter_errors(manifest(url))]
    assert problems == []


def test_slack_sends_exactly_the_events_that_are_handled() -> None:
    sent = manifest()["settings"]["event_subscriptions"]["bot_events"]
    handled = handled_events(all_features())
    assert {name.split(".")[0] for name in sent} == handled
    assert len(sent) == len(set(sent))


def test_the_menus_show_exactly_the_handled_shortcuts() -> None:
    shown = {shortcut["callback_id"] for shortcut in manifest()["features"]["shortcuts"]}
    handled = {callback_id for feature in all_features() for callback_id in feature.shortcuts}
    assert shown == handled == set(SHORTCUTS)


def test_shortcuts_have_the_kind_that_their_handlers_expect() -> None:
    kinds = {item["callback_id"]: item["type"] for item in manifest()["features"]["shortcuts"]}
    assert kinds == {
        "declare": "global",
        "declare_from_message": "message",
        "add_to_timeline": "message",
        "escalate_from_message": "message",
    }


def test_the_command_is_escaped_and_named_by_the_policy() -> None:
    built = build_manifest(all_features(), command="/outage")
    (command,) = built["features"]["slash_commands"]
    assert command["command"] == "/outage"
    assert command["should_escape"] is True
    assert "url" not in command


def test_socket_mode_and_http_exclude_each_other() -> None:
    socket, http = manifest()["settings"], manifest(URL)["settings"]
    assert socket["socket_mode_enabled"] is True
    assert http["socket_mode_enabled"] is False
    endpoint = f"{URL}/slack/events"
    assert http["event_subscriptions"]["request_url"] == endpoint
    assert http["interactivity"] == {
        "is_enabled": True,
        "request_url": endpoint,
        "message_menu_options_url": endpoint,
    }
    assert "https://" not in json.dumps(manifest())


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://a.example", "https://a.example/slack/events"),
        ("https://a.example/", "https://a.example/slack/events"),
        ("https://a.example:8443/bot/", "https://a.example:8443/bot/slack/events"),
        ("https://a.example/slack/events", "https://a.example/slack/events"),
    ],
)
def test_the_address_leads_to_the_endpoint(url: str, endpoint: str) -> None:
    assert manifest(url)["features"]["slash_commands"][0]["url"] == endpoint


@pytest.mark.parametrize("url", ["http://a.example", "a.example", "https://", "https://a/?b=c"])
def test_an_address_that_slack_could_not_reach_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        manifest(url)


def test_the_home_tab_is_on_and_the_messages_tab_is_read_only() -> None:
    home = manifest()["features"]["app_home"]
    assert home["home_tab_enabled"]
    assert home["messages_tab_enabled"]
    assert home["messages_tab_read_only_enabled"]


def test_every_requested_permission_is_needed() -> None:
    scopes = needed_scopes(all_features())
    assert not FORBIDDEN & set(scopes)
    bare = {need.scope for need in SCOPES}
    from_events = {
        scope
        for event_type in handled_events(all_features())
        for scope in SUBSCRIPTIONS[event_type].scopes
    }
    assert set(scopes) == bare | from_events
    assert all(purpose_of(scope, all_features()) for scope in scopes)


def test_an_event_missing_from_the_table_is_an_error() -> None:
    async def handler(_: object) -> None:
        raise NotImplementedError

    feature = Feature(name="new", events={"moon_landing": handler})
    with pytest.raises(KeyError, match="moon_landing"):
        build_manifest((feature,), command="/incident")
