"""All that touches vLLM's insides, a module for each thing that is asked of it.

Written against vLLM 0.26 to 0.33; what is asked of them is listed in tests/engine/test_contact.py.
Imported only in the host and in engine processes.
"""
