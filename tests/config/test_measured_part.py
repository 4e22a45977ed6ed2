"""The part of a study that decides time and memory: what it leaves out, and what it keeps."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.config import measured_part, study_files
from batchwise.config.study import Study

STUDY = {
    "data_set": "cifar10",
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "budget": {"epochs": 40},
    "learning_rate_scaling": "linear",
    "grid": {"batch_sizes": [4, 64], "base_learning_rates": [0.5], "seeds": 3},
}
BASE = measured_part.of_study(Study.model_validate(STUDY))
DECIDING = {
    "data_set": "fashion_mnist",
    "subset": {"train_rows": 100},
    "folds": 5,
    "model": {"name": "mlp", "hidden_units": [9]},
    "optimizer": {"name": "adam"},
    "weight_decay": 0.1,
    "augmentation": {"pad": 4, "flip": True},
    "accumulation": 2,
    "dtype": "mixed_bfloat16",
    "engine": "jax",
    "lanes": 3,
    "trainable": ["dense"],
    "timed_beside": ["float64"],
    "memory_by_length": {"lengths": [50, 200]},
    "task": "regression",
    "class_weights": "balanced",
    "grid": {**STUDY["grid"], "batch_sizes": [4, 65]},
}
STEPS = [number / 1000 for number in range(100, 900)]  # what is nearer is one value
LEFT_OUT = {"weights", "budget", "schedule", "learning_rate_scaling", "metric", "statistic", "targets", "landscape"} | {
    "branches",
    "confirmation",
    "scores_every",
}


def part(**changes) -> Study:
    on_jax = {"engine": "jax"} if "lanes" in changes else {}
    return measured_part.of_study(Study.model_validate({**STUDY, **on_jax, **changes}))


@pytest.mark.parametrize("key", DECIDING)
def test_what_decides_time_or_memory_is_in_the_part(key) -> None:
    assert study_files.as_bytes(part(**{key: DECIDING[key]})) != study_files.as_bytes(BASE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "adam", "beta_2": 0.95}, {"name": "adam", "second_moment_half_life": 7000}),
        ({"name": "sgd", "momentum": 0.9, "clipnorm": 1.0}, {"name": "sgd", "momentum": 0.5, "clipnorm": 0.1}),
        ({"name": "ftrl"}, {"name": "ftrl", "learning_rate_power": -0.1, "initial_accumulator_value": 2.0}),
        ({"name": "adamw", "ema": 0.9}, {"name": "adamw", "ema_half_life": 10, "weight_decay": 0.1}),
    ],
)
def test_the_numbers_of_an_optimiser_take_no_time(one, other) -> None:
    parts = part(optimizer=one), part(optimizer=other)
    assert study_files.as_bytes(parts[0]) == study_files.as_bytes(parts[1])
    Study.model_validate(parts[0].model_dump(mode="json"))  # a study that could be given


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd"},
        {"name": "sgd", "momentum": 0.9, "nesterov": True},
        {"name": "sgd", "momentum": 0.9, "ema": 0.9},
        {"name": "sgd", "momentum": 0.9, "global_clipnorm": 1.0},
    ],
)
def test_what_an_optimiser_computes_takes_time(optimizer) -> None:
    assert study_files.as_bytes(part(optimizer=optimizer)) != study_files.as_bytes(BASE)


@given(
    rates=st.lists(st.sampled_from(STEPS) | st.sampled_from([1e-9, 1e9]), min_size=1, max_size=4, unique=True),
    seeds=st.integers(1, 50),
    length=st.sampled_from(
        [
            ({"epochs": 1}, "last_epoch"),
            ({"epochs": 99}, "median_of_last_5_epochs"),
            ({"updates": 7}, "median_of_last_5_epochs"),
        ]
    ),
    schedule=st.sampled_from([{}, {"warm_up": 0.1}, {"drops": [0.5, 0.75]}]),
    scaling=st.sampled_from(["linear", "sqrt", "none"]),
    targets=st.lists(st.sampled_from(STEPS), max_size=2, unique=True),
    landscape=st.sampled_from([[], [4], [64, 4]]),
    batch_sizes=st.permutations([4, 64]),
)
def test_studies_that_cost_the_same_have_the_same_part(
    rates, seeds, length, schedule, scaling, targets, landscape, batch_sizes
) -> None:
    same = part(
        grid={"batch_sizes": batch_sizes, "base_learning_rates": rates, "seeds": seeds},
        budget=length[0],
        statistic=length[1],
        schedule=schedule,
        learning_rate_scaling=scaling,
        targets=targets,
        landscape=landscape,
    )
    assert study_files.as_bytes(same) == study_files.as_bytes(BASE)


def test_each_key_of_a_study_decides_or_is_left_out() -> None:
    assert {*DECIDING} | LEFT_OUT == {*Study.model_fields}


def test_what_is_written_is_read_back_and_is_its_own_part(tmp_path) -> None:
    path = tmp_path / "one.json"
    for name, value in DECIDING.items():
        written = part(**{name: value})
        path.write_bytes(study_files.as_bytes(written))
        assert study_files.read(path) == written == measured_part.of_study(written)


@pytest.mark.parametrize("content", [None, "{", "[]", json.dumps({"data_set": "digits"})])
def test_a_missing_or_damaged_file_is_an_error_of_the_user(content, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"one.json is (missing|damaged); run `dvc repro --force check`"):
        study_files.read(path)
