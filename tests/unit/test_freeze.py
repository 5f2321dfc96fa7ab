"""A snapshot is read back as written, and a difference is found and shown."""

from tests.freeze import snapshots
from tests.freeze.checking import difference
from tests.freeze.items import Item
from tests.freeze.shown import shown_lines
from tests.freeze.stable_names import StableNames

_CARD = Item("chat.update in #inc-1", "text: SEV2\n\n=== not a heading\n| not a mark\nlast")
_NOTE = Item("chat.postMessage in #inc-1", "text: note")


def test_a_snapshot_is_read_back_as_it_was_written() -> None:
    snapshot = snapshots.merged([{"test_a": {_CARD, _NOTE}, "test_b[x = y]": {_CARD}}])

    assert snapshots.from_text(snapshots.as_text(snapshot)) == snapshot


def test_an_item_of_some_runs_only_is_seen_sometimes_and_never_missing() -> None:
    snapshot = snapshots.merged([{"test_a": {_CARD, _NOTE}}, {"test_a": {_NOTE}}])

    assert snapshot[_CARD] == snapshots.Seen(sometimes={"test_a"})
    assert list(snapshots.missing(snapshot, {"test_a": set()})) == [(_NOTE, "test_a")]
    assert not list(snapshots.missing(snapshot, {"test_b": set()}))


def test_another_run_only_loosens_a_snapshot() -> None:
    before = snapshots.merged([{"test_a": {_NOTE}, "test_b": {_NOTE}}])

    after = snapshots.loosened(before, {"test_a": {_CARD}})

    assert after[_NOTE] == snapshots.Seen(always={"test_b"}, sometimes={"test_a"})
    assert after[_CARD] == snapshots.Seen(sometimes={"test_a"})


def test_an_unknown_item_is_shown_beside_the_one_most_like_it() -> None:
    now = Item(_CARD.heading, _CARD.text.replace("SEV2", "SEV1"))

    shown = difference(now, [_NOTE, _CARD], name="test_module.txt")

    assert "-text: SEV2" in shown
    assert "+text: SEV1" in shown
    assert "note" not in shown


def test_a_block_shows_its_texts_and_the_names_in_code() -> None:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Page"},
        "action_id": "page",
        "value": "7",
        "confirm": {"title": {"type": "plain_text", "text": "Sure?"}},
    }

    lines = shown_lines({"channel": "C1", "blocks": [{"type": "actions", "elements": [button]}]})

    assert lines.split("\n") == [
        "blocks:",
        "- actions",
        "  elements:",
        "  - button [Page] {page} = 7",
        "    confirm:",
        "      title: Sure?",
    ]


def test_ids_that_differ_between_runs_get_stable_names() -> None:
    names = StableNames({"U000000001A": "@alice"})

    text = names.stable("<@U000000001A> F000000002B 1772442000.000100 " + "a" * 64)

    assert text == "<@alice> <F> <ts> <hash>"


def test_seconds_and_versions_of_incidents_depend_on_timing_and_are_left_out() -> None:
    incident, approval = (f"00000000-0000-0000-0000-00000000000{digit}" for digit in "12")
    names = StableNames({incident: "<incident 1>"})

    text = names.stable(f"{incident}|7 {incident}|{approval}|1 <!date^1772442302^x> T09:05:02.5Z")

    assert text == "<incident 1>|<version> <incident 1>|<uuid>|1 <!date^1772442300^x> T09:05Z"
