"""The reference: sentence-transformers in float64 on the same weights, one text at a time.

It is an implementation that shares nothing with vLLM's but the files: its own model code, the
model's own pooling, no batching. Its own error, 1e-15, is far below whatever it judges.
"""

from __future__ import annotations

import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from embedtui.engine.messages import (
    CancelWork,
    Failed,
    JudgeLayers,
    LayersResumed,
    MatchVariants,
    OpenLayers,
    Quit,
    Reference,
    ReferenceDone,
    ResumeLayers,
    Stage,
    WorkDone,
)
from embedtui.engine.reference_layers import ReferenceLayers
from embedtui.engine.variants import Pipeline, match
from embedtui.engine.vllm_adapter.reasons import first_line


def serve(client: Connection) -> None:
    """Answer the client until it quits or goes away."""
    layers: ReferenceLayers | None = None
    while True:
        request = client.recv()
        if isinstance(request, Quit):
            return
        try:
            match request:
                case Reference():
                    _compute(client, request)
                case MatchVariants():
                    model = _opened(client, request.reference)
                    client.send(Stage("float64 variants of the model's pipeline"))
                    client.send(match(Pipeline(model, run_in_float64), request))
                case OpenLayers(reference=Reference() as reference):
                    layers = _layers(client, reference)
                    client.send(layers.found)
                case JudgeLayers() if layers:
                    client.send(layers.judge(request))
                case ResumeLayers() if layers:
                    found = layers.resume(request.text, request.start, request.state, request.stop)
                    client.send(LayersResumed(found))
                case CancelWork():
                    pass  # came after the work it was meant for had ended
                case _:  # unanswered, the client would wait for ever
                    name = type(request).__name__
                    client.send(Failed("engine", f"the float64 model cannot be asked for {name}"))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever transformers raises is told in one line
            traceback.print_exc()
            reason = f"{type(error).__name__}: {first_line(error)}"
            client.send(Failed("engine", f"no float64 reference: {reason}"))


def _compute(client: Connection, request: Reference) -> None:
    model = _opened(client, request)
    client.send(Stage(f"float64 reference of {len(request.rows)} texts"))
    for row, text in zip(request.rows, request.texts, strict=True):
        if client.poll(0):
            waiting = client.recv()
            if isinstance(waiting, Quit):
                raise EOFError
            client.send(WorkDone(cancelled=True))
            return
        tokens, vector = _forward(model, text)
        client.send(ReferenceDone(row, tokens, np.asarray(vector.cpu().numpy())))
    client.send(WorkDone())


def _layers(client: Connection, request: Reference) -> ReferenceLayers:
    model = _opened(client, request)
    return ReferenceLayers(model, lambda text: _forward(model, text)[1], request.texts[0])


def _opened(client: Connection, request: Reference) -> Any:
    client.send(Stage("importing sentence-transformers"))
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    client.send(Stage("loading weights in float64"))
    model = _load(SentenceTransformer, request)
    if request.max_length:
        model.max_seq_length = request.max_length
    return model.eval()


def _forward(model: Any, text: str) -> tuple[int, Any]:
    """Return a text's tokens and its vector, a tensor in float64."""
    import torch  # noqa: PLC0415

    features = {
        key: value.to(model.device) if hasattr(value, "to") else value
        for key, value in model.preprocess([text]).items()
    }
    tokens = int(features["input_ids"].shape[1])
    vector = run_in_float64(model, features)["sentence_embedding"][0]
    if vector.dtype != torch.float64:
        raise TypeError(f"the model computes in {vector.dtype}, not in float64")
    return tokens, vector


def run_in_float64(module: Any, features: Any) -> Any:
    """Return what a module, or the whole model, makes of its features, all in float64."""
    import torch  # noqa: PLC0415

    with torch.no_grad(), stay_wide():  # inference mode would hide casts from the mode
        return module(features)


def _load(sentence_transformer: Any, request: Reference) -> Any:
    import torch  # noqa: PLC0415

    began = time.monotonic()
    # config.json may name a narrower dtype than the weights have; loaded in that, they are rounded.
    exact = {"dtype": torch.float64}
    if (Path(request.model) / "modules.json").is_file():
        model = sentence_transformer(request.model, device=request.device, model_kwargs=exact)
    else:
        # Without modules.json sentence-transformers would pool by the mean whatever vLLM does.
        from sentence_transformers.sentence_transformer import modules  # noqa: PLC0415

        transformer = modules.Transformer(request.model, model_kwargs=exact)
        pooling = modules.Pooling(
            transformer.get_embedding_dimension(),
            pooling_mode={"last": "lasttoken"}.get(request.pooling, request.pooling),
        )
        model = sentence_transformer(modules=[transformer, pooling], device=request.device)
    model = model.to(torch.float64)
    if request.prompted and any(getattr(m, "include_prompt", True) is False for m in model):
        raise ValueError("the model leaves a prompt out of its pooling, which vLLM does not")
    print(f"embedtui: float64 weights after {time.monotonic() - began:.1f} s")  # noqa: T201
    return model


def stay_wide() -> Any:
    """Return a mode in which every cast to a float gives float64.

    Many models compute norms, softmax or positions in float32 on purpose, `x.float()`; in a
    float64 reference that would be the one place that rounds.
    """
    import torch  # noqa: PLC0415
    from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415

    class StayWide(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = dict(kwargs or {})
            asked = kwargs.get("dtype")
            if func is torch.ops.aten._to_copy.default and getattr(
                asked, "is_floating_point", False
            ):
                kwargs["dtype"] = torch.float64
            return func(*args, **kwargs)

    return StayWide()
