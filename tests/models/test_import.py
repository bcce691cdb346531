from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "vllm", "transformers", "sentence_transformers", "huggingface_hub", "numpy")
SCRIPT = f"""
import sys
import embedtui.models
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
info = embedtui.models.resolve("minilm")
embedtui.models.servable("NomicBertModel", None)
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
embedtui.models.find_models()
loaded = [name for name in {HEAVY!r} if name in sys.modules and name != "huggingface_hub"]
assert not loaded, loaded
"""


def test_looking_at_models_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
