"""The landscape: every estimator against a known answer, and the stage on a small study."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from ruamel.yaml import YAML

from batchwise.analysis import run_metrics
from batchwise.analysis.evaluate import definition, evaluate
from batchwise.common import plugins, stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.common.serialization import as_json
from batchwise.config import grid, params
from batchwise.config.optimizers import SGD
from batchwise.config.recipe import Recipe
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet, Split
from batchwise.measuring.landscape import landscape_files, measurement, noise, output, sharpness, updates
from batchwise.measuring.landscape.cells import chosen
from batchwise.measuring.landscape.columns import columns, tables
from batchwise.measuring.landscape.moments import moments
from batchwise.training import evaluation_rows, network, random_streams, run_result, trainers
from stages import landscape as stage
from tests import fabricated, reference, shards
from tests.project import PARAMS, STUDY

if TYPE_CHECKING:
    from batchwise.measuring.landscape.gradients import Gradients

OPTIONS = PARAMS["data_sets"]["digits"]
SMALL = {
    **STUDY,
    "budget": {"epochs": 3},
    "grid": {"batch_sizes": [16, 64, 2000], "base_learning_rates": [0.0078125], "seeds": 2},
    "landscape": [2000, 16],
}
CNN = {"name": "cnn", "channels": 2, "normalization": "batch"}


def digits() -> DataSet:
    return plugins.load("datasets", "digits").prepare(**OPTIONS)


def recipe(**changes: object) -> Recipe:
    return params.check({**PARAMS, "studies": {"small": {**SMALL, **changes}}}).studies["small"].recipe


def test_a_landscape_is_of_the_weights_that_train_in_their_own_type(tmp_path) -> None:
    """Where layers compute in bfloat16 the weights are float32; those of a file are the start."""
    data, how = digits(), recipe(dtype="mixed_bfloat16", trainable=["dense_1"])
    bias = np.arange(10, dtype="float32")
    np.savez(tmp_path / "start.npz", **{"003_bias": bias})
    programs = measurement.gradients(data, how, np.arange(8), tmp_path / "start.npz")
    trainer = trainers.load(data, how)
    start, expected = programs.start(1), trainer.start(1)
    assert [values.tobytes() for values in start] == [values.tobytes() for values in (*expected[:3], bias)]
    np.testing.assert_array_equal(programs.load(start), np.concatenate([expected[2].ravel(), bias]))
    assert programs.dtype == programs.model.layers[-1].compute_dtype == "float32"
    assert trainer.model.layers[-1].compute_dtype == "bfloat16"


def linear(seed: int, rows: int = 500, size: int = 6) -> np.ndarray:
    """The gradients [rows, size] of linear losses: their mean and covariance are known and the same everywhere."""
    random = np.random.default_rng(seed)
    return random.standard_normal((rows, size)) @ random.standard_normal((size, size)) + random.standard_normal(size)


def of_rows(of_each: np.ndarray, batches: np.ndarray) -> list[np.ndarray]:
    """The mean gradients of batches [k, b], in two parts."""
    return np.array_split(of_each[batches].mean(1), 2)


# Moments


@given(arrays.arrays("float64", (7, 3), elements=st.floats(-10, 10)), st.integers(1, 6))
def test_moments_are_those_of_numpy_however_the_draws_come(draws: np.ndarray, first: int) -> None:
    found = moments([draws[:first], draws[first:]])
    assert found.count == 7
    assert found.mean == pytest.approx(draws.mean(0))
    assert found.covariance_trace == pytest.approx(np.trace(np.cov(draws.T)), abs=1e-12)


# The noise scale


def test_the_noise_scale_of_known_gradients_lies_in_its_interval_about_95_times_in_100() -> None:
    of_each = linear(0)
    mean, trace = of_each.mean(0), np.trace(np.cov(of_each.T, ddof=0))
    found = []
    for repeat in range(150):
        pairs = noise.sample(partial(of_rows, of_each), len(of_each), np.random.default_rng(repeat))
        found.append(noise.noise_scale(*pairs, noise.SMALL_BATCH, noise.LARGE_BATCH))
    covered = np.mean([one.low <= trace / (mean @ mean) <= one.high for one in found])
    assert 0.89 < covered < 0.995
    for estimates, truth in (([one.norm_squared for one in found], mean @ mean), ([one.trace for one in found], trace)):
        assert abs(np.mean(estimates) - truth) < 4 * np.std(estimates) / np.sqrt(len(found))


@given(
    arrays.arrays("float64", 8, elements=st.floats(2, 3)), arrays.arrays("float64", 8, elements=st.floats(0.5, 1)),
    st.integers(1, 20), st.integers(21, 1000),
)  # fmt: skip
@settings(max_examples=20)
def test_the_noise_estimates_explain_the_norms_at_both_batch_sizes(small, large, small_batch, large_batch) -> None:
    small[0], large[0] = 2.5, 0.75  # pairs that are all equal have no bootstrap
    small[1], large[1] = 2.0, 1.0
    found = noise.noise_scale(small, large, small_batch, large_batch)
    for norms, batch in ((small, small_batch), (large, large_batch)):  # E‖G_b‖² = ‖G‖² + tr Σ/b
        assert found.norm_squared + found.trace / batch == pytest.approx(norms.mean())
    if found.norm_squared > 0:
        assert found.scale == pytest.approx(found.trace / found.norm_squared)
    assert found.low <= found.scale <= found.high


def test_a_gradient_that_is_not_told_from_0_has_a_noise_scale_without_upper_bound() -> None:
    of_each = linear(1)
    of_each -= of_each.mean(0)
    pairs = noise.sample(partial(of_rows, of_each), len(of_each), np.random.default_rng(0))
    found = noise.noise_scale(*pairs, noise.SMALL_BATCH, noise.LARGE_BATCH)
    assert found.high == np.inf and found.low > noise.LARGE_BATCH


def test_without_any_gradient_there_is_no_noise_scale() -> None:
    found = noise.noise_scale(np.zeros(4), np.zeros(4), 16, 1024)
    assert np.isnan([found.scale, found.low, found.high]).all() and (found.norm_squared, found.trace) == (0, 0)


# Updates: claims L3 and L4


@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize("rate", [0.01, 0.04])
def test_updates_of_known_gradients_have_the_mean_and_covariance_of_the_paper(batch_size: int, rate: float) -> None:
    of_each = linear(2)
    mean, covariance, draws = of_each.mean(0), np.cov(of_each.T, ddof=0), updates.DRAWS
    random = np.random.default_rng(batch_size)
    found = updates.update_moments(partial(of_rows, of_each), mean, len(of_each), batch_size, rate, random)
    direction = mean / np.linalg.norm(mean)
    error = rate * np.sqrt(direction @ covariance @ direction / (batch_size * draws))
    assert abs(found.mean_per_example - rate * np.linalg.norm(mean)) < 3 * error
    trace = rate**2 * batch_size * np.trace(covariance)
    spread = rate**2 * batch_size * np.sqrt(2 * np.trace(covariance @ covariance) / draws)
    assert abs(found.covariance_trace - trace) < 3 * spread


def test_the_moments_of_updates_are_those_of_the_updates_that_were_drawn() -> None:
    of_each, rate, m = linear(3), 0.5, 8
    mean = of_each.mean(0)
    found = updates.update_moments(partial(of_rows, of_each), mean, 500, m, rate, np.random.default_rng(5))
    rows = np.random.default_rng(5).integers(500, size=(updates.DRAWS, m))
    drawn = -rate * of_each[rows].sum(1)  # eq. 5: a sum over the rows of a batch
    assert found.mean_per_example == pytest.approx(drawn.mean(0) @ -mean / np.linalg.norm(mean) / m)
    assert found.covariance_trace == pytest.approx(np.trace(np.cov(drawn.T)))


def test_updates_without_a_gradient_have_no_direction() -> None:
    found = updates.update_moments(partial(of_rows, np.zeros((5, 2))), np.zeros(2), 5, 4, 1, np.random.default_rng(0))
    assert found == (0, 0)


def test_on_a_linear_loss_updates_in_a_row_are_one_update_of_all_their_rows() -> None:
    of_each = linear(4)
    batches = np.random.default_rng(0).integers(500, size=(8, 4))
    for step in updates.steps(lambda _, rows: of_each[rows].mean(0), np.zeros(6), batches, 0.1):
        assert step.relative_distance < 1e-14 and step.cosine == pytest.approx(1, abs=1e-14)


@given(st.integers(0, 1000), st.floats(0.001, 0.05))
@settings(max_examples=25)
def test_on_a_quadratic_loss_updates_in_a_row_have_a_closed_form(seed: int, rate: float) -> None:
    random, m, size = np.random.default_rng(seed), 4, 3
    root, centres, start = random.standard_normal((size, size)), random.standard_normal((50, size)), np.ones(size)
    hessian, batches = root @ root.T, random.integers(50, size=(8, m))
    found = updates.steps(lambda x, rows: hessian @ (x - centres[rows].mean(0)), start, batches, rate)
    eta, shrink = rate * m, np.eye(size) - rate * m * hessian
    pulls = [eta * hessian @ (start - centres[rows].mean(0)) for rows in batches]  # one for each update
    assert [step.parts for step in found] == [2, 4, 8]
    for n, relative_distance, cosine in found:
        one = -np.sum(pulls[:n], axis=0)
        many = -sum(np.linalg.matrix_power(shrink, n - 1 - k) @ pulls[k] for k in range(n))
        assert relative_distance == pytest.approx(np.linalg.norm(many - one) / np.linalg.norm(one), abs=1e-12)
        assert cosine == pytest.approx(many @ one / np.linalg.norm(many) / np.linalg.norm(one), abs=1e-12)


def test_steps_that_do_not_move_or_diverge_have_no_distance() -> None:
    found = updates.steps(lambda weights, rows: np.zeros(2), np.ones(2), np.zeros((8, 1), int), 1)
    assert np.isnan([[step.relative_distance, step.cosine] for step in found]).all()
    with np.errstate(over="ignore", invalid="ignore"):
        diverged = updates.steps(lambda weights, rows: np.exp(weights**2), np.ones(2), np.zeros((8, 1), int), 1e200)
    assert np.isnan([[step.relative_distance, step.cosine] for step in diverged]).all()


# Sharpness, curvature, distance


@given(
    arrays.arrays("float64", 5, elements=st.floats(-3, 3)),
    arrays.arrays("float64", 5, elements=st.floats(0.5, 2)),
    arrays.arrays("float64", 5, elements=st.floats(0, 100)),
    arrays.arrays("bool", 5),
    st.sampled_from(sharpness.EPSILONS),
    st.sampled_from([1e-6, 1, 1e6]),
)
@settings(max_examples=50)
def test_the_sharpness_of_a_convex_quadratic_is_that_of_a_corner(x, slopes, curvatures, signs, epsilon, scale) -> None:
    slopes = np.where(signs, slopes, -slopes)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        z = weights - x
        return scale * (2 + slopes @ z + curvatures @ z**2 / 2), scale * (slopes + curvatures * z)

    box = epsilon * (np.abs(x) + 1)
    rise = scale * (np.abs(slopes) @ box + curvatures @ box**2 / 2)
    assert sharpness.sharpness(loss, x, epsilon) == pytest.approx(100 * rise / (1 + 2 * scale), rel=1e-6)


@given(arrays.arrays("float64", 4, elements=st.floats(-0.9, 0.9)))
def test_the_sharpness_at_a_maximum_inside_the_box_is_that_of_the_maximum(inside: np.ndarray) -> None:
    x, epsilon = np.array([0.0, 1.0, -2.0, 3.0]), 1e-3
    inside[0] = 0.5  # or the weights are the maximum
    top = x + inside * epsilon * (np.abs(x) + 1)
    curvature = 1 / (np.abs(x) + 1) ** 2
    found = sharpness.sharpness(lambda w: (3 - curvature @ (w - top) ** 2, -2 * curvature * (w - top)), x, epsilon)
    rise = curvature @ (x - top) ** 2
    assert found == pytest.approx(100 * rise / (1 + 3 - rise), rel=1e-6)


def test_where_the_gradient_is_0_the_sharpness_is_0() -> None:
    assert sharpness.sharpness(lambda weights: (1.0, np.zeros(3)), np.ones(3), 1e-3) == 0


@given(st.integers(0, 1000), st.integers(2, 40))
@settings(max_examples=25)
def test_the_largest_eigenvalue_is_that_of_numpy(seed: int, size: int) -> None:
    root = np.random.default_rng(seed).standard_normal((size, size))
    matrix = root + root.T  # eigenvalues of both signs
    expected = np.linalg.eigvalsh(matrix)[-1]
    spread = np.abs(np.linalg.eigvalsh(matrix)).max()
    found = sharpness.largest_eigenvalue(lambda vector: matrix @ vector, size)
    assert abs(found - expected) < sharpness.EIGENVALUE_TOLERANCE * spread


def test_no_curvature_and_no_convergence(monkeypatch) -> None:
    assert sharpness.largest_eigenvalue(lambda vector: 0 * vector, 5) == 0
    values = np.linspace(0, 1, 2000) ** 0.5  # the largest ones are close together
    assert sharpness.largest_eigenvalue(lambda vector: values * vector, 2000) == pytest.approx(1, rel=1e-3)
    monkeypatch.setattr(sharpness, "RESTARTS", 1)
    assert np.isnan(sharpness.largest_eigenvalue(lambda vector: values * vector, 2000))


def test_distance() -> None:
    assert sharpness.distance(np.array([4.0, 6.0, 2.0]), np.array([1.0, 2.0, 2.0])) == (5.0, 5 / 3)


# Derivatives of real networks


@pytest.fixture(scope="module")
def small() -> tuple["Gradients", np.ndarray]:
    """A network in float64, and weights of it."""
    programs = measurement.gradients(digits(), recipe(dtype="float64"), np.arange(0, 1200, 7))
    return programs, programs.load(programs.start(3))


def parts_of(programs: "Gradients", weights: np.ndarray) -> list[np.ndarray]:
    """The weights of each layer, as the network of the tests' own has them."""
    parts = np.split(weights, np.cumsum(programs.sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, programs.shapes, strict=True)]


def of_numpy(programs: "Gradients", weights: np.ndarray, data: DataSet, rows: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss of training rows and its gradient, by NumPy."""
    inputs, labels = data.train.inputs[rows].astype("float64"), data.train.labels[rows]
    parts = parts_of(programs, weights)
    return reference.evaluate(parts, inputs, labels)[0], flat(reference.gradients(parts, inputs, labels))


def flat(parts: list) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])


def test_loss_and_gradients_are_those_of_the_network(small) -> None:
    programs, weights = small
    batches = np.random.default_rng(0).integers(1200, size=(70, 5))  # more than a chunk
    found = np.concatenate(list(programs.of_batches(weights, batches)))
    assert found.shape == (70, len(weights)) and len(weights) == 8 * 65 + 10 * 9
    for number in (0, 63, 64, 69):
        expected = of_numpy(programs, weights, digits(), batches[number])[1]
        np.testing.assert_allclose(found[number], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(programs.of_batch(weights, batches[number]), expected, rtol=1e-9, atol=1e-12)
    loss, gradient = programs.loss(weights)
    expected_loss, expected = of_numpy(programs, weights, digits(), np.arange(0, 1200, 7))
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-12)
    of_all = of_numpy(programs, weights, digits(), np.arange(1200))[1]
    np.testing.assert_allclose(programs.gradient(weights), of_all, rtol=1e-9, atol=1e-12)


def test_the_gradient_and_the_product_are_finite_differences(small) -> None:
    programs, weights = small
    vector = np.random.default_rng(1).standard_normal(len(weights))
    step = 1e-6 * vector
    (above, gradient_above), (below, gradient_below) = programs.loss(weights + step), programs.loss(weights - step)
    assert programs.loss(weights)[1] @ vector == pytest.approx((above - below) / 2e-6, rel=1e-6)
    expected = (gradient_above - gradient_below) / 2e-6
    found = programs.product(weights, vector)
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


def test_the_largest_eigenvalue_of_a_network_is_that_of_its_full_hessian() -> None:
    data = digits()
    few = replace(data, **{name: Split(part.inputs[:60, :6], part.labels[:60])
                           for name, part in vars(data).items() if isinstance(part, Split)})  # fmt: skip
    how = recipe(model={"name": "mlp", "hidden_units": [4]}, dtype="float64")
    programs = measurement.gradients(few, how, np.arange(60))
    weights = programs.load(programs.start(1))

    def gradient(moved: np.ndarray) -> np.ndarray:
        return of_numpy(programs, weights + moved, few, np.arange(60))[1]

    steps = 1e-5 * np.eye(len(weights))
    hessian = np.stack([(gradient(step) - gradient(-step)) / 2e-5 for step in steps], axis=1)
    vector = np.random.default_rng(2).standard_normal(len(weights))
    np.testing.assert_allclose(programs.product(weights, vector), hessian @ vector, rtol=1e-7, atol=1e-8)
    found = sharpness.largest_eigenvalue(partial(programs.product, weights), len(weights))
    assert found == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=sharpness.EIGENVALUE_TOLERANCE)


def test_an_update_by_its_definition_is_that_of_the_engine(small) -> None:
    programs, weights = small
    plain, rate = recipe(dtype="float64", optimizer={"name": "sgd"}, budget={"updates": 1}), 0.25
    assert plain.optimizer == SGD(name="sgd")
    result = trainers.load(digits(), plain).run(16, rate, seed=3)
    moved = flat(list(result.weights.values())) - weights
    rows = random_streams.orders(3, 0, 1, 1200)[0][:16]
    np.testing.assert_allclose(moved, -rate * programs.of_batch(weights, rows), rtol=1e-9, atol=1e-12)


def test_a_network_with_batch_normalisation_is_taken_in_inference_mode(monkeypatch) -> None:
    """Also in batches that do not divide the rows, as images are."""
    monkeypatch.setattr(evaluation_rows, "EVALUATION_IMAGES", 50)
    data, trained = digits(), recipe(model=CNN, budget={"epochs": 1})
    result = trainers.load(data, trained).run(64, 0.1, 0)
    programs = measurement.gradients(data, trained, np.arange(1200))
    weights = programs.load(list(result.weights.values()))
    assert programs.all[0].shape == (24, 50) and len(weights) == result.parameters
    loss, gradient = programs.loss(weights)
    assert loss == pytest.approx(float(result.metrics["loss"][-1, 0]), rel=1e-5)
    mean = programs.of_batch(weights, np.arange(1200))
    assert np.linalg.norm(gradient - mean) < 1e-4 * np.linalg.norm(mean)
    vector = np.random.default_rng(0).standard_normal(len(weights))
    other = np.random.default_rng(1).standard_normal(len(weights))
    found, back = programs.product(weights, vector) @ other, programs.product(weights, other) @ vector
    assert found == pytest.approx(back, rel=1e-3)  # the Hessian is symmetric
    assert list(map(np.array_equal, result.weights.values(), programs.model.variables)) == [True] * len(result.weights)


@pytest.mark.parametrize("rows", [1, 6, 7, 8, 20])
def test_padding_leaves_the_mean_as_it_is(monkeypatch, small, rows) -> None:
    programs, weights = small
    monkeypatch.setattr(evaluation_rows, "EVALUATION_ROWS", 7)
    batches, shares = programs._padded(np.arange(100, 100 + rows))
    assert batches.shape == shares.shape == (-(-rows // 7), min(rows, 7))
    monkeypatch.setattr(programs, "some", (batches, shares))
    assert programs.loss(weights)[0] == pytest.approx(
        of_numpy(programs, weights, digits(), np.arange(100, 100 + rows))[0]
    )


def test_the_rows_of_the_loss_are_a_fixed_stratified_part(monkeypatch) -> None:
    data = digits()
    assert measurement.loss_rows(data).tolist() == list(range(1200))
    monkeypatch.setattr(sharpness, "LOSS_ROWS", 100)
    rows = measurement.loss_rows(data)
    assert len({*rows}) == 100 and rows.tolist() == measurement.loss_rows(data).tolist()
    share = np.bincount(data.train.labels) / 12
    assert np.abs(np.bincount(data.train.labels[rows]) - share).max() < 1


# The stage


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A folder with a trained and evaluated study, one run of which diverged."""
    folder = tmp_path_factory.mktemp("project")
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump({**PARAMS, "studies": {"small": SMALL, "none": {**SMALL, "landscape": []}}}, file)
    studies, data = params.load(folder / "params.yaml").studies, digits()
    study = studies["small"]
    prepared.save(data, folder / "data/prepared", "digits", OPTIONS)
    for name in studies:
        prepared.save_part(data, folder / "data/prepared", name, OPTIONS, {})
    trainer, runs = trainers.load(data, study.recipe), folder / "data/runs/small"
    contents = {}
    for run in grid.runs(study, 1200):
        result = trainer.run(run.effective_batch_size, run.learning_rate, run.seed)
        result = fabricated.diverged(result, 1) if (run.effective_batch_size, run.seed) == (16, 1) else result
        contents[run.name] = run_result.dump(result, run.facts)
    shards.write(runs, contents, fabricated.shared_inputs(study, {"sha256": data.sha256}))
    about = prepared.read_part(folder / "data/prepared", "small")
    by_run = run_metrics.read(runs, "small", study, about)
    tables = evaluate("small", study, about, loading.metrics(study, about), by_run)
    # With one rate it is chosen although a run diverged.
    stage_outputs.write(folder / "data/tables/small", tables)
    stage_outputs.write(folder / "data/tables/none", {"study.json": as_json(definition(studies["none"]))})
    return folder


def run_stage(monkeypatch, project: Path, name: str = "small") -> dict[str, bytes]:
    monkeypatch.chdir(project)
    stage.main(name)
    return {path.name: path.read_bytes() for path in (project / "data/landscapes" / name).iterdir()}


def test_the_stage_writes_the_same_bytes_each_time(monkeypatch, project) -> None:
    first = run_stage(monkeypatch, project)
    assert first == run_stage(monkeypatch, project)
    assert {*first} == {"cells.csv", "updates.csv", "steps.csv", "columns.csv", "summary.json", "SHA256SUMS"}
    found = landscape_files.read(project / "data/landscapes/small")
    for name, expected in tables(fabricated.ACCURACY).items():
        table = getattr(found, name)
        assert table.columns.tolist() == list(expected)
        assert table.notna().all(axis=None)
        # m = 2000 is trained as 1200; of m = 16 the second seed diverged.
        assert table[["batch_size", "seed"]].drop_duplicates().to_numpy().tolist() == [[2000, 0], [2000, 1], [16, 0]]
    assert {*found.columns["column"]} == {*columns(fabricated.ACCURACY)} and found.summary["batch_sizes"] == [2000, 16]
    assert found.summary["noise"]["pairs"] == noise.PAIRS and found.summary["sharpness"]["epsilons"] == [1e-3, 5e-4]
    check_cells(found.cells, project)
    check_updates(found)
    assert len(found.steps) == 2 * 3 * len(updates.PARTS) * updates.STEP_DRAWS
    assert found.steps["update_batch_size"].tolist() == [256] * 48 + [16] * 24
    assert (found.steps["relative_distance"] > 0).all() and found.steps["cosine"].between(-1, 1).all()


def check_cells(cells: pd.DataFrame, project: Path) -> None:
    assert (cells["learning_rate"] == [1200 / 128, 1200 / 128, 16 / 128]).all()
    assert (cells["two_over_rate"] == 2 / cells["learning_rate"]).all()
    last = cells.iloc[2]
    result, _ = run_result.load(shards.content(project / "data/runs/small", "m16_lr0.125_seed0"))
    assert (last["train_loss"], last["test_accuracy"]) == (
        result.metrics["loss"][-1, 0],
        result.metrics["accuracy"][-1, 2],
    )
    trainer = trainers.load(digits(), recipe())
    start = network.start(trainer.build(0), 0)
    assert last["distance"] == pytest.approx(np.linalg.norm(flat(list(result.weights.values())) - flat(start)))
    assert last["distance_relative"] == pytest.approx(last["distance"] / np.linalg.norm(flat(start)))
    assert cells["noise_scale"].between(cells["noise_scale_low"], cells["noise_scale_high"]).all()
    assert cells["noise_scale"].to_numpy() == pytest.approx(cells["noise_trace"] / cells["gradient_norm_squared"])
    assert cells["noise_scale_start"][0] == cells["noise_scale_start"][2] != cells["noise_scale_start"][1]
    assert (cells["sharpness_0_001"] > cells["sharpness_0_0005"]).all() and (cells["sharpness_0_0005"] > 0).all()


def check_updates(found: landscape_files.Landscape) -> None:
    """Claim L3 where the gradient is large: the mean to 15 %, and the trace to 30 %, of what the paper says."""
    at_start = found.updates[found.updates["weights"] == "start"]
    assert len(found.updates) == 2 * len(at_start) == 2 * 3 * 6
    assert at_start["base_learning_rate"].nunique() == 2
    assert (at_start["mean_per_example"] / at_start["expected_mean_per_example"]).between(0.85, 1.15).all()
    assert (at_start["covariance_trace"] / at_start["expected_covariance_trace"]).between(0.7, 1.3).all()


def test_a_study_that_asks_for_nothing_gets_empty_tables_without_an_engine(project) -> None:
    engines = "assert not {'jax', 'tensorflow'} & {*sys.modules}"
    code = f"import sys; from stages import landscape; landscape.main(sys.argv[1]); {engines}"
    command = [sys.executable, "-c", code, "none"]
    subprocess.run(command, cwd=project, env={"PYTHONPATH": str(ROOT)}, check=True)
    found = landscape_files.read(project / "data/landscapes/none")
    assert [len(table) for table in (found.cells, found.updates, found.steps)] == [0, 0, 0]
    assert found.cells.columns.tolist() == list(tables(fabricated.ACCURACY)["cells"])
    assert found.summary == {"study": "none", "batch_sizes": []}


def test_a_missing_or_damaged_file_is_told(tmp_path, project) -> None:
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\); run .*evaluate@small`"):
        chosen(tmp_path / "small", [16])
    with pytest.raises(UserError, match=r"batch_sizes\.csv is of another grid; run .*evaluate@small`"):
        chosen(project / "data/tables/small", [16, 128])
    with pytest.raises(UserError, match=r"cannot be read \(No such .*\); run `dvc repro --force landscape@"):
        landscape_files.read(tmp_path)
    stage_outputs.write(tmp_path, output.files("small", fabricated.ACCURACY, [], {}, {}))
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(UserError, match=r"summary\.json is damaged .*; run `dvc repro --force landscape@"):
        landscape_files.read(tmp_path)


def test_a_batch_size_without_a_chosen_rate_is_left_out(tmp_path) -> None:
    table = "batch_size,effective_batch_size,selected_by,base_learning_rate,learning_rate\n"
    table += "4,4,none: no rate with every run ok,,\n8,8,validation,0.1,0.8\n2000,1200,validation,0.3,360.0\n"
    stage_outputs.write(tmp_path, {"study.json": b"{}", "batch_sizes.csv": table.encode()})
    found = chosen(tmp_path, [2000, 4, 8])
    assert found == [grid.Cell(2000, 1200, 0.3, 360.0), grid.Cell(8, 8, 0.1, 0.8)]
