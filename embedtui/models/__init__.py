"""Which models there are, what they are, and whether vLLM can embed with them; nothing is loaded.

Neither torch nor vLLM is ever imported here, and only `fetch` asks the network.
"""

from embedtui.models.describe import describe
from embedtui.models.fetch import fetch
from embedtui.models.find import ALIASES, find_models, resolve
from embedtui.models.identity import model_hash
from embedtui.models.info import (
    FROM_CONFIG,
    FROM_SENTENCE_TRANSFORMERS,
    FROM_VLLM,
    Embeds,
    ModelInfo,
    require_embeddable,
)
from embedtui.models.make import has_random_name, make, shape_of
from embedtui.models.preflight import notes
from embedtui.models.prompts import prompt_text, prompts_for
from embedtui.models.servable import Verdict, servable

__all__ = [
    "ALIASES",
    "FROM_CONFIG",
    "FROM_SENTENCE_TRANSFORMERS",
    "FROM_VLLM",
    "Embeds",
    "ModelInfo",
    "Verdict",
    "describe",
    "fetch",
    "find_models",
    "has_random_name",
    "make",
    "model_hash",
    "notes",
    "prompt_text",
    "prompts_for",
    "require_embeddable",
    "resolve",
    "servable",
    "shape_of",
]
