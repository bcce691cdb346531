"""The command to serve with says what was measured, and nothing that was not."""

from __future__ import annotations

import shlex

import pytest

from embedtui.engine.serve_command import serve_command
from embedtui.engine.settings import SWITCHES, Setting


def test_the_plain_setting_is_served_eagerly_with_the_batch_that_was_measured() -> None:
    command = serve_command(Setting("org/model", "float32"), 64)
    assert command == (
        "vllm serve org/model --runner pooling --dtype float32 --max-num-seqs 64 --enforce-eager"
    )


def test_switches_of_the_environment_come_before_the_command() -> None:
    setting = Setting(
        "org/model",
        "float32",
        execution="compiled",
        kernel_precision="ieee",
        batch_invariant=True,
        attention_backend="flex_attention",
        matmul_precision="high",
        max_num_batched_tokens=512,
    )
    words = shlex.split(serve_command(setting, 8) or "")
    place = words.index("vllm")
    assert set(words[:place]) == {
        "VLLM_FLOAT32_MATMUL_PRECISION=high",
        "TRITON_F32_DEFAULT=ieee",
        "VLLM_BATCH_INVARIANT=1",
    }
    assert "--enforce-eager" not in words
    assert words[words.index("--attention-backend") + 1] == "FLEX_ATTENTION"
    assert words[words.index("--max-num-batched-tokens") + 1] == "512"


def test_a_folder_with_spaces_is_quoted() -> None:
    command = serve_command(Setting("/my models/é", "float16"), 2) or ""
    assert shlex.split(command)[2] == "/my models/é"


@pytest.mark.parametrize("what_if", [{"pooling_accumulation": "model"}, {"cpu_isa": "avx2"}])
def test_a_what_if_cannot_be_served(what_if: dict[str, str]) -> None:
    assert serve_command(Setting("m", "float32", **what_if), 2) is None  # type: ignore[arg-type]


def test_a_brief_name_tells_settings_apart_as_the_long_one_does() -> None:
    for switch in SWITCHES:
        free = ("a:1", "a:2") if switch.key == "body" else ("1", "2")
        values = switch.choices or free
        made = [Setting("m", **{switch.key: switch.parse(value)}) for value in values]
        assert len({one.short_label for one in made}) == len({one.label for one in made})
    assert (
        Setting("m", "bfloat16", pooling_accumulation="model").short_label
        == "bfloat16 · old pooling"
    )
