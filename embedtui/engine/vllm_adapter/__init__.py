"""All that touches vLLM's insides, a module for each thing that is asked of it.

Written against vLLM 0.26 to 0.33; tests/engine/test_vllm_source.py lists what is asked of them.
Imported only in the host and in engine processes.
"""
