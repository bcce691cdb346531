from __future__ import annotations

import json

import pytest

from embedtui import models
from embedtui.common.errors import InputError
from tests.models.conftest import MakeModel


@pytest.fixture
def info(make_model: MakeModel) -> models.ModelInfo:
    folder = make_model()
    prompts = {"prompts": {"query": "query: ", "passage": "passage: ", "none": ""}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return models.describe(folder)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("query", "query: "),
        ("none", ""),
        ("", ""),
        ("search_query: ", "search_query: "),
        (r"Instruct: find it\nQuery: ", "Instruct: find it\nQuery: "),
    ],
)
def test_a_prompt_is_a_name_or_the_text_itself(
    info: models.ModelInfo, asked: str, text: str
) -> None:
    assert models.prompt_text(info, asked) == text


def test_an_unknown_name_is_refused_with_those_that_there_are(info: models.ModelInfo) -> None:
    with pytest.raises(InputError, match="no prompt 'quary': give one of query, passage, or the"):
        models.prompt_text(info, "quary")


def test_a_model_without_prompts_says_how_to_give_one(make_model: MakeModel) -> None:
    with pytest.raises(InputError, match="give the text itself, such as 'query: '"):
        models.prompt_text(models.describe(make_model()), "query")


def test_labelled_texts_have_the_models_own_prompts_unless_one_is_asked_for(
    info: models.ModelInfo,
) -> None:
    assert models.prompts_for(info, "", labelled=True) == ("passage: ", "query: ")
    assert models.prompts_for(info, "", labelled=False) == ("", None)
    assert models.prompts_for(info, "query", labelled=True) == ("query: ", None)


def test_a_model_without_prompts_puts_nothing_before_labelled_texts(make_model: MakeModel) -> None:
    assert models.prompts_for(models.describe(make_model()), "", labelled=True) == ("", None)
