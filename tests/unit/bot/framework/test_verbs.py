"""The table of verbs is consistent: arguments fit the use cases, words, buttons and forms."""

import inspect
import typing
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

from bot.features import all_features
from bot.framework.arguments import from_value
from bot.framework.verbs import Verb
from incidents.core.errors import DomainError

VERBS = [verb for feature in all_features() for verb in feature.verbs]


def named(verb: Verb[Any]) -> str:
    return verb.name or verb.form or " ".join((*verb.buttons, *verb.opened_by))


@pytest.mark.parametrize("verb", VERBS, ids=named)
def test_a_verb_can_be_called_and_does_something(verb: Verb[Any]) -> None:
    assert verb.usage or verb.buttons or verb.form
    assert sum(one is not None for one in (verb.use_case, verb.do, verb.perform)) == 1
    assert not verb.opened_by or (verb.form and (verb.show or verb.open))


@pytest.mark.parametrize("verb", [one for one in VERBS if one.use_case], ids=named)
def test_a_use_case_gets_the_arguments_it_takes(verb: Verb[Any]) -> None:
    assert verb.use_case is not None
    given = typing.get_type_hints(verb.arguments)
    taken = typing.get_type_hints(verb.use_case)
    _, *parameters = inspect.signature(verb.use_case).parameters.values()
    for parameter in parameters:
        if parameter.default is parameter.empty or parameter.name in given:
            name = parameter.name
            wanted = typing.get_args(taken[name]) or (taken[name],)
            assert set(typing.get_args(given[name]) or (given[name],)) <= set(wanted), name


@pytest.mark.parametrize("verb", VERBS, ids=named)
def test_words_fill_existing_arguments(verb: Verb[Any]) -> None:
    assert set(verb.words) <= {one.name for one in fields(verb.arguments)}


def test_no_two_verbs_share_a_word_a_button_or_a_form() -> None:
    ids = Counter(name for verb in VERBS for name in (*verb.buttons, *verb.opened_by))
    forms = Counter(verb.form for verb in VERBS if verb.form)
    words = Counter(word for verb in VERBS for word in (verb.name, *verb.aliases) if word)
    assert [name for found in (ids, forms, words) for name, n in found.items() if n > 1] == []


@pytest.mark.parametrize("verb", [one for one in VERBS if one.buttons], ids=named)
def test_a_foreign_button_value_is_refused(verb: Verb[Any]) -> None:
    with pytest.raises(DomainError):
        from_value(verb.arguments, "not|one|of|ours|" * 5)
