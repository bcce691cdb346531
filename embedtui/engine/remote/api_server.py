"""vLLM's own OpenAI server, run as `python -m embedtui.engine.remote.api_server ARGUMENTS`.

`vllm serve` of the CPU build fails (it asks for the version of a package called vllm), the module
that it would run does not. Packages that break transformers are hidden first, here and in every
process that vLLM spawns: such a process imports this module again before it does anything.
"""

from __future__ import annotations

import runpy
import sys

from embedtui.engine.vllm_adapter import companions, startup

_MODULE = "vllm.entrypoints.openai.api_server"

companions.hide_broken_companions()
if any(sys.modules.get(name, companions) is None for name in companions.COMPANIONS):
    # vLLM would look at the model's class in a process that knows nothing of this.
    startup.inspect_models_here()

if __name__ == "__main__":
    runpy.run_module(_MODULE, run_name="__main__")
