"""What vLLM's own code of an architecture makes otherwise than config.json and the tokenizer ask.

Each rule is for what was seen with vLLM 0.32 on models of random weights
(`tests/engine/test_architectures.py`), since such a model runs and its vectors look well.
"""

from __future__ import annotations

from pathlib import Path

from embedtui.models import files

OFFSET_TYPES = {
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "mpnet",
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
"""Positions start behind the padding token's, so that the first of them are never used."""
_ENCODER_TYPES = {
    "bert",
    "camembert",
    "data2vec-text",
    "electra",
    "ernie",
    "roberta",
    "xlm-roberta",
}
_TYPES_ARE_WORDS = {"codegen", "gpt2", "gptj"}
"""Models whose own code adds the vector of word 0 to every token of type 0."""
_GIVE_TYPES = {
    "BertTokenizer",
    "CanineTokenizer",
    "ConvBertTokenizer",
    "DebertaTokenizer",
    "DebertaV2Tokenizer",
    "ElectraTokenizer",
    "FNetTokenizer",
    "MobileBertTokenizer",
}
"""Tokenizers that give token types unless their files say otherwise."""


def config_differences(folder: Path, config: dict[str, object], *, listed: bool) -> list[str]:
    """Return a plain line for each thing of config.json that vLLM does otherwise.

    `listed` says whether vLLM has code of its own for the architecture; else it runs the model
    through Transformers.
    """
    kind = config.get("model_type")
    said = []
    if kind in _TYPES_ARE_WORDS and _gives_token_types(folder):
        said.append(
            "the tokenizer gives token types, for which the model's own code adds the vector of "
            "word 0 to every token: vLLM leaves them out (drop token_type_ids from "
            "model_input_names in tokenizer_config.json)"
        )
    if kind == "gpt2" and config.get("scale_attn_weights") is False:
        said.append("config.json turns the scaling of attention off, vLLM scales")
    if kind in _ENCODER_TYPES and config.get("is_decoder") is True:
        said.append(
            "config.json has is_decoder: the model's own code hides from each token those behind "
            "it, vLLM does not"
        )
    positions = config.get("position_embedding_type")
    absolute = positions is None or positions == "absolute"
    # vLLM's Transformers backend knows such positions by "roberta" in the model's type.
    if kind in OFFSET_TYPES and "roberta" not in str(kind) and absolute and not listed:
        said.append(
            "the model's positions begin behind the padding token's, vLLM counts them from 0, so "
            "that every token has another one's position"
        )
    return said


def _gives_token_types(folder: Path) -> bool:
    tokenizer = files.read_object(folder / "tokenizer_config.json")
    names = tokenizer.get("model_input_names")
    if isinstance(names, list):
        return "token_type_ids" in names
    return str(tokenizer.get("tokenizer_class")).removesuffix("Fast") in _GIVE_TYPES
