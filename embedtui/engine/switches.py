"""The table of switches: the only list of them, and of what each means to vLLM.

Parsing, help, refusals, the engine, its proof, the command to serve with and the screens read it.
"""

from __future__ import annotations

from embedtui.common.machine import Device
from embedtui.engine import refusals
from embedtui.engine.body_fields import read_fields
from embedtui.engine.switch import ON_OFF, Argument, Flag, Switch, Variable

_ON_OFF_WORDS = {"true": "on", "false": "off", "1": "on", "0": "off", "yes": "on", "no": "off"}
_ONEDNN_ISA = {
    "avx2": "AVX2",
    "avx512": "AVX512_CORE",
    "avx512_vnni": "AVX512_CORE_VNNI",
    "avx512_bf16": "AVX512_CORE_BF16",
}
_NO_WIRE = "nothing is sent to an engine on this machine"
_CPU_IGNORES = "vLLM's CPU backend ignores it without a word"
_NOT_ALL_TOKENS = "where not every token is in the step"


def _cost_of_dtype(value: str, device: Device) -> int:
    fast = ("float16", "bfloat16") if device == "cuda" else ("bfloat16", "float32")
    return 0 if value in fast else 2


SWITCHES = (
    Switch(
        "dtype",
        "auto",
        "precision of weights and activations; auto is vLLM's choice "
        "(float16 for an embedding model stored in float32)",
        ("auto", "float16", "bfloat16", "float32"),
        {
            "half": "float16",
            "fp16": "float16",
            "f16": "float16",
            "bf16": "bfloat16",
            "fp32": "float32",
            "f32": "float32",
            "float": "float32",
        },
        engine_arg=Argument("dtype", always=True),
        serve_flag=Flag("--dtype", always=True),
        cost=_cost_of_dtype,
    ),
    Switch(
        "execution",
        "eager",
        "eager runs each step with the shapes it has; compiled lets torch.compile fuse kernels "
        "and, on a GPU, pads small steps to a captured CUDA graph",
        ("eager", "compiled"),
        engine_arg=Argument("enforce_eager", lambda value: value == "eager", always=True),
        serve_flag=Flag("--enforce-eager", alone_for="eager"),
        hides_layers="in a compiled model, which has none",
        cost=lambda value, _: 1000 * (value == "compiled"),  # longer than most runs
    ),
    Switch(
        "pooling_accumulation",
        "float32",
        "where mean pooling adds up: float32 is today's vLLM; model puts back the old running sum "
        "over the whole batch in the model's dtype",
        ("float32", "model"),
        short_label="old pooling",
        what_if=True,
    ),
    Switch(
        "threads",
        None,
        "CPU threads of the engine; with one, bfloat16's batch drift hides",
        devices=("cpu",),
        refusal="the arithmetic runs on the GPU",
        short_label="threads {}",
        env=(Variable("VLLM_CPU_OMP_THREADS_BIND", lambda count: f"0-{count - 1}", ("server",)),),
        proved_on=("cpu",),
    ),
    Switch(
        "cpu_isa",
        "auto",
        "instructions that oneDNN may use: auto is all that the CPU has, a lesser set shows what "
        "a CPU with no more than that computes",
        ("auto", "avx2", "avx512", "avx512_vnni", "avx512_bf16"),
        devices=("cpu",),
        refusal="the arithmetic runs on the GPU",
        refuse=refusals.cpu_isa,
        # oneDNN reads it at its first primitive.
        env=(
            Variable(
                "ONEDNN_MAX_CPU_ISA",
                _ONEDNN_ISA.__getitem__,
                where=("engine",),
                rivals=("DNNL_MAX_CPU_ISA",),
            ),
        ),
        what_if=True,
        proved_on=("cpu",),
    ),
    Switch(
        "max_num_batched_tokens",
        None,
        "tokens that one step may hold; auto makes room for the largest batch, "
        "a smaller figure lets vLLM split batches, as a server would",
        short_label="{} tokens a step",
        engine_arg=Argument("max_num_batched_tokens"),
        serve_flag=Flag("--max-num-batched-tokens"),
        read_back="scheduler_config.max_num_batched_tokens",
    ),
    Switch(
        "matmul_precision",
        "highest",
        "float32 matrix products of torch: highest is IEEE float32, high is TF32, medium bfloat16",
        ("highest", "high", "medium"),
        {"ieee": "highest", "tf32": "high"},
        devices=("cuda",),
        refusal=_CPU_IGNORES,
        short_label="matmul {}",
        env=(
            Variable(
                "VLLM_FLOAT32_MATMUL_PRECISION",
                always=True,
                rivals=("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
            ),
        ),
        proved_on=("cuda",),
    ),
    Switch(
        "kernel_precision",
        "default",
        "float32 products inside Triton kernels (attention, batch-invariant linear layers); "
        "default is Triton's own choice, TF32",
        ("default", "tf32", "tf32x3", "ieee"),
        devices=("cuda",),
        refusal="there are no Triton kernels on the CPU",
        short_label="{} kernels",
        env=(Variable("TRITON_F32_DEFAULT"),),
        proved_on=("cuda",),
    ),
    Switch(
        "batch_invariant",
        False,
        "vLLM's batch-invariant kernels: the same sums in the same order whatever the batch",
        ON_OFF,
        _ON_OFF_WORDS,
        devices=("cuda",),
        refusal=_CPU_IGNORES,
        short_label="invariant",
        env=(Variable("VLLM_BATCH_INVARIANT", lambda on: "1" if on else "0", always=True),),
        proved_on=("cuda",),
        cost=lambda on, _: int(on),
    ),
    Switch(
        "attention_backend",
        "auto",
        "the attention kernel; auto is vLLM's choice for model and dtype",
        ("auto", "flash_attn", "triton_attn", "flex_attention", "flashinfer"),
        devices=("cuda",),
        refusal=_CPU_IGNORES,
        engine_arg=Argument("attention_backend", str.upper),
        serve_flag=Flag("--attention-backend", str.upper),
        proved_on=("cuda",),
    ),
    Switch(
        "prefix_caching",
        False,
        "decoder models only: a text that begins like an earlier one takes over what was computed "
        "for that, so that its vector depends on what ran before",
        ON_OFF,
        _ON_OFF_WORDS,
        short_label="prefix cache",
        refuse_model=refusals.prefix_caching_of_model,
        engine_arg=Argument("enable_prefix_caching", always=True),
        serve_flag=Flag(
            "--enable-prefix-caching", alone_for=True, negation="--no-enable-prefix-caching"
        ),
        read_back="cache_config.enable_prefix_caching",
        hides_layers=_NOT_ALL_TOKENS,
    ),
    Switch(
        "chunked_prefill",
        False,
        "decoder models only: a text that does not fit a step is computed in pieces; "
        "max_num_batched_tokens says where it is cut",
        ON_OFF,
        _ON_OFF_WORDS,
        short_label="chunked",
        refuse_model=refusals.chunked_prefill_of_model,
        engine_arg=Argument("enable_chunked_prefill", always=True),
        serve_flag=Flag(
            "--enable-chunked-prefill", alone_for=True, negation="--no-enable-chunked-prefill"
        ),
        read_back="scheduler_config.enable_chunked_prefill",
        hides_layers=_NOT_ALL_TOKENS,
    ),
    Switch(
        "quantization",
        "none",
        "weights rounded to 8 bits while they are loaded, and with them what they are multiplied "
        "with: faster on a GPU that can, and the largest error of all switches",
        ("none", "fp8", "fp8_per_channel", "fp8_per_block", "mxfp8"),
        refuse=refusals.quantization,
        engine_arg=Argument("quantization"),
        serve_flag=Flag("--quantization"),
    ),
    Switch(
        "dimensions",
        None,
        "length of the embedding, for models that were trained to be cut short (Matryoshka); "
        "auto is the whole vector",
        devices=("cpu", "cuda", "server"),
        short_label="{} dimensions",
        refuse_model=refusals.dimensions_of_model,
        per_request=True,
        fact="width",
        proved_on=("cpu", "cuda", "server"),
    ),
    Switch(
        "tensor_parallel",
        1,
        "processes, or GPUs, that share each matrix product; every count adds up in another order",
        short_label="{} in parallel",
        refuse=refusals.tensor_parallel,
        refuse_model=refusals.tensor_parallel_of_model,
        engine_arg=Argument("tensor_parallel_size", always=True),
        serve_flag=Flag("--tensor-parallel-size"),
        read_back="parallel_config.tensor_parallel_size",
        hides_layers="in another process",
        cost=lambda count, _: 10 * count,
    ),
    Switch(
        "model_runner",
        "auto",
        "which of vLLM's two model runners makes the steps: v2 needs Triton, and may order the "
        "texts of a batch by length; auto is vLLM's choice for model and device",
        ("auto", "v1", "v2"),
        short_label="runner {}",
        refuse=refusals.model_runner,
        env=(Variable("VLLM_USE_V2_MODEL_RUNNER", {"v1": "0", "v2": "1"}.__getitem__),),
    ),
    Switch(
        "requests",
        "list",
        "how N texts are sent to a server: as the list of one request, or as N requests of one "
        "text at once, from which the server makes batches of what arrives together",
        ("list", "concurrent"),
        devices=("server",),
        refusal=_NO_WIRE,
        per_request=True,
        proved_on=(),
        unproved="embedtui sends the requests itself, and a server does not tell its steps of each",
    ),
    Switch(
        "encoding",
        "float",
        "how a server writes vectors: as decimals in JSON, or as the bytes of float32 in base64",
        ("float", "base64"),
        devices=("server",),
        refusal=_NO_WIRE,
        per_request=True,
        proved_on=(),
        unproved="every vector is read in the way in which the server wrote it",
    ),
    Switch(
        "body",
        None,
        "further fields of each request, which some servers want: input_type:query, and + between "
        "several; auto is none",
        read=read_fields,
        devices=("server",),
        refusal=_NO_WIRE,
        per_request=True,
        proved_on=(),
        unproved="what a server makes of a field it does not tell",
    ),
)
"""Every switch, dtype first; a key is a field of `SwitchValues`."""
