"""What vLLM will make otherwise than a model's files ask is told before a run, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from embedtui.common.errors import InputError
from embedtui.models import describe
from embedtui.models.preflight import notes
from embedtui.run.reference_stage import own_pooling
from tests.fakes import pack, plan

from .conftest import BERT, MakeModel

TANH, IDENTITY, MISH = (
    f"torch.nn.modules.{place}"
    for place in ("activation.Tanh", "linear.Identity", "activation.Mish")
)
DENSE = {"activation_function": TANH, "bias": True}
BENT_BEFORE = "the model's files normalise before a Dense layer, vLLM only at the end"

Notes = Callable[..., list[str]]


@pytest.fixture
def notes_on(make_model: MakeModel) -> Notes:
    def said(*kinds: str, weights: bool = True, **dense: object) -> list[str]:
        """Return the notes on a mean-pooled model of these further modules."""
        types = ("Transformer", "Pooling", *kinds)
        places = ["", *(f"{at}_{kind}" for at, kind in enumerate(types[1:], 1))]
        files: dict[str, object] = {
            "modules_json": [
                {"path": place, "type": f"sentence_transformers.models.{kind}"}
                for place, kind in zip(places, types, strict=True)
            ],
            "1_Pooling__config_json": {"pooling_mode": "mean"},
        }
        dense_places = [place for place in places if place.endswith("Dense")]
        files |= {f"{place}__config_json": {**DENSE, **dense} for place in dense_places}
        folder = make_model(**files)
        for place in dense_places if weights else ():
            (folder / place / "model.safetensors").touch()
        return notes(describe(folder))

    return said


@pytest.mark.parametrize(
    "kinds",
    [(), ("Normalize",), ("Dense",), ("Dense", "Normalize"), ("Dense", "Dense", "Normalize")],
)
def test_what_vllm_does_as_the_files_ask_needs_no_word(
    notes_on: Notes, kinds: tuple[str, ...]
) -> None:
    assert notes_on(*kinds) == []


@pytest.mark.parametrize("activation", [TANH, IDENTITY, "torch.nn.modules.activation.GELU"])
def test_activations_that_vllm_has_need_no_word(notes_on: Notes, activation: str) -> None:
    assert notes_on("Dense", activation_function=activation) == []


@pytest.mark.parametrize(
    ("dense", "line"),
    [
        (
            {"activation_function": MISH},
            "vLLM does not know Mish, the activation of 2_Dense: no Dense layer is left",
        ),
        (
            {"activation_function": "ours.\x1b[2JBend"},
            "vLLM does not know �[2JBend, the activation of 2_Dense: no Dense layer is left",
        ),
        (
            {"activation_function": None},
            "2_Dense names no activation: vLLM applies none, the model's own code tanh",
        ),
        ({"use_residual": True}, "2_Dense adds its input to its output, vLLM does not"),
        (
            {"module_input_name": "token_embeddings"},
            "2_Dense stands before the pooling, vLLM applies it behind",
        ),
        ({"weights": False}, "2_Dense has no weights: vLLM leaves that Dense layer out"),
    ],
)
def test_a_dense_layer_that_vllm_makes_otherwise(
    notes_on: Notes, dense: dict[str, object], line: str
) -> None:
    (said,) = notes_on("Dense", "Normalize", **dense)
    assert said.replace("\ufffd", "") == line.replace("\ufffd", "")


@pytest.mark.parametrize(
    ("dense", "line"),
    [
        ({}, [BENT_BEFORE]),
        ({"activation_function": IDENTITY}, [BENT_BEFORE]),
        ({"activation_function": IDENTITY, "bias": False}, []),
    ],
)
def test_a_normalisation_before_a_dense_layer_matters_where_that_is_no_matrix_alone(
    notes_on: Notes, dense: dict[str, object], line: list[str]
) -> None:
    assert notes_on("Normalize", "Dense", **dense) == line


def test_a_module_that_vllm_leaves_out(notes_on: Notes) -> None:
    line = "vLLM leaves out LayerNorm, which the model's files ask for"
    assert notes_on("LayerNorm", "Normalize") == [line]


@pytest.mark.parametrize("default", ["query", None, "other"])
def test_a_prompt_that_the_models_own_pipeline_puts_before_every_text(
    make_model: MakeModel, default: str | None
) -> None:
    prompts = {"prompts": {"query": "query: ", "empty": ""}, "default_prompt_name": default}
    info = describe(make_model(config_sentence_transformers_json=prompts))
    line = (
        "the model's own pipeline puts its prompt 'query' before every text, vLLM does not: "
        "--prompt query puts it"
    )
    assert [one for one in notes(info) if "prompt" in one] == ([line] if default == "query" else [])


def test_a_model_whose_files_are_silent_on_pooling(make_model: MakeModel) -> None:
    line = (
        "no file says how the model pools: vLLM takes its default, cls, sentence-transformers "
        "the mean"
    )
    assert notes(describe(make_model())) == [line]


def test_every_pooling_turned_off(make_model: MakeModel) -> None:
    pooling = {"pooling_mode_mean_tokens": False}
    types = [{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    info = describe(make_model(modules_json=types, **{"1_Pooling__config_json": pooling}))
    assert info.differs == (
        "the model's files turn every pooling off, vLLM pools by its default, cls",
    )


class TestTheReferenceOfAServerPools:
    """By the model's own files, whatever the server says of itself."""

    def pooling(self, make_model: MakeModel, **files: object) -> str:
        one = plan(pack("a"), sizes=(1,))
        return own_pooling(replace(one, against=str(make_model(**files))))

    def test_as_its_files_say(self, make_model: MakeModel) -> None:
        types = [{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
        pooling = {"pooling_mode": "lasttoken"}
        files = {"modules_json": types, "1_Pooling__config_json": pooling}
        assert self.pooling(make_model, **files) == "last"

    def test_as_vllm_does_where_they_are_silent(self, make_model: MakeModel) -> None:
        assert self.pooling(make_model) == "cls"

    def test_in_no_way_where_nobody_knows(self, make_model: MakeModel) -> None:
        unknown = BERT | {"architectures": ["NeverHeardOf"], "model_type": "never-heard-of"}
        with pytest.raises(InputError, match="do not say how it pools"):
            self.pooling(make_model, config=unknown)
