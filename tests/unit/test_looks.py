"""The file of all texts: what people read, without the program's words, once each."""

from tests.freeze.items import Item
from tests.looks.texts import all_texts, texts_of

_CARD = Item(
    "chat.postMessage in #inc-1-errors",
    "text: INC-1: alice took command. Press *Hand off*\nblocks:\n- section [*alice* took command.] {card}\n"
    "- actions\n  elements:\n  - button [Hand off] {command:handoff} = 1|x",
)


def test_a_message_is_read_out_without_the_programs_words_and_with_what_only_its_fallback_says() -> (
    None
):
    assert texts_of([("roles", _CARD)]).splitlines()[3:] == [
        "[roles: chat.postMessage in #inc-1-errors]",
        "*alice* took command.",
        "Hand off",
        "    fallback: INC-1: alice took command. Press *Hand off*",
    ]


def test_texts_that_differ_only_in_names_and_figures_are_read_once() -> None:
    other = Item("chat.postMessage in #inc-2", "text: *INC-2*: bob waited 20 min.")
    again = Item("chat.postMessage in #inc-3", "text: *INC-3*: carol waited 5 min.")

    assert texts_of([("a", other), ("b", again)]).count("waited") == 1


def test_every_surface_of_the_scenarios_has_texts() -> None:
    found = all_texts()

    surfaces = ["Forms", "Home tab", "Answers", "Direct messages", "Channel messages", "Files"]
    assert [one for one in surfaces if f"######## {one}\n\n[" not in found] == []
