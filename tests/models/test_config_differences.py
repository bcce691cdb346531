"""What vLLM's code of an architecture does otherwise is told, and nothing where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from embedtui.models import describe
from embedtui.models.preflight import notes

from .conftest import BERT, MakeModel

GPT2 = {"architectures": ["GPT2Model"], "model_type": "gpt2", "n_embd": 8, "n_layer": 2}
CAMEMBERT = BERT | {"architectures": ["CamembertModel"], "model_type": "camembert"}
TYPES = "the tokenizer gives token types"
POSITIONS = "the model's positions begin behind the padding token's"


def said(make_model: MakeModel, config: dict[str, Any], **tokenizer: object) -> str:
    return " ".join(describe(make_model(config=config, tokenizer_config_json=tokenizer)).differs)


@pytest.mark.parametrize(
    ("tokenizer", "told"),
    [
        ({"tokenizer_class": "GPT2Tokenizer"}, False),
        ({"tokenizer_class": "BertTokenizerFast"}, True),
        ({"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}, True),
        ({"tokenizer_class": "BertTokenizer", "model_input_names": ["input_ids"]}, False),
    ],
)
def test_token_types_that_the_models_own_code_takes_for_words(
    make_model: MakeModel, *, tokenizer: dict[str, object], told: bool
) -> None:
    assert (TYPES in said(make_model, GPT2, **tokenizer)) is told


def test_token_types_of_a_model_that_has_them(make_model: MakeModel) -> None:
    assert said(make_model, BERT, tokenizer_class="BertTokenizer") == ""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CAMEMBERT, POSITIONS),
        (CAMEMBERT | {"position_embedding_type": "relative_key"}, ""),
        (BERT | {"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta"}, ""),
        (BERT | {"is_decoder": True}, "config.json has is_decoder"),
        (BERT | {"is_decoder": False}, ""),
        (GPT2 | {"scale_attn_weights": False}, "turns the scaling of attention off"),
        (GPT2 | {"scale_attn_weights": True}, ""),
    ],
)
def test_what_config_json_asks_and_vllm_does_otherwise(
    make_model: MakeModel, config: dict[str, Any], words: str
) -> None:
    found = said(make_model, config, tokenizer_class="GPT2Tokenizer")
    assert words in found if words else found == ""


@pytest.mark.parametrize(
    ("named", "last", "told"),
    [
        ("dot", "Pooling", "score by dot product"),
        ("dot", "Normalize", ""),
        ("euclidean", "Normalize", ""),
        ("manhattan", "Normalize", "score by Manhattan distance"),
        ("cosine", "Pooling", ""),
        ("ours", "Pooling", ""),
        (None, "Pooling", ""),
    ],
)
def test_scores_that_order_texts_otherwise_than_cosines(
    make_model: MakeModel, named: str | None, last: str, told: str
) -> None:
    modules = [{"path": f"{at}", "type": f"sentence_transformers.models.{kind}"}
               for at, kind in enumerate(("Transformer", "Pooling", last))]  # fmt: skip
    config = {"similarity_fn_name": named}
    info = describe(make_model(modules_json=modules, config_sentence_transformers_json=config))
    found = [line for line in notes(info) if "score by" in line]
    assert (told in found[0]) if told else found == []
