"""Bad parameters: one line each, that names the key, the value and what is allowed, and nothing else happens."""

import copy
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.messages import cut
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.config.recipe import Recipe

GOOD = {
    "data_sets": {"digits": {"test_rows": 297, "validation_rows": 300, "seed": 0}},
    "studies": {
        "a": {
            "data_set": "digits",
            "model": {"name": "mlp", "hidden_units": [32]},
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": 5},
            "learning_rate_scaling": "linear",
            "grid": {"batch_sizes": [2, 4], "base_learning_rates": [0.1, 0.2], "seeds": 3},
        }
    },
}
ABSENT = object()


def changed(path: str, value: object) -> dict:
    """Return GOOD with the entry at a dotted path set, or taken away."""
    content = copy.deepcopy(GOOD)
    *above, last = path.split(".")
    section = content
    for key in above:
        section = section[key]
    if value is ABSENT:
        del section[last]
    else:
        section[last] = value
    return content


BRANCHES = {"batch_size": 2, "base_learning_rate": 0.1, "moments": [0.2, 0.6], "batch_sizes": [4], "length": 0.4}
GRID, STUDY = "studies.a.grid", "studies.a"
# (key, bad value, what the line says beside them)
BAD = [
    # Keys: unknown, missing, of the wrong kind
    ("sudies", {}, "'sudies' is not a known key", "did you mean 'studies'?"),
    ("studies", ABSENT, "studies is missing"),
    ("studies", {}, "studies is {}", "at least 1 item"),
    ("studies", [], "studies is []", "be a mapping"),
    ("data_sets", ABSENT, "data_sets is missing"),
    (STUDY, None, "studies.a is None", "be a mapping"),
    (f"{STUDY}.epochs", 3, "studies.a: 'epochs' is not a known key", "budget"),
    (f"{GRID}.batchsizes", [1], "studies.a.grid: 'batchsizes' is not a known key", "did you mean 'batch_sizes'?"),
    *((f"{STUDY}.{key}", ABSENT, f"studies.a.{key} is missing; it is required") for key in GOOD["studies"]["a"]),
    (f"{STUDY}.model", "mlp", "studies.a.model is 'mlp'; it must be a mapping"),
    *((f"{GRID}.{key}", ABSENT, f"studies.a.grid.{key} is missing") for key in GOOD["studies"]["a"]["grid"]),
    (f"{STUDY}.model.name", ABSENT, "studies.a.model.name is missing"),
    (f"{STUDY}.optimizer.name", ABSENT, "studies.a.optimizer.name is missing"),
    # Names: unknown, with the nearest ones, or not plain
    ("data_sets.digit", {}, "data_sets", "'digit' is not a known data set", "did you mean 'digits'?"),
    (f"{STUDY}.data_set", "digist", "studies.a.data_set: 'digist'", "did you mean 'digits'?"),
    (
        f"{STUDY}.data_set",
        "breast_cancer",
        "'breast_cancer' is not a known data set of the section data_sets",
        "digits",
    ),
    (f"{STUDY}.model.name", "mlpp", "studies.a.model", "'mlpp' is not a known model", "did you mean 'mlp'?"),
    (f"{STUDY}.model.name", "../mlp", "'../mlp' is not a known model"),
    (f"{STUDY}.optimizer.name", "sdg", "optimizer.name: 'sdg'", "did you mean 'sgd'?", "adam"),
    (f"{STUDY}.learning_rate_scaling", "cubic", "learning_rate_scaling is 'cubic'", "'linear', 'sqrt' or 'none'"),
    *(
        ("studies", {name: {}}, f"studies: the name {cut(repr(name))} is not allowed", "a-z, digits and _")
        for name in ("A", "a-b", "a b", "", "../x", "a;touch x", "<script>", "é", "a\n", "٣", 7, True, None, "x" * 65)
    ),
    ("data_sets", {"Digits": {}}, "data_sets: the name 'Digits' is not allowed"),
    # Options of plug-ins
    ("data_sets.digits.sed", 0, "data_sets.digits: 'sed' is not a known key", "did you mean 'seed'?"),
    ("data_sets.digits.seed", ABSENT, "data_sets.digits.seed is missing"),
    ("data_sets.digits.seed", -1, "seed is -1", "at least 0"),
    ("data_sets.digits.test_rows", 0, "test_rows is 0", "more than 0"),
    ("data_sets.digits.test_rows", 2.0, "test_rows is 2.0", "whole number"),
    (f"{STUDY}.model.hidden_units", ABSENT, "studies.a.model.hidden_units is missing"),
    (f"{STUDY}.model.hidden_units", [0], "hidden_units[0] is 0", "more than 0"),
    (f"{STUDY}.model.hidden_unit", [3], "'hidden_unit' is not a known key", "did you mean 'hidden_units'?"),
    (f"{STUDY}.optimizer.momentum", 1.0, "momentum is 1.0", "at most 0.9999999"),
    (f"{STUDY}.optimizer.momentum", float("nan"), "momentum is nan", "finite number"),
    (f"{STUDY}.optimizer.nesterov", True, "nesterov: true needs a momentum above 0"),
    (f"{STUDY}.optimizer.nesterov", 1, "nesterov is 1", "true or false"),
    (f"{STUDY}.optimizer.beta_1", 0.9, "studies.a.optimizer", "'beta_1' is not a known key", "momentum"),
    # Sizes, seeds and numbers that nothing can be trained with
    (f"{STUDY}.model.hidden_units", [10**12], "studies.a.model.hidden_units[0] is 1000000000000", "at most 1000000"),
    (f"{STUDY}.model.hidden_units", [60_000_000], "hidden_units[0] is 60000000", "at most 1000000"),
    (f"{STUDY}.model.hidden_units", [1] * 1001, "hidden_units is [1, 1, 1", "at most 1000 item(s)"),
    (
        f"{STUDY}.model",
        {"name": "cnn", "channels": 10**9, "normalization": "none"},
        "channels is 1000000000",
        "at most",
    ),
    (f"{STUDY}.model", {"name": "cnn", "channels": [10**9], "normalization": "none"}, "channels is [1000000000]"),
    (
        f"{STUDY}.model",
        {"name": "resnet", "depth": 8.0, "normalization": "none"},
        "depth is 8.0; it must be 8, 14",
    ),
    ("data_sets.digits.seed", 2**32, "data_sets.digits.seed is 4294967296", "at most 4294967295"),
    ("data_sets.digits.test_rows", 10**12, "data_sets.digits.test_rows is 1000000000000", "at most 4294967295"),
    (f"{STUDY}.subset", {"seed": 2**32}, "studies.a.subset.seed is 4294967296", "at most 4294967295"),
    (f"{STUDY}.subset", {"train_rows": 10**30}, "studies.a.subset.train_rows is 1000", "at most 9223372036854775807"),
    *(
        (f"{STUDY}.optimizer", {"name": "rmsprop", "epsilon": bad}, f"studies.a.optimizer.epsilon is {bad!r}", allowed)
        for bad, allowed in ((1e300, "at most 1e+30"), (1e-300, "at least 1e-30"), (0, "at least 1e-30"))
    ),
    (
        f"{STUDY}.optimizer",
        {"name": "adam", "beta_2": 0.99999999},
        "optimizer.beta_2 is 0.99999999",
        "at most 0.9999999",
    ),
    # Options of every optimiser
    *(
        (
            f"{STUDY}.optimizer",
            {"name": name, decay: 0.5, half_life: 100},
            f"{decay}: 0.5 and {half_life}: 100 both say",
        )
        for name, decay, half_life in (
            ("sgd", "momentum", "momentum_half_life"),
            ("rmsprop", "rho", "second_moment_half_life"),
            ("adam", "beta_1", "momentum_half_life"),
            ("nadam", "beta_2", "second_moment_half_life"),
            ("lion", "beta_2", "momentum_half_life"),
            ("ftrl", "ema", "ema_half_life"),
        )
    ),
    (f"{STUDY}.optimizer", {"name": "lion", "second_moment_half_life": 9}, "did you mean 'momentum_half_life'?"),
    (f"{STUDY}.optimizer", {"name": "adam", "beta_2": None}, "beta_2 is None; it must be a number, unless second_"),
    (f"{STUDY}.optimizer", {"name": "adam", "momentum_half_life": 0.5}, "momentum_half_life is 0.5", "at least 1"),
    (f"{STUDY}.optimizer", {"name": "adam", "ema_half_life": 10**8}, "ema_half_life is 100000000", "at most 5000000"),
    (f"{STUDY}.optimizer", {"name": "sgd", "ema": 1.0}, "optimizer.ema is 1.0", "at most 0.9999999"),
    (f"{STUDY}.optimizer", {"name": "sgd", "ema": 0}, "optimizer.ema is 0", "more than 0"),
    (f"{STUDY}.optimizer", {"name": "sgd", "clipnorm": 0}, "optimizer.clipnorm is 0", "at least 1e-30"),
    (
        f"{STUDY}.optimizer",
        {"name": "sgd", "clipnorm": 1, "clipvalue": 2},
        "clipnorm: 1.0, clipvalue: 2.0: each limits the gradient; give one of them",
    ),
    (f"{STUDY}.optimizer", {"name": "ftrl", "learning_rate_power": 0.5}, "learning_rate_power is 0.5", "at most 0"),
    (f"{STUDY}.optimizer", {"name": "adamw", "weight_decay": -1}, "optimizer.weight_decay is -1", "at least 0"),
    # Types, layers that train, weights at the start
    (f"{STUDY}.dtype", "bfloat16", "dtype is 'bfloat16'", "'float32', 'float64' or 'mixed_bfloat16'"),
    (f"{STUDY}.trainable", [], "trainable is []", "at least 1 item"),
    (f"{STUDY}.trainable", [3], "trainable[0] is 3", "be text"),
    (f"{STUDY}.weights", "start", "studies.a.weights: 'start' is not a known file of the section files; allowed: none"),
    (f"{STUDY}.weights", "../start.npz", "the name '../start.npz' is not allowed"),
    (f"{STUDY}.weight_decay", 1e-300, "studies.a.weight_decay: 1e-300 is beyond float32"),
    (f"{STUDY}.targets", [1e300], "studies.a.targets[0]: 1e+300 is beyond float32"),
    (
        f"{STUDY}.targets",
        [0.9, 0.9000000001],
        "targets: 0.9 and 0.9000000001 are equal to within a millionth",
    ),
    (f"{STUDY}.targets", [*range(101)], "studies.a.targets is [0, 1, 2", "at most 100 item(s)"),
    (f"{STUDY}.landscape", [3], "studies.a.landscape: 3 is not a known batch size of the grid; allowed: 2, 4"),
    # Budget
    (f"{STUDY}.budget", {}, "studies.a.budget: give either epochs or updates"),
    (f"{STUDY}.budget", {"epochs": 1, "updates": 1}, "studies.a.budget: give either epochs or updates"),
    (f"{STUDY}.budget.epochs", 0, "budget.epochs is 0", "at least 1"),
    (f"{STUDY}.budget.epochs", 10**7, "budget.epochs is 10000000", "at most 1000000"),
    (f"{STUDY}.budget.epochs", 1.5, "budget.epochs is 1.5", "whole number"),
    # Statistic
    (f"{STUDY}.statistic", "mean", "studies.a.statistic is 'mean'", "'last_epoch' or 'median_of_last_5_epochs'"),
    *(
        (STUDY, {**GOOD["studies"]["a"], "budget": budget, "statistic": "median_of_last_5_epochs"}, told, "last_epoch")
        for budget, told in (
            (
                {"epochs": 4},
                "studies.a.statistic: median_of_last_5_epochs is of 5 epochs, and with { epochs: 4 } a run",
            ),
            ({"epochs": 1}, "with { epochs: 1 } a run has fewer"),
            ({"updates": 4}, "with { updates: 4 } a run has fewer"),  # an epoch is one update at least
        )
    ),
    *(
        (
            STUDY,
            {**GOOD["studies"]["a"], "scores_every": every, "statistic": "median_of_last_5_epochs"},
            f"studies.a.scores_every: {every}, and median_of_last_5_epochs is of epochs one after another; use 1, or "
            "last_epoch for the statistic",
        )
        for every in (2, "doubling")
    ),
    *(
        (f"{STUDY}.scores_every", bad, f"studies.a.scores_every: {bad!r} is neither a whole number of epochs", "nor do")
        for bad in (0, 2.5, True, "halving", None)
    ),
    (f"{STUDY}.confirmation", {"most_seeds": 1}, "studies.a.confirmation.most_seeds is 1", "at least 2"),
    # Schedule, weight decay, augmentation, subset
    (f"{STUDY}.schedule", {"drop": [0.5]}, "studies.a.schedule: 'drop' is not a known key", "did you mean 'drops'?"),
    (f"{STUDY}.schedule", {"drops": [0.75, 0.5]}, "drops are [0.75, 0.5]", "each must come after the one before it"),
    (f"{STUDY}.schedule", {"drops": [0.5, 0.5]}, "drops are [0.5, 0.5]", "each must come after the one before it"),
    (f"{STUDY}.schedule", {"drops": [41]}, "schedule.drops[0] is 41", "less than 1"),
    (f"{STUDY}.schedule", {"drops": [0.0]}, "schedule.drops[0] is 0.0", "more than 0"),
    (f"{STUDY}.schedule", {"warm_up": 1.0}, "schedule.warm_up is 1.0", "at most 0.9999999"),
    (f"{STUDY}.schedule", {"warm_up": 0.6, "drops": [0.5]}, "warm_up 0.6 ends after the first drop, at 0.5"),
    (f"{STUDY}.schedule", {"batch_sizes": {1: 2}}, "1 is no fraction of the epochs", "a number between 0 and 1"),
    (f"{STUDY}.schedule", {"batch_sizes": {True: 2}}, "True is no fraction of the epochs", "a number between 0 and 1"),
    (f"{STUDY}.schedule", {"batch_sizes": {0.5: 2, "0.50": 4}}, "'0.50' is given more than once", "allowed once"),
    (f"{STUDY}.schedule", {"batch_sizes": {0.5: 0}}, "schedule.batch_sizes.'0.5' is 0", "at least 1"),
    (f"{STUDY}.schedule", {"batch_sizes": {0.5: 1.5}}, "schedule.batch_sizes.'0.5' is 1.5", "whole number"),
    (f"{STUDY}.schedule", {"batch_sizes": {0.9: 2}}, "no epoch of 5 begins at 0.9 or after", "make it earlier"),
    (f"{STUDY}.schedule", {"batch_sizes": {0.3: 2, 0.4: 4}}, "begin with the same of 5 epochs", "leave one out"),
    (
        f"{STUDY}.branches",
        {**BRANCHES, "batch_size": 8},
        "batch_size: 8 is not a known batch size of the grid",
    ),
    (f"{STUDY}.branches", {**BRANCHES, "base_learning_rate": 0.3}, "0.3 is none of the grid; it has 0.1, 0.2"),
    (f"{STUDY}.branches", {**BRANCHES, "moments": [0.6, 0.2]}, "each must begin with a later one of 5 epochs"),
    (f"{STUDY}.branches", {**BRANCHES, "moments": [0.3, 0.4]}, "each must begin with a later one of 5 epochs"),
    (f"{STUDY}.branches", {**BRANCHES, "length": 0.5}, "would end after the 5 epochs; make it shorter"),
    (f"{STUDY}.branches", {**BRANCHES, "batch_sizes": []}, "branches.batch_sizes is []", "at least 1 item"),
    (f"{STUDY}.schedule", {"learning_rate_scaling": "sqrt"}, "is for its batch_sizes, and there are none", "leave it"),
    (f"{STUDY}.weight_decay", -1e-4, "weight_decay is -0.0001", "at least 0"),
    (f"{STUDY}.weight_decay", "1e-4", "weight_decay is '1e-4'", "be a number"),
    (f"{STUDY}.augmentation", {"pad": 4}, "augmentation.flip is missing"),
    (
        f"{STUDY}.augmentation",
        {"pad": 0, "flip": False},
        "pad: 0 with flip: false, flip_vertically: false and zoom: 1 changes no image; leave augmentation out",
    ),
    (f"{STUDY}.augmentation", {"pad": 0, "flip": False, "flip_vertically": 1}, "flip_vertically is 1", "true or false"),
    (f"{STUDY}.augmentation", {"pad": 0, "flip": False, "zoom": 0.5}, "augmentation.zoom is 0.5", "at least 1"),
    (f"{STUDY}.augmentation", {"pad": 0, "flip": False, "zoom": 4.5}, "augmentation.zoom is 4.5", "at most 4"),
    (f"{STUDY}.augmentation", {"pad": 0, "flip": False, "zoom": "2"}, "augmentation.zoom is '2'", "be a number"),
    (f"{STUDY}.subset", {"train_rows": 0}, "subset.train_rows is 0", "at least 1"),
    (f"{STUDY}.subset", {"rows": 10}, "studies.a.subset: 'rows' is not a known key", "train_rows"),
    # Grid
    *(
        (f"{GRID}.batch_sizes", [8, bad], f"studies.a.grid.batch_sizes[1] is {bad!r}", allowed)
        for bad, allowed in (
            (0, "at least 1"),
            (-4, "at least 1"),
            (2.5, "whole number"),
            (4.0, "whole number"),
            (True, "whole number"),
            ("16", "whole number"),
            (None, "whole number"),
            (2**63, "at most 9223372036854775807"),
        )
    ),
    *(
        (f"{GRID}.base_learning_rates", [0.1, bad], f"studies.a.grid.base_learning_rates[1] is {bad!r}", allowed)
        for bad, allowed in (
            (0, "at least 1e-20"),
            (-0.1, "at least 1e-20"),
            (1e30, "at most 1e+20"),
            (float("nan"), "finite number"),
            (float("inf"), "finite number"),
            (True, "be a number"),
            ("0.1", "be a number"),
        )
    ),
    (f"{GRID}.batch_sizes", [], "batch_sizes is []", "at least 1 item"),
    (f"{GRID}.batch_sizes", 32, "batch_sizes is 32", "be a list"),
    (f"{GRID}.base_learning_rates", [], "base_learning_rates is []", "at least 1 item"),
    (f"{GRID}.batch_sizes", [2, 4, 2], "batch_sizes: 2 is given more than once"),
    (f"{GRID}.base_learning_rates", [1, 0.5, 1.0], "base_learning_rates: 1.0 is given more than once"),
    (f"{GRID}.base_learning_rates", [0.1, 0.3, 0.10000000000000002], "0.1 and 0.10000000000000002 are equal to within"),
    (f"{GRID}.base_learning_rates", [10**400], "base_learning_rates[0] is 1000", "a finite number, less than 1e308"),
    (f"{GRID}.seeds", 10**30, "seeds is 1000", "at most 100000"),
    (f"{GRID}.seeds", 0, "seeds is 0", "at least 1"),
    (f"{GRID}.seeds", False, "seeds is False", "whole number"),
    (f"{GRID}.seeds", [0, 1], "seeds is [0, 1]", "whole number"),
    (f"{GRID}.seeds", 25_001, "2 batch sizes × 2 learning rates × 25001 seeds are 100,004 runs", "at most 100,000"),
]


def test_good_parameters_are_good() -> None:
    """Without which no bad input above shows anything."""
    study = params.study(params.check(copy.deepcopy(GOOD)), "a")
    assert (list(study.grid.batch_sizes), study.grid.seeds, study.recipe.dtype) == ([2, 4], 3, "float32")


@pytest.mark.parametrize(("path", "value", "words"), [(path, value, words) for path, value, *words in BAD])
def test_bad_input_is_one_line_that_says_what_is_wrong(path, value, words) -> None:
    with pytest.raises(UserError) as caught:
        params.check(changed(path, value))
    line = next(line for line in str(caught.value).split("\n       ") if words[0] in line)
    assert all(word in line for word in words), line
    assert line.startswith("params.yaml: ")
    assert line.isprintable()
    # Options of plug-ins and names are checked as a whole: beside these, one mistake is one line.
    assert len(str(caught.value).splitlines()) == 1 or path == "studies" or value is ABSENT


def test_every_mistake_gets_its_line() -> None:
    content = changed(f"{GRID}.seeds", 0)
    content["studies"]["a"]["budget"]["epochs"] = -1
    with pytest.raises(UserError) as caught:
        params.check(content)
    assert [re.search(r"\.(\w+) is", line)[1] for line in str(caught.value).splitlines()] == ["epochs", "seeds"]


def test_every_mistake_of_a_section_gets_its_line() -> None:
    content = changed(GRID, {"batch_size": [2], "batch_sizes": [0, 0.5], "base_learning_rates": [0.1], 7: 1})
    content["data_sets"] |= {"digits": {"sed": 0, "test_rows": -1, "seed": 2**32}, "Digits": {}, "digit": {}}
    with pytest.raises(UserError) as caught:
        params.check(content)
    beginnings = [line.strip().removeprefix("params.yaml: ") for line in str(caught.value).splitlines()]
    expected = [
        "data_sets: the name 'Digits' is",
        "studies.a.grid.batch_sizes[0] is 0",
        "studies.a.grid.batch_sizes[1] is 0.5",
        "studies.a.grid.seeds is missing",
        "studies.a.grid: 'batch_size' is not",
        "studies.a.grid: 7 is not",
    ]
    assert all(line.startswith(words) for line, words in zip(beginnings, expected, strict=True)), beginnings
    del content["data_sets"]["Digits"]
    content["studies"] = {name: {**GOOD["studies"]["a"], "data_set": name} for name in ("a", "digits", "b")}
    with pytest.raises(UserError) as caught:
        params.check(content)
    beginnings = [line.strip().removeprefix("params.yaml: ") for line in str(caught.value).splitlines()]
    expected = [
        "data_sets.digits.test_rows is -1",
        "data_sets.digits.validation_rows is missing",
        "data_sets.digits.seed is 4294967296",
        "data_sets.digits: 'sed' is not",
        "data_sets.digit: 'digit' is not",
    ]
    assert all(line.startswith(words) for line, words in zip(beginnings, expected, strict=True)), beginnings
    content["data_sets"] = GOOD["data_sets"]
    with pytest.raises(UserError) as caught:
        params.check(content)
    assert [line.split()[1] for line in str(caught.value).splitlines()] == [
        "studies.a.data_set:",
        "studies.b.data_set:",
    ]


def test_mistakes_without_end_are_counted() -> None:
    with pytest.raises(UserError) as caught:
        params.check(changed(f"{GRID}.batch_sizes", [0] * 1000))
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1].strip()) == (51, "params.yaml: there are 950 more mistakes like these")


@pytest.mark.parametrize("content", [None, 3, "studies", ["studies"]])
def test_a_file_that_is_no_mapping(content) -> None:
    with pytest.raises(UserError, match=re.escape(f"params.yaml: the file is {content!r}; it must be a mapping")):
        params.check(content)


TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
RATES = "base_learning_rates: [0.001]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace(RATES, "base_learning_rates: [1e-5, 0.00001]", 1), ["1e-05 is given more than once"]),
        (TEXT.replace(RATES, "base_learning_rates: [.nan]", 1), ["is nan", "finite number"]),
        (TEXT.replace(RATES, "base_learning_rates: [-.inf]", 1), ["is -inf"]),
        (TEXT.replace(RATES, "base_learning_rates: [yes]", 1), ["is 'yes'", "be a number"]),
        (
            TEXT.replace("seeds: 10", "seeds: 10\n      seeds: 5", 1),
            ["not valid YAML: line 21", "the key seeds is given more than once"],
        ),
        (TEXT.replace("[16, 8, 6]", "[16, 8, 6"), ["not valid YAML: line"]),
        ("studies:\n\t- 1", ["not valid YAML: line 2", "a tab, which YAML does not take"]),
        ("a: 1\n---\nb: 2", ["not valid YAML: line 2", "another document"]),
        ("a: !!python/object:os.x {}", ["line 1", "the tag !!python/object:os.x is not allowed"]),
        ("a: 1\nb: \0", ["line 2", "the character '\\x00' is not allowed"]),
        ("", ["the file is None"]),
        ("[" * 500, ["line 1", "nested more than 20 deep"]),
        (f"seeds: {'1' * 5000}", ["line 1", "a value of 5,000 characters", "at most 1,000"]),
    ],
)
def test_what_yaml_gets_wrong(tmp_path, text, words) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        params.load(path)
    assert str(caught.value).startswith("params.yaml")
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_is_not_text(tmp_path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"a: \xe9")
    with pytest.raises(UserError, match=r"params.yaml is not UTF-8 text \(byte 3\)"):
        params.load(path)


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(UserError, match=f"there is no params.yaml in {re.escape(str(tmp_path))}; run in the root"):
        params.load(tmp_path / "params.yaml")


def test_the_parameters_of_the_project_are_good() -> None:
    good = params.load(ROOT / "params.yaml")
    digits = params.study(good, "digits_mlp")
    assert (len(digits.grid.batch_sizes), len(digits.grid.base_learning_rates), digits.grid.seeds) == (11, 13, 5)
    assert params.study(good, "breast_cancer_question").grid.batch_sizes[-1] == 10**9


def test_a_study_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"'aa' is not a known study of params.yaml; allowed: a; did you mean 'a'\?"):
        params.study(params.check(copy.deepcopy(GOOD)), "aa")


def test_parameters_cannot_be_changed() -> None:
    grid = params.check(copy.deepcopy(GOOD)).studies["a"].grid
    with pytest.raises(ValueError, match="frozen"):
        grid.seeds = 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds: 10", "seeds: -10", "params.yaml: studies.breast_cancer_question.grid.seeds is -10"),
        ("seeds: 10", "seeds: [", "params.yaml is not valid YAML"),
        ("digits_mlp:", '"digits;touch x":', "the name 'digits;touch x' is not allowed"),
    ],
)
def test_a_bad_file_changes_nothing_on_disk(tmp_path, old, new, words) -> None:
    for folder in ("batchwise", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert old in TEXT
    (tmp_path / "params.yaml").write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    before = fingerprint(tmp_path)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "stages.check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert fingerprint(tmp_path) == before


def fingerprint(folder: Path) -> dict[str, str]:
    """Return {path: what it is, or the hash of its bytes} of everything below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def test_one_weight_decay_is_enough() -> None:
    """AdamW has one of its own unless it is told otherwise."""
    content = changed(f"{STUDY}.optimizer", {"name": "adamw"})
    content["studies"]["a"]["weight_decay"] = 0.1
    with pytest.raises(
        UserError, match=r"studies.a: weight_decay is 0.1, .* adamw has a decoupled weight_decay of 0.004"
    ):
        params.check(content)
    content["studies"]["a"]["optimizer"]["weight_decay"] = 0.0
    params.check(content)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "nadam", "lamb", "lion", "adadelta"])
@given(rows=st.floats(1, 5e6), batch_size=st.integers(1, 2**63 - 1))
def test_half_lives_are_halves_and_are_read_back(name, rows, batch_size) -> None:
    """Of m rows, what is left is left of twice as many twice; float32 has a number below 1 for it at every m."""
    known = {"momentum_half_life", "second_moment_half_life"} & {
        *Recipe.model_validate(_recipe(name)).optimizer.model_dump()
    }
    how = Recipe.model_validate(_recipe(name, ema_half_life=rows, **dict.fromkeys(known, rows)))
    found = how.optimizer.decays(batch_size)
    assert len(found) == len(known) + 1 and found.items() <= how.optimizer.options(batch_size).items()
    assert all(0 <= np.float32(left) < 1 and left == 0.5 ** (batch_size / rows) for left in found.values())
    assert Recipe.model_validate(how.model_dump()) == how


def _recipe(name: str, **options) -> dict:
    return {
        "model": {"name": "mlp", "hidden_units": [3]},
        "optimizer": {"name": name, **options},
        "budget": {"epochs": 1},
    }
