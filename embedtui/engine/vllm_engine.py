"""One engine process: a setting loaded by vLLM, batches run exactly as they were handed in."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from embedtui.common.errors import EngineError, InputError
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.layer_states import EngineLayers
from embedtui.engine.messages import (
    BatchDone,
    CancelWork,
    CompareLayers,
    Embed,
    Failed,
    LayersResumed,
    Load,
    Open,
    Opened,
    OpenLayers,
    Prepare,
    Prepared,
    Quit,
    Ready,
    ResumeLayers,
    SeeLayers,
    Stage,
    WorkDone,
)
from embedtui.engine.precision_probe import probe
from embedtui.engine.settings import Setting, refuse_for_model
from embedtui.engine.verify import verify_effective
from embedtui.engine.vllm_adapter import (
    apply,
    build,
    forward,
    model_config,
    read_back,
    reasons,
    startup,
    tokens,
)


def serve(client: Connection) -> None:
    """Answer the client until it quits or goes away."""
    engine = _Engine(client)
    answers: dict[type[Any], Callable[[Any], None]] = {
        Open: engine.open,
        Prepare: engine.prepare,
        Load: engine.load,
        Embed: engine.embed,
        OpenLayers: engine.open_layers,
        SeeLayers: engine.see_layers,
        CompareLayers: engine.compare_layers,
        ResumeLayers: engine.resume_layers,
        CancelWork: lambda _: None,  # came after the work it was meant for had ended
    }
    while True:
        request = client.recv()
        if isinstance(request, Quit):
            return
        try:
            answers[type(request)](request)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except InputError as error:
            traceback.print_exc()
            client.send(Failed("input", str(error)))
        except Exception as error:  # noqa: BLE001 - whatever vLLM raises is told in one line
            traceback.print_exc()
            client.send(Failed("engine", f"{type(error).__name__}: {reasons.first_line(error)}"))


class _Engine:
    def __init__(self, client: Connection) -> None:
        self._client = client
        self._setting: Setting
        self._config: Any = None
        self._tokenizer: Any = None
        self._llm: Any = None
        self._texts: tuple[str, ...] = ()
        self._prompts: list[list[int]] = []
        self._steps: list[tuple[int, int]] = []
        self._limit = 0
        self._layers: EngineLayers | None = None
        self._warmed: set[int] = set()
        self._on_gpu = False

    def open(self, request: Open) -> None:
        self._setting = request.setting
        if set("[]*?") & set(request.setting.model):
            raise InputError(
                "vLLM reads [ ] * ? in a path as a pattern: rename the model's folder, or link to "
                "it by another name"
            )
        apply.apply_switches(request.setting)
        startup.inspect_models_here()
        self._client.send(Stage("reading the model's configuration"))
        self._config = model_config.read_config(request.setting)
        refuse_for_model(request.setting, self._config)
        self._tokenizer = tokens.load_tokenizer(self._config)
        limit = int(self._config.max_model_len)
        self._limit = min(limit, request.max_length or limit)
        self._client.send(
            Opened(
                max_length=self._limit,
                vllm_max_length=limit,
                pooling=str(self._config.pooler_config.seq_pooling_type).lower(),
                kv_bytes_per_token=model_config.kv_bytes_per_token(self._config),
            )
        )

    def prepare(self, request: Prepare) -> None:
        limit = self._limit
        tokenizer, lower = self._tokenizer
        self._texts, self._prompts = request.texts, []
        truncated: dict[int, int] = {}
        refused: dict[int, str] = {}
        for row, found in enumerate(tokens.tokenize(tokenizer, lower, request.texts)):
            ids: list[int] = []
            if isinstance(found, str):
                refused[row] = f"the tokenizer cannot read it: {found}"
            elif not found:
                refused[row] = "it has no tokens"
            elif len(found) <= limit:
                ids = found
            elif request.too_long == "refuse":
                refused[row] = f"{len(found)} tokens are more than the model's {limit}"
            else:
                truncated[row] = len(found)
                ids = self._truncated(request.texts[row], limit)
            self._prompts.append(ids)
        counts = tuple(len(ids) for ids in self._prompts)
        if self._llm is not None:
            self._compare_tokenizers()
        self._client.send(Prepared(counts, truncated, refused))

    def load(self, request: Load) -> None:
        began = time.monotonic()
        self._client.send(Stage("building the engine"))
        startup.report_stages(lambda stage: self._client.send(Stage(stage)))
        per_token = model_config.kv_bytes_per_token(self._config)
        limit = int(self._config.max_model_len)
        if per_token:
            # A decoder's cache has to hold one text of the full length; most never come near it.
            limit = min(limit, request.longest)
        if request.token_budget < limit and not self._setting.chunked_prefill:
            raise InputError(
                f"max_num_batched_tokens={request.token_budget} is less than one text may have: "
                f"give at least {limit}"
            )
        self._llm = build.build(
            self._setting,
            largest_batch=request.largest_batch,
            token_budget=request.token_budget,
            max_model_len=limit if per_token else None,
            kv_bytes=request.kv_bytes,
            free_share=request.free_share,
        )
        if not build.supports_embedding(self._llm):
            raise InputError("vLLM loads this model, but it gives no embeddings: choose another")
        apply.change_model(self._setting, self._llm)
        self._steps = forward.record_steps(self._llm)
        self._client.send(Stage("first step"))
        self._compare_tokenizers()
        facts = read_back.read_effective(self._llm)
        facts |= {
            "max_length": self._limit,
            "vllm_max_length": int(self._config.max_model_len),
        }
        if self._setting.dimensions is not None:
            facts["width"] = int(self._run([min(filter(None, self._prompts), key=len)]).shape[1])
        effective = EffectiveConfig.from_dict(facts)
        self._on_gpu = effective.device == "cuda"
        self._warm_up(request.warm_up)
        verify_effective(self._setting, effective)
        probed = self._probe()
        seconds = round(time.monotonic() - began, 3)
        self._client.send(Ready(effective.merged(probed, load_seconds=seconds)))

    def embed(self, request: Embed) -> None:
        for job in request.jobs:
            if self._client.poll(0):
                waiting = self._client.recv()
                if isinstance(waiting, Quit):
                    raise EOFError
                self._client.send(WorkDone(cancelled=True))
                return
            prompts = [self._prompts[row] for row in job.rows]
            self._warm(prompts)
            self._steps.clear()
            began = time.perf_counter()
            vectors = self._run(prompts)
            seconds = time.perf_counter() - began
            self._client.send(BatchDone(job.number, vectors, tuple(self._steps), seconds))
        self._client.send(WorkDone())

    def open_layers(self, _: OpenLayers) -> None:
        prompt = min((ids for ids in self._prompts if ids), key=len)
        self._layers = EngineLayers(forward.model_of(self._llm), self._run, prompt)
        self._client.send(self._layers.found)

    def see_layers(self, request: SeeLayers) -> None:
        prompt = self._prompts[request.row]
        self._client.send(self._opened_layers().see(prompt, request.places))

    def compare_layers(self, request: CompareLayers) -> None:
        prompts = [self._prompts[row] for row in request.rows]
        self._client.send(self._opened_layers().compare(prompts, request.places, self._steps))

    def resume_layers(self, request: ResumeLayers) -> None:
        prompt = self._prompts[request.row]
        layers = self._opened_layers()
        found = layers.resume(prompt, request.start, request.state, request.stop)
        self._client.send(LayersResumed(found))

    def _opened_layers(self) -> EngineLayers:
        assert self._layers is not None, "asked for layers before they were found"
        return self._layers

    def _run(self, prompts: Sequence[list[int]]) -> Any:
        return forward.embed(self._llm, prompts, self._setting.dimensions)

    def _warm_up(self, sizes: Sequence[int]) -> None:
        """Take the first steps of these sizes while other engines load too."""
        prompts = [ids for ids in self._prompts if ids]
        for size in sizes:
            if size <= len(prompts):
                self._warm(prompts[:size])

    def _warm(self, prompts: list[list[int]]) -> None:
        """Run a batch once if none of its size was run.

        On a GPU the first step of a size compiles and tunes kernels; that is not its speed.
        """
        if self._on_gpu and len(prompts) not in self._warmed:
            self._warmed.add(len(prompts))
            forward.embed(self._llm, prompts)

    def _truncated(self, text: str, limit: int) -> list[int]:
        tokenizer, lower = self._tokenizer
        ids = tokenizer(text.lower() if lower else text, truncation=True, max_length=limit)
        return list(ids["input_ids"])

    def _compare_tokenizers(self) -> None:
        """Make sure that the ids made here are those that vLLM makes.

        A few texts are embedded from their words, which also is the engine's first step; if vLLM
        reads any of them differently, its own ids are taken for all texts.
        """
        limit = self._limit
        usable = [
            row
            for row, ids in enumerate(self._prompts)
            if ids and len(ids) < limit  # truncated ones: vLLM refuses the whole text
        ]
        by_length = sorted(usable, key=lambda row: len(self._prompts[row]))
        sample = {*by_length[:2], *by_length[-2:], *usable[:2]}
        theirs = {row: tokens.token_ids_of_vllm(self._llm, self._texts[row]) for row in sample}
        if all(ids in (None, self._prompts[row]) for row, ids in theirs.items()):
            return
        print("embedtui: vLLM reads these texts in its own way; its token ids are used")  # noqa: T201
        for row in usable:
            ids = tokens.token_ids_of_vllm(self._llm, self._texts[row])
            if ids is None:
                continue
            if len(ids) != len(self._prompts[row]):
                raise EngineError(
                    "vLLM and the model's tokenizer count tokens differently, "
                    f"{len(ids)} and {len(self._prompts[row])} for one text"
                )
            self._prompts[row] = ids

    def _probe(self) -> dict[str, Any]:
        """Measure the precision of the kernels in use, on a text of middling length."""
        self._client.send(Stage("probing the precision in force"))
        prompts = sorted((ids for ids in self._prompts if ids), key=len)
        ids = prompts[len(prompts) // 2]
        return probe(self._llm, lambda: forward.embed(self._llm, [ids]), len(ids))
