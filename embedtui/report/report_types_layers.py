"""What the JSON report says of layers, as types; see `report_types`."""

from __future__ import annotations

from typing import Annotated, TypedDict, final


class StatesReport(TypedDict):
    """States at a place against others."""

    max: Annotated[float | None, "the largest of the texts, relative L2"]
    p50: Annotated[float | None, "the median"]
    ratio: Annotated[float | None, "of `p50` to the place before"]
    identical: Annotated[int, "how many texts are identical bit for bit"]
    texts: Annotated[int, "how many texts"]


class SiteReport(TypedDict):
    """A place in the model where a part of it ends."""

    part: Annotated[
        str,
        "`embeddings`, `attention`, `mlp`, `norm` for the final norm, `pooling`, or `layer` where "
        "attention and MLP cannot be told apart",
    ]
    layer: Annotated[int | None, "its layer, if it is in one"]
    name: Annotated[str, "both, for people"]
    error: Annotated[
        StatesReport | None,
        "of unbatched states against float64: relative L2 of a text's states, root mean square "
        "over its tokens",
    ]
    drift: Annotated[StatesReport | None, "likewise of batched ones against unbatched"]
    contribution: Annotated[
        float | None, "what this part alone moves the final vector, L2, median over texts"
    ]
    share: Annotated[
        float | None,
        "the part's projection on the error, mean over texts; all shares sum to 1, some may be "
        "below 0",
    ]


class LayerBatchReport(TypedDict):
    """The batch whose states were held against unbatched ones."""

    batch_size: Annotated[int, "as asked"]
    min: Annotated[int, "the fewest texts of a step"]
    max: Annotated[int, "the most texts of a step"]


class FewestLayersReport(TypedDict):
    """The fewest layers in float32 that do."""

    layers: Annotated[list[int], "their numbers"]
    predicted: Annotated[float, "the error with them in float32, L2"]
    measured: Annotated[float | None, "likewise; null if not tried"]
    all_sets_tried: Annotated[bool, "whether no smaller set can have been overlooked"]


class AllLayersReport(TypedDict):
    """Every layer in float32."""

    predicted: Annotated[float, "the error then, L2"]
    measured: Annotated[float | None, "likewise, where no fewer layers would do"]


@final
class NoLayersReport(TypedDict):
    """Layers that could not be looked into."""

    reason: Annotated[str, "why"]


@final
class LayersReport(TypedDict):
    """Error and drift layer by layer."""

    reason: Annotated[str, "why a part of it is missing; empty otherwise"]

    texts: Annotated[int, "texts held against float64"]
    batch: Annotated[
        LayerBatchReport | None,
        "`batch_size` as asked, and the `min` and `max` texts of a step; null if no batch was run",
    ]
    sites: Annotated[
        list[SiteReport], "in the order of the model, the last is `pooling`; see below"
    ]
    error: Annotated[float | None, "largest precision error of these texts, L2"]
    sum_gap: Annotated[
        float | None,
        "how far the sum of the parts is from the precision error that the run measured without "
        "looking, relative, the largest over texts",
    ]
    independence: Annotated[
        float | None,
        "the parts' squared lengths over the squared error, median over texts: 1 for parts that "
        "add like noise, above for such as cancel",
    ]
    one_exact: Annotated[
        list[float | None] | None,
        "by layer, the largest error with this layer alone computed exactly and all others by "
        "vLLM, measured",
    ]
    target: Annotated[float | None, "the error to come under"]
    float32: Annotated[
        FewestLayersReport | None,
        "the fewest `layers` whose float32 brings every text's error under `target`: `predicted`, "
        "`measured` (null if not tried), and whether `all_sets_tried`; null if none do",
    ]
    all_float32: Annotated[
        AllLayersReport | None,
        "the error with every layer in float32: `predicted`, and `measured` where no fewer layers "
        "would do",
    ]
    verdict: Annotated[str, "sentences for a person; do not parse them"]
