"""Which studies are told that lanes gain them nothing: by the source of their model, before any engine is imported."""

import subprocess
import sys

import pytest

from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.config.study import Study
from batchwise.execution import engine_notes

CONVOLUTIONS = {"alexnet_small", "centernet_small", "cnn", "resnet", "resnet50", "text_cnn", "yolo_small"}
RECURRENT = {"gru", "language_model", "lstm"}


def study(model: dict, batch_sizes=(4, 64), **engine) -> Study:
    return Study.model_validate(
        {
            "data_set": "digits",
            "model": model,
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": 1},
            "learning_rate_scaling": "none",
            "grid": {"batch_sizes": [*batch_sizes], "base_learning_rates": [0.1], "seeds": 1},
            **engine,
        }
    )


CNN, LSTM = {"name": "cnn", "channels": 2, "normalization": "none"}, {"name": "lstm"}
LSTM |= {"vocabulary": 8, "embedding_units": 2, "units": 2}


@pytest.mark.parametrize("name", plugins.names("models"))
def test_what_a_model_is_made_of_is_read_off_its_source(name) -> None:
    names = [*engine_notes._names(name)]
    assert any(map(engine_notes.CONVOLUTIONS.fullmatch, names)) == (name in CONVOLUTIONS)
    assert any(map(engine_notes.RECURRENT.fullmatch, names)) == (name in RECURRENT)


@pytest.mark.parametrize(
    ("source", "is_told"),
    [
        ("keras.layers.Conv2D(8, 3)(inputs)", True),
        ("keras.layers.SeparableConv1D(8, 3)(inputs)", True),
        ("keras.applications.MobileNetV2(weights=None)(inputs)", True),
        ("keras.layers.Dense(8)(inputs)  # no Conv2D", False),
    ],
)
def test_so_is_a_model_of_your_own(tmp_path, monkeypatch, source, is_told) -> None:
    folder = tmp_path / "batchwise/models"
    folder.mkdir(parents=True)
    (folder / "cnn.py").write_text(f"import keras\n\n\ndef build(inputs):\n    return {source}\n", encoding="utf-8")
    monkeypatch.setattr(engine_notes, "ROOT", tmp_path)
    monkeypatch.setattr(engine_notes.source_closure, "ROOT", tmp_path)
    assert bool(engine_notes.notes(study(CNN, engine="jax"), on_gpu=False)) == is_told


def test_one_sentence_says_what_to_do_where_lanes_gain_nothing() -> None:
    (told,) = engine_notes.notes(study(CNN, engine="jax"), on_gpu=False)
    assert told.startswith("the model cnn has convolutions") and "`engine: tensorflow`, or `lanes: 1`" in told
    assert "may go on" in told
    (told,) = engine_notes.notes(study(LSTM, engine="jax"), on_gpu=False)
    assert told.startswith("the model lstm is recurrent") and "m of 64" in told


@pytest.mark.parametrize(
    ("asked", "on_gpu"),
    [
        (study(CNN), False),
        (study(CNN, engine="jax"), True),
        (study(CNN, engine="jax", lanes=1), False),
        (study(LSTM, (4, 32), engine="jax"), False),  # it gains there
        (study({"name": "mlp", "hidden_units": [8]}, engine="jax"), False),
    ],
)
def test_others_are_told_nothing(asked, on_gpu) -> None:
    assert engine_notes.notes(asked, on_gpu=on_gpu) == []


def test_check_tells_without_an_engine(tmp_path) -> None:
    """And refuses nothing."""
    (tmp_path / "params.yaml").write_text(
        "data_sets: { digits: { test_rows: 297, validation_rows: 300, seed: 0 } }\n"
        f"studies: {{ mine: {study(CNN, engine='jax').model_dump_json(exclude_defaults=True)} }}\n",
        encoding="utf-8",
    )
    script = (
        "import sys; from batchwise.commands import check; status = check.run(None); "
        "print(status, {'keras', 'tensorflow', 'jax'} & {*sys.modules})"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert printed[0] == "params.yaml is valid: mine" and printed[1].startswith("note: mine: the model cnn has conv")
    assert printed[2:] == ["0 set()"]
