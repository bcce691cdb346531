from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from embedtui.models.servable import servable

REGISTRY = """
import torch.nn as nn  # never imported
_TEXT_GENERATION_MODELS: dict = {
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
    "TwinForCausalLM": ("llama", "LlamaForCausalLM"),
    "Qwen3ForCausalLM": ("qwen3", "Qwen3ForCausalLM"),
}
_EMBEDDING_MODELS = {
    "BertModel": ("bert", "BertEmbeddingModel"),
    "ChildModel": ("child", "Child"),
    "LlamaModel": ("llama", "LlamaForCausalLM"),
    "OddModel": make("odd"),
    **{
        k: (mod, arch)
        for k, (mod, arch) in _TEXT_GENERATION_MODELS.items()
        if arch == "LlamaForCausalLM"
    },
    **unknown(),
}
_MULTIMODAL_MODELS = {**_MISSING, "SeeingModel": ("seeing", "Seeing")}
"""
BERT_PY = """
@attn_type("encoder_only")
@default_pooling_type(seq_pooling_type="CLS")
class BertEmbeddingModel(nn.Module): ...
"""
CHILD_PY = """
from .bert import BertEmbeddingModel
class Middle(Mixin, BertEmbeddingModel): ...
class Child(Middle): ...
"""


@pytest.fixture
def small_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for a vLLM with few models and without most of the tables."""
    models = tmp_path / "vllm" / "model_executor" / "models"
    models.mkdir(parents=True)
    (models / "registry.py").write_text(REGISTRY)
    (models / "bert.py").write_text(BERT_PY)
    (models / "child.py").write_text(CHILD_PY)
    use(tmp_path / "vllm", monkeypatch)
    return models


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)


@pytest.mark.parametrize(
    ("architecture", "pooling"),
    [
        ("BertModel", "cls"),
        ("XLMRobertaModel", "cls"),
        ("ModernBertModel", "cls"),
        ("NomicBertModel", "cls"),  # decorated on its base class alone
        ("Qwen2Model", "last"),
        ("Gemma3TextModel", "last"),
    ],
)
def test_the_installed_vllm_embeds(architecture: str, pooling: str) -> None:
    verdict = servable(architecture, None)
    assert (verdict.embeds, verdict.reason) == ("yes", "an embedding model")
    assert verdict.pooling == pooling


@pytest.mark.parametrize(
    "architecture", ["Qwen3ForCausalLM", "LlamaForCausalLM", "GPT2LMHeadModel", "Qwen3Model"]
)
def test_generators_are_converted(architecture: str) -> None:
    verdict = servable(architecture, None)
    assert verdict.embeds == "yes"
    assert verdict.reason == "a text generator; vLLM converts it, pooling the last token"
    assert verdict.pooling == "last"
    assert "as the model's files say" in servable(architecture, None, "mean").reason


@pytest.mark.parametrize(
    ("architecture", "why"),
    [
        ("BertForSequenceClassification", "is a classifier"),
        ("DebertaV2ForSequenceClassification", "is a classifier"),  # unlisted
        ("BertForTokenClassification", "is a token classifier"),
        ("Qwen2ForRewardModel", "is a reward model"),
        ("HF_ColBERT", "one vector per token"),
        ("ColPaliForRetrieval", "one vector per token"),  # listed as an embedding model too
        ("Qwen2VLForConditionalGeneration", "multimodal"),  # likewise
        ("BertForMaskedLM", "vocabulary scores"),
        ("Terratorch", "images"),
        ("MPNetModel", "not supported by vLLM"),
    ],
)
def test_what_gives_no_embeddings_is_refused(architecture: str, why: str) -> None:
    verdict = servable(architecture, None)
    assert verdict.embeds == "no"
    assert why in verdict.reason
    assert verdict.reason.startswith(architecture)


def test_the_unlisted_is_unknown() -> None:
    verdict = servable("DistilBertModel", "distilbert")
    assert verdict.embeds == "unknown"
    assert "Transformers" in verdict.reason
    assert "\x1b" not in servable("Evil\x1b[2JModel", None).reason


@pytest.mark.parametrize(
    ("model_type", "embeds"),
    [
        ("bert", "yes"),
        ("xlm-roberta", "yes"),
        ("nomic_bert", "yes"),
        ("qwen3", "yes"),
        ("mpnet", "no"),
        ("never-heard-of", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_model_type_stands_in_for_the_architecture(model_type: str | None, embeds: str) -> None:
    assert servable(None, model_type).embeds == embeds


@pytest.mark.usefixtures("no_package")
def test_without_vllm_it_is_unknown() -> None:
    verdict = servable("BertModel", "bert")
    assert verdict.embeds == "unknown"
    assert verdict.reason.startswith("vLLM is not installed: pip install 'embedtui[cpu]'")


@pytest.mark.usefixtures("small_vllm")
def test_tables_are_evaluated_without_running_them() -> None:
    assert servable("BertModel", None).pooling == "cls"
    assert servable("ChildModel", None).pooling == "cls"
    assert servable("TwinForCausalLM", None).embeds == "yes"
    assert servable("Qwen3ForCausalLM", None).embeds == "yes"
    assert servable("SeeingModel", None).embeds == "no"
    assert servable("OddModel", None) == servable("LlamaModel", None)
    assert servable("LlamaModel", None).pooling is None  # its module is not there
    assert servable("BertForSequenceClassification", None).embeds == "no"


@pytest.mark.parametrize("registry", [None, "def broken(", "x = 1", "\0"])
def test_an_unreadable_registry_is_unknown(
    registry: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "vllm" / "model_executor" / "models"
    models.mkdir(parents=True)
    if registry is not None:
        (models / "registry.py").write_text(registry)
    use(tmp_path / "vllm", monkeypatch)
    verdict = servable("BertModel", None)
    assert verdict.embeds == "unknown"
    assert "cannot be read" in verdict.reason
