"""The quick check of Slack's models finds the same as the models' own, slow one."""

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models import JsonObject
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, SectionBlock

from bot.slack.blocks.validators import check_quickly, validators_of


def all_models(base: type[JsonObject] = JsonObject) -> set[type[JsonObject]]:
    known = set(base.__subclasses__())
    return known.union(*(all_models(one) for one in known)) if known else known


def test_the_quick_check_finds_every_models_validators() -> None:
    found = {cls: set(validators_of(cls)) for cls in all_models()}
    assert found[HeaderBlock]
    assert found[ButtonElement] >= {"_validate_text_length"}
    for cls, names in found.items():
        itself = {name for name in dir(cls) if hasattr(getattr(cls, name, None), "validator")}
        assert names == itself


@pytest.mark.parametrize(
    "wrong",
    [
        HeaderBlock(text="x" * 151),
        SectionBlock(text="x" * 3_001),
        ActionsBlock(elements=[ButtonElement(text="x" * 76, action_id="a")]),
        ActionsBlock(elements=[ButtonElement(text="x", action_id="a" * 256)]),
    ],
)
def test_the_quick_check_refuses_what_slack_would_refuse(wrong: JsonObject) -> None:
    check_quickly()
    with pytest.raises(SlackObjectFormationError):
        wrong.to_dict()
