from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedtui.common.errors import InputError
from embedtui.models import (
    FROM_CONFIG,
    FROM_SENTENCE_TRANSFORMERS,
    FROM_VLLM,
    describe,
    require_embeddable,
    resolve,
)

from .conftest import BERT, WEIGHTS, MakeModel

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]


def test_the_real_minilm() -> None:
    info = resolve("minilm")
    assert info.folder is not None
    assert (info.ref, info.name, info.hub_id) == ("minilm", "all-MiniLM-L6-v2", None)
    assert (info.architecture, info.model_type) == ("BertModel", "bert")
    assert (info.layers, info.width, info.parameters) == (6, 384, 22_713_216)
    assert (info.pooling, info.pooling_source) == ("mean", FROM_SENTENCE_TRANSFORMERS)
    assert (info.dtype, info.max_length) == ("float32", 256)
    assert info.bytes_on_disk == (info.folder / "model.safetensors").stat().st_size
    assert info.has_tokenizer
    assert (info.embeds, info.reason) == ("yes", "an embedding model")
    require_embeddable(info)


def test_a_plain_encoder_pools_as_vllm_does(make_model: MakeModel) -> None:
    info = describe(make_model("plain"))
    assert (info.ref, info.name) == (str(info.folder), "plain")
    assert (info.pooling, info.pooling_source) == ("cls", FROM_VLLM)
    assert (info.layers, info.width, info.max_length, info.parameters) == (2, 8, 512, 32)
    assert hash(info) == hash(describe(info.folder or Path()))


@pytest.mark.parametrize(
    ("pooling", "name"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_cls_token": True, "include_prompt": True}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": "lasttoken"}, "last"),
    ],
)
def test_pooling_by_sentence_transformers(
    make_model: MakeModel, pooling: dict[str, object], name: str
) -> None:
    info = describe(make_model(modules_json=MODULES, **{"1_Pooling__config_json": pooling}))
    assert (info.pooling, info.pooling_source) == (name, FROM_SENTENCE_TRANSFORMERS)
    assert (info.embeds, info.reason) == ("yes", "an embedding model")


@pytest.mark.parametrize(
    ("pooling", "name"),
    [
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls+mean"),
        ({"pooling_mode": ["cls", "max"]}, "cls+max"),
    ],
)
def test_pooling_that_vllm_cannot_do_is_told(
    make_model: MakeModel, pooling: dict[str, object], name: str
) -> None:
    info = describe(make_model(modules_json=MODULES, **{"1_Pooling__config_json": pooling}))
    assert info.pooling == name
    does = "one of them alone" if "+" in name else "its default, cls"
    assert info.differs == (f"the model's files ask for {name} pooling, vLLM pools by {does}",)
    assert info.embeds == "yes"


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", "a/../../b", 3, None])
def test_a_module_path_does_not_lead_elsewhere(
    make_model: MakeModel, tmp_path: Path, path: object
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text('{"pooling_mode": "max"}')
    info = describe(make_model(modules_json=[{"type": "x.Pooling", "path": path}, "no object"]))
    assert (info.pooling, info.pooling_source) == ("cls", FROM_VLLM)


def test_a_bidirectional_llama_pools_as_its_config_says(make_model: MakeModel) -> None:
    config = BERT | {"architectures": ["LlamaBidirectionalModel"], "pooling": "avg"}
    info = describe(make_model(config=config))
    assert (info.pooling, info.pooling_source) == ("mean", FROM_CONFIG)


def test_a_generator_is_converted(make_model: MakeModel) -> None:
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "max_position_embeddings": 32768,
        "hidden_size": 8,
        "num_hidden_layers": 2,
    }
    tokenizer = {"model_max_length": 1024}
    info = describe(make_model(config=config, tokenizer_config_json=tokenizer))
    assert (info.embeds, info.pooling, info.pooling_source) == ("yes", "last", FROM_VLLM)
    assert "text generator" in info.reason
    assert info.max_length == 32768  # the tokenizer bounds absolute positions alone


def test_roberta_positions_begin_behind_the_padding(make_model: MakeModel) -> None:
    config = BERT | {
        "architectures": ["XLMRobertaModel"],
        "model_type": "xlm-roberta",
        "max_position_embeddings": 514,
        "pad_token_id": 1,
    }
    assert describe(make_model("a", config=config)).max_length == 512
    assert describe(make_model("b", config=config | {"pad_token_id": None})).max_length == 512
    rotary = config | {"position_embedding_type": "rotary", "max_position_embeddings": 8192}
    assert describe(make_model("c", config=rotary)).max_length == 8192


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({"tokenizer_config_json": {"model_max_length": 128}}, 128),
        ({"tokenizer_config_json": {"model_max_length": 1e30}}, 512),
        ({"sentence_bert_config_json": {"max_seq_length": 256}}, 256),
        ({"sentence_bert_config_json": {"max_seq_length": None}}, 512),
        ({"sentence_bert_config_json": {"max_seq_length": 9999}}, 512),
        ({"sentence_roberta_config_json": {"max_seq_length": True}}, 512),
    ],
)
def test_the_longest_input(make_model: MakeModel, files: dict[str, object], length: int) -> None:
    assert describe(make_model(**files)).max_length == length


def test_other_names_for_the_same_numbers(make_model: MakeModel) -> None:
    config = {"architectures": ["GPT2LMHeadModel"], "n_layer": 3, "n_embd": 16, "n_positions": 64}
    info = describe(make_model("gpt", config=config))
    assert (info.layers, info.width, info.max_length) == (3, 16, 64)
    nested = describe(make_model("nested", config={"text_config": BERT, "model_type": "x"}))
    assert (nested.layers, nested.width, nested.max_length) == (2, 8, 512)
    nonsense = describe(
        make_model("odd", config={"architectures": "Bert", "hidden_size": "8", "n_layer": -1})
    )
    assert (nonsense.architecture, nonsense.width, nonsense.layers) == (None, None, None)


def test_prompts_are_kept_as_they_are(make_model: MakeModel) -> None:
    prompts = {"query": "query: \n", "odd": 3}
    info = describe(make_model(config_sentence_transformers_json={"prompts": prompts}))
    assert info.prompts == {"query": "query: \n"}


def test_the_dtype_of_a_pickle_comes_from_the_config(make_model: MakeModel) -> None:
    folder = make_model(config=BERT | {"torch_dtype": "torch.bfloat16"})
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    info = describe(folder)
    assert (info.dtype, info.parameters, info.embeds) == ("bfloat16", None, "yes")


@pytest.mark.parametrize(
    ("architecture", "why"),
    [("MPNetModel", "not supported"), ("BertForSequenceClassification", "is a classifier")],
)
def test_an_architecture_that_cannot_embed(
    make_model: MakeModel, architecture: str, why: str
) -> None:
    info = describe(make_model(config=BERT | {"architectures": [architecture]}))
    assert info.embeds == "no"
    with pytest.raises(InputError, match=why):
        require_embeddable(info)


@pytest.mark.parametrize(
    "files",
    [
        ["vocab.txt"],
        ["sentencepiece.bpe.model"],
        ["spiece.model"],
        ["vocab.json", "merges.txt"],
        ["tekken.json"],
    ],
)
def test_every_kind_of_vocabulary_counts(make_model: MakeModel, files: list[str]) -> None:
    folder = make_model(tokenizer=False)
    for name in files:
        (folder / name).write_text("")
    info = describe(folder)
    assert info.has_tokenizer
    assert info.embeds == "yes"


def test_a_byte_tokenizer_needs_no_vocabulary(make_model: MakeModel) -> None:
    tokenizer = {"tokenizer_class": "ByT5Tokenizer"}
    assert describe(make_model(tokenizer=False, tokenizer_config_json=tokenizer)).has_tokenizer


@pytest.mark.parametrize("files", [[], ["vocab.json"], ["special_tokens_map.json"]])
def test_without_a_tokenizer_nothing_can_be_embedded(
    make_model: MakeModel, files: list[str]
) -> None:
    folder = make_model(tokenizer=False)
    for name in files:
        (folder / name).write_text("{}")
    info = describe(folder)
    assert (info.embeds, info.has_tokenizer) == ("no", False)
    assert "[UNK]" in info.reason
    assert "copy tokenizer.json and tokenizer_config.json" in info.reason


def test_without_weights_nothing_can_be_embedded(make_model: MakeModel) -> None:
    folder = make_model()
    (folder / "model.safetensors").unlink()
    info = describe(folder)
    assert info.embeds == "no"
    assert info.reason.startswith("no weights")


def test_truncated_weights(make_model: MakeModel) -> None:
    folder = make_model()
    (folder / "model.safetensors").write_bytes(WEIGHTS[:-5])
    info = describe(folder)
    assert info.embeds == "no"
    assert "model.safetensors is damaged" in info.reason


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe\xfd", b"[" * 100_000, b""])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_broken_json_is_told_in_one_line(make_model: MakeModel, name: str, content: bytes) -> None:
    folder = make_model("evil\x1b[2J\nname")
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match="is not") as caught:
        describe(folder)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_broken_modules_file(make_model: MakeModel) -> None:
    with pytest.raises(InputError, match="not a JSON list"):
        describe(make_model(modules_json={"a": 1}))


def test_a_folder_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        describe(tmp_path)
    (tmp_path / "config.json").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="link to a missing file"):
        describe(tmp_path)
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").mkdir()
    with pytest.raises(InputError, match="cannot read"):
        describe(tmp_path)


def test_a_lora_adapter_is_named_with_its_base(tmp_path: Path) -> None:
    said = {"peft_type": "LORA", "base_model_name_or_path": "org/base"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"it is a LoRA adapter of org/base: merge it"):
        describe(tmp_path)


def test_an_old_layout_says_where_its_transformer_is(make_model: MakeModel) -> None:
    inside = make_model("model/0_Transformer")
    above = inside.parent
    (above / "modules.json").write_text(
        json.dumps([MODULES[0] | {"path": inside.name}, MODULES[1]])
    )
    with pytest.raises(InputError, match="whose transformer is in 0_Transformer"):
        describe(above)
    (above / "1_Pooling").mkdir()
    (said,) = describe(inside).differs
    assert said.startswith("the folder is the transformer alone of the model above it: 1_Pooling")
    (above / "modules.json").write_text(json.dumps(MODULES))
    assert describe(inside).differs == ()


def test_what_the_caller_knows_is_kept(make_model: MakeModel) -> None:
    info = describe(make_model(), ref="r", hub_id="org/thing", revision="abc")
    assert (info.ref, info.name, info.hub_id, info.revision) == ("r", "thing", "org/thing", "abc")
    assert json.dumps(info.prompts) == "{}"
