"""Each claim on made-up tables in which it is right, wrong, and open; and no verdicts out of nothing."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from batchwise.claims import evidence, verdicts
from batchwise.claims.evidence import Comparison, all_of
from batchwise.claims.field import speed
from batchwise.claims.verdicts import CONTRADICTED, NOT_DECIDED, SUPPORTED
from batchwise.common.repository import ROOT
from batchwise.statistics.fits import Estimate
from tests.fabricated_studies import costs, profile, study

CLAIMS = verdicts.read(ROOT / "reports/claims.csv")
BY_ID = {claim.id: claim for claim in CLAIMS}


def verdict(claim: str, *studies) -> str:
    """Return the verdict on one claim, judged by itself."""
    return next(iter(verdicts.judge([BY_ID[claim]], list(studies)).values())).verdict


def noisy(mean, scale=0.002, salt=0) -> Callable:
    """Return an accuracy by (m, η̃, seed) around `mean` of (m, η̃), with noise of its own for each run and salt."""

    def value(m, rate, seed):
        return mean(m, rate) + scale * np.random.default_rng([m, int(rate * 2**30), seed, salt]).normal()

    return value


def of_size(values, scale=0.002) -> Callable:
    return noisy(lambda m, rate: values[m], scale)


# B: counted

COUNTED = {"input_shape": ["16 30", "256 30"], "updates_per_epoch": [63, 4]}


def test_b1_rows() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study(profile=profile({16: 1, 256: 1}, **COUNTED | {"input_shape": ["16 30", "30 256"]}))
    assert verdict("B1", right) == SUPPORTED
    assert verdict("B1", right, wrong) == CONTRADICTED
    assert verdict("B1", study()) == NOT_DECIDED


def test_b2_updates() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study(profile=profile({16: 1, 256: 1}, **COUNTED | {"updates_per_epoch": [62, 4]}))
    assert verdict("B2", right) == SUPPORTED
    assert verdict("B2", wrong) == CONTRADICTED
    assert verdict("B2", study()) == NOT_DECIDED


def test_b3_more_than_all_rows() -> None:
    same = study(sizes=(16, 1000, 10**9))
    other = study(sizes=(16, 1000, 10**9))
    other.tables.runs.loc[other.tables.runs["batch_size"].eq(10**9), "train_loss"] += 1e-7
    assert verdict("B3", same) == SUPPORTED
    assert verdict("B3", same, other) == CONTRADICTED
    assert verdict("B3", study(sizes=(16, 1000))) == NOT_DECIDED


# S and P: time

SIZES = (2, 8, 32, 128, 512)


@pytest.mark.parametrize(
    ("power", "spread", "expected"), [(-0.5, 0.02, SUPPORTED), (0.5, 0.02, CONTRADICTED), (0, 0.5, NOT_DECIDED)]
)
def test_s1_epochs(power, spread, expected) -> None:
    """An epoch takes m^power seconds, an update m times as much by the rows of an epoch."""
    updates = {m: m ** (1 + power) for m in SIZES}
    assert verdict("S1", study(sizes=SIZES, profile=profile(updates, spread=spread))) == expected


def test_s1_the_largest_has_to_be_faster_than_the_middle_too() -> None:
    updates = {2: 2.0, 128: 12.8, 512: 102.4}  # seconds; so an epoch takes 1,000, 100 and 200
    assert verdict("S1", study(sizes=list(updates), profile=profile(updates))) == CONTRADICTED


def test_s1_counts_the_last_update_by_itself() -> None:
    """Of 1,000 rows, m = 999 has an update of 1 row beside: were it counted by its rows, it would cost nothing."""
    made = study(sizes=(500, 999), profile=profile({500: 1.0, 999: 1.1}))
    ragged = made.profile.repetitions[made.profile.repetitions["batch_size"].eq(999)].assign(part="ragged", seconds=1.1)
    assert verdict("S1", made) == SUPPORTED
    made.profile.repetitions = pd.concat([made.profile.repetitions, ragged])
    assert verdict("S1", made) == CONTRADICTED


@pytest.mark.parametrize(
    ("ratio", "spread", "expected"), [(1.2, 0.05, SUPPORTED), (2.4, 0.05, CONTRADICTED), (2.0, 0.3, NOT_DECIDED)]
)
def test_s2_double(ratio, spread, expected) -> None:
    assert verdict("S2", study(sizes=(8, 16), profile=profile({8: 1, 16: ratio}, spread=spread))) == expected


def test_processes_that_differ_by_chance_decide_nothing() -> None:
    """Repetitions that agree to a percent, in processes that are slower by up to a half, whatever their m."""
    times = {8: 1.0, 16: 1.5, 17: 1.0, 32: 1.9, 33: 3.2, 64: 4.1, 65: 5.7, 128: 8.0, 129: 12.0}
    made = study(sizes=list(times), profile=profile(times, spread=0.01))
    assert verdict("S3", made) == NOT_DECIDED
    spread = speed.between_processes([made])[True]
    ratios = [17 / 16, 33 / 32, 65 / 64, 129 / 128]
    logs = np.log([1.0 / 1.5, 3.2 / 1.9, 5.7 / 4.1, 12.0 / 8.0]) - np.log(ratios)
    assert spread.deviation == pytest.approx(np.std(logs, ddof=1), rel=0.05) and spread.degrees == 3


def test_the_spread_between_processes_widens_an_interval_as_a_simulation_does() -> None:
    """95 % intervals of a ratio of two processes hold the truth, 1, in 95 % of 400 pairs of noisy processes."""
    random, held = np.random.default_rng(1), 0
    for _ in range(400):
        seen = random.normal(0, 0.2, 9)
        spread = evidence.Spread(float(np.std(seen, ddof=1)), 8)
        ratio = np.exp(random.normal(0, 0.2) + random.normal(0, 0.05))
        estimate = Estimate(*(ratio * np.exp([0, -0.05 * 1.96, 0.05 * 1.96])))
        one = evidence.ratio_below("s", "w", "u", estimate, 1.0, 31, spread)
        held += one.low < 1 < one.high
    assert stats.binom.ppf(0.001, 400, 0.95) <= held <= stats.binom.ppf(0.999, 400, 0.95)


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.0, 0.02, SUPPORTED), (1.4, 0.02, CONTRADICTED), (1.1, 0.3, NOT_DECIDED)]
)
def test_s3_powers_of_two(slower, spread, expected) -> None:
    seconds = {16: 16, 17: 17 * slower, 64: 64, 65: 65 * slower, 96: 96, 100: 100 * slower}
    assert verdict("S3", study(profile=profile(seconds, spread=spread))) == expected


def test_s3_leaves_out_batches_in_parts() -> None:
    slow = profile({16: 16, 17: 34})
    assert verdict("S3", study(profile=slow)) == CONTRADICTED
    assert verdict("S3", study(profile=slow, changes={"accumulation": 4})) == NOT_DECIDED


@pytest.mark.parametrize(("factor", "expected"), [(100, SUPPORTED), (0, NOT_DECIDED)])
def test_s4_seconds(factor, expected) -> None:
    """m = 16 is ahead at any epoch; an epoch of m = 256 takes a hundredth of the time."""

    def curve(m, seed, epoch):
        learnt = min(0.9, 0.1 + 0.05 * epoch * (1.4 if m == 16 else 1))
        return 1.0, learnt + 0.001 * np.random.default_rng([m, seed, epoch]).normal()

    seconds = {16: 1.0 if factor else 0.01, 256: 0.01}
    assert verdict("S4", study(curve=curve, costs=costs(seconds))) == expected


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.5, 0.02, SUPPORTED), (0.8, 0.02, CONTRADICTED), (1.0, 0.3, NOT_DECIDED)]
)
def test_s5_types(slower, spread, expected) -> None:
    made = profile({16: 1, 256: 2}, spread=spread, other_type=("float64", slower))
    assert verdict("S5", study(profile=made)) == expected


@pytest.mark.parametrize(
    ("beside", "spread", "expected"), [(1.05, 0.02, SUPPORTED), (2.0, 0.02, CONTRADICTED), (1.33, 0.3, NOT_DECIDED)]
)
def test_p1_side_by_side(beside, spread, expected) -> None:
    assert verdict("P1", study(profile=profile({16: 1, 256: 2}, spread=spread, side_by_side=beside))) == expected


# M: memory


def doubled(per_row: float, ended: bool = True, noise: float = 1e3) -> list:
    random = np.random.default_rng(5)
    fits = [(2**k, "fits", 5e8 + per_row * 2**k + noise * random.normal()) for k in range(8, 16)]
    return [*fits, (2**16, "out_of_memory", np.nan)] if ended else fits


def test_m1_memory_grows() -> None:
    made = [
        study(profile=profile({16: 1}, doubling=doubled(row, noise=n)))
        for row, n in ((1e4, 1e3), (-1e4, 1e3), (0, 1e7))
    ]
    assert [verdict("M1", one) for one in made] == [SUPPORTED, CONTRADICTED, NOT_DECIDED]
    assert verdict("M1", study(profile=profile({16: 1}, doubling=doubled(1e4, ended=False)))) == CONTRADICTED
    failed = [*doubled(1e4, ended=False), (2**16, "failed", np.nan)]  # that is no end of memory, and no proof of none
    assert verdict("M1", study(profile=profile({16: 1}, doubling=failed))) == SUPPORTED
    assert verdict("M1", study()) == NOT_DECIDED


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, SUPPORTED), (0.8, 0.002, CONTRADICTED), (0.89, 0.05, NOT_DECIDED)]
)
def test_m2_smaller_cures(small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale), profile=profile({16: 1}, doubling=doubled(1e4)))
    assert verdict("M2", made) == expected


@pytest.mark.parametrize(
    ("factor", "scale", "expected"), [(1, 1e-4, SUPPORTED), (1.1, 1e-4, CONTRADICTED), (1, 0.05, NOT_DECIDED)]
)
def test_m3_accumulation(factor, scale, expected) -> None:
    whole = study("whole", loss=noisy(lambda m, rate: 1.0, 1e-6))
    parts = study("parts", loss=noisy(lambda m, rate: factor, scale), changes={"accumulation": 4})
    assert verdict("M3", whole, parts) == expected
    assert verdict("M3", whole) == NOT_DECIDED


# Q: quality


def falling(rate, more=0.0, scale=0.01) -> Callable:
    """Return a curve of the training loss that falls with the updates (of 1,000 rows), and of accuracy."""

    def curve(m, seed, epoch):
        updates = epoch * -(-1000 // m)
        noise = scale * np.random.default_rng([m, seed, epoch]).normal()
        return 2 * np.exp(-rate * updates) + (more if m > 100 else 0) + noise, 0.5

    return curve


@pytest.mark.parametrize(
    ("rate", "more", "scale", "expected"),
    [(0.01, 0, 0.01, SUPPORTED), (0, -0.5, 0.01, CONTRADICTED), (0, 0, 0.5, NOT_DECIDED)],
)
def test_q1_equal_epochs(rate, more, scale, expected) -> None:
    assert verdict("Q1", study(scaling="none", curve=falling(rate, more, scale))) == expected


@pytest.mark.parametrize(
    ("more", "scale", "expected"), [(0, 0.01, SUPPORTED), (0.8, 0.01, CONTRADICTED), (0.3, 0.8, NOT_DECIDED)]
)
def test_q2_equal_updates(more, scale, expected) -> None:
    """m = 16 makes 126 updates in 2 epochs, m = 128 in 16 of its 20 epochs."""
    made = study(sizes=(16, 128), scaling="none", curve=falling(0.005, more, scale))
    assert verdict("Q2", made) == expected


@pytest.mark.parametrize(
    ("rows", "scale", "expected"), [(0, 0.0001, SUPPORTED), (8, 0.001, CONTRADICTED), (1, 0.02, NOT_DECIDED)]
)
def test_q3_same_result(rows, scale, expected) -> None:
    values = {1: 0.9, 100: 0.9, 1000: 0.9 - rows / 400}
    made = study(sizes=(1, 100, 10**9), accuracy=of_size(values, scale), validation_rows=0, scaling="none")
    assert verdict("Q3", made) == expected


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"), [(0.901, 0.001, SUPPORTED), (0.85, 0.002, CONTRADICTED), (0.89, 0.03, NOT_DECIDED)]
)
def test_q4_a_few(of_64, scale, expected) -> None:
    made = study(sizes=(16, 32, 64), accuracy=of_size({16: 0.9, 32: 0.9, 64: of_64}, scale))
    assert verdict("Q4", made) == expected


def to_target(epochs: dict[int, list[float]]) -> SimpleNamespace:
    """Return the costs of runs that need so many epochs to 90 %; NaN for a run that is not there after 20."""
    runs = pd.DataFrame(
        [(0.9, m, 0.01, seed, value) for m, values in epochs.items() for seed, value in enumerate(values)],
        columns=["target", "batch_size", "base_learning_rate", "seed", "epochs"],
    )
    rows = [(0.9, m, 0.01, 5, int(np.isfinite(values).sum()), np.median(values), 20) for m, values in epochs.items()]
    names = ["target", "batch_size", "base_learning_rate", "runs", "reached", "epochs", "epochs_trained"]
    return costs({}, target_runs=runs, targets=pd.DataFrame(rows, columns=names))


@pytest.mark.parametrize(
    ("large", "expected"),
    [
        ([17, 18, 19, 18, 17], SUPPORTED),
        ([np.nan] * 5, SUPPORTED),
        ([1, 2, 1, 2, 1], CONTRADICTED),
        ([2, 16, 6, 1, 12], NOT_DECIDED),
    ],
)
def test_q5_small_and_fast(large, expected) -> None:
    assert verdict("Q5", study(costs=to_target({16: [4, 5, 5, 6, 5], 256: large}))) == expected


def test_q5_needs_a_target_that_the_small_batch_reaches() -> None:
    assert verdict("Q5", study(costs=to_target({16: [4, 5, 5, 6, np.nan], 256: [9] * 5}))) == NOT_DECIDED


# G and N


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, SUPPORTED), (0.87, 0.002, CONTRADICTED), (0.9, 0.02, NOT_DECIDED)]
)
@pytest.mark.parametrize("claim", ["G1", "G3"])
def test_g1_g3_small_is_better(claim, small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale))
    assert verdict(claim, made) == expected
    if expected == SUPPORTED:  # one study that says the contrary is enough
        assert verdict(claim, made, study("two", accuracy=of_size({16: 0.8, 256: 0.9}))) == CONTRADICTED


def landscape(sharper: float, worse: float, scale: float) -> SimpleNamespace:
    """Return cells in which the loss is sharper at m = 256, by a factor, and the test accuracy lower."""
    random = np.random.default_rng(1)
    rows = [
        (
            m,
            seed,
            *(f * np.exp(scale * random.normal()) for f in (factor,) * 3),
            accuracy + 0.01 * scale * random.normal(),
        )
        for m, factor, accuracy in ((16, 1.0, 0.9), (256, sharper, 0.9 - worse))
        for seed in range(5)
    ]
    names = ["batch_size", "seed", "sharpness_0_001", "sharpness_0_0005", "hessian_largest", "test_accuracy"]
    empty = pd.DataFrame()
    return SimpleNamespace(cells=pd.DataFrame(rows, columns=names), updates=empty, steps=empty)


@pytest.mark.parametrize(
    ("sharper", "worse", "scale", "expected"),
    [(4, 0.05, 0.1, SUPPORTED), (0.25, 0.05, 0.1, CONTRADICTED), (1, 0, 1, NOT_DECIDED)],
)
def test_g2_sharp_minima(sharper, worse, scale, expected) -> None:
    assert verdict("G2", study(landscape=landscape(sharper, worse, scale))) == expected


NORMALISED = {"model": {"name": "cnn", "normalization": "batch"}}


@pytest.mark.parametrize(
    ("of_parts", "of_size_16", "scale", "expected"),
    [(0.85, 0.8, 0.002, SUPPORTED), (0.9, 0.9, 0.001, CONTRADICTED), (0.9, 0.9, 0.05, NOT_DECIDED)],
)
def test_n1_two_batches(of_parts, of_size_16, scale, expected) -> None:
    whole = study("whole", sizes=(16, 64), accuracy=of_size({16: of_size_16, 64: 0.9}, scale), changes=NORMALISED)
    changes = NORMALISED | {"accumulation": 4}
    parts = study("parts", sizes=(64,), accuracy=noisy(lambda m, rate: of_parts, scale, 1), changes=changes)
    assert verdict("N1", whole, parts) == expected


# L: learning rates

RATES = tuple(2.0**-k for k in range(8))


def trains_up_to(edge, scale=0.001) -> Callable:
    """Return accuracies that are good up to the rate `edge` of m, and bad above."""
    return noisy(lambda m, rate: 0.9 if rate <= edge(m) else 0.3, scale)


@pytest.mark.parametrize(
    ("edge", "expected"),
    [(lambda m: 1 / m, SUPPORTED), (lambda m: m / 64, CONTRADICTED), (lambda m: 0.25, NOT_DECIDED)],
)
@pytest.mark.parametrize("claim", ["L1", "L2"])
def test_l1_l2_range(claim, edge, expected) -> None:
    def jittered(m, rate, seed):
        """Where the edge does not move, it does so by seed and m alone."""
        moved = 2.0 ** np.random.default_rng([m, seed]).integers(-1, 2)
        return trains_up_to(lambda m: edge(m) * moved)(m, rate, seed)

    assert verdict(claim, study(sizes=(2, 8, 32), rates=RATES, accuracy=jittered)) == expected


def sampled(exponent: float, scale: float) -> SimpleNamespace:
    """Return sampled updates whose covariance goes with η̃²·m to the power `exponent`."""
    random = np.random.default_rng(2)
    rows = [
        (
            seed,
            16,
            m,
            base,
            base * np.exp(scale * random.normal()),
            (base**2 * m) ** exponent * np.exp(scale * random.normal()),
        )
        for seed in range(5)
        for m in (4, 16, 64)
        for base in (0.01, 0.04)
    ]
    names = ["seed", "batch_size", "update_batch_size", "base_learning_rate", "mean_per_example", "covariance_trace"]
    empty = pd.DataFrame()
    return SimpleNamespace(cells=empty, updates=pd.DataFrame(rows, columns=names).assign(weights="final"), steps=empty)


@pytest.mark.parametrize(
    ("exponent", "scale", "expected"), [(1, 0.05, SUPPORTED), (1.5, 0.05, CONTRADICTED), (1.1, 0.9, NOT_DECIDED)]
)
def test_l3_updates(exponent, scale, expected) -> None:
    assert verdict("L3", study(landscape=sampled(exponent, scale))) == expected


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [((1.0, 0.95, 1.05), SUPPORTED), ((0.4, 0.35, 0.45), CONTRADICTED), ((0.9, 0.4, 1.4), NOT_DECIDED)],
)
def test_l4_law(exponent, expected) -> None:
    assert verdict("L4", study(costs=costs({}, exponent))) == expected
    adam = study("adam", costs=costs({}, exponent), changes={"optimizer": {"name": "adam"}})
    assert verdict("L4", adam) == {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED}.get(expected, expected)


@pytest.mark.parametrize(("distance", "expected"), [(0.03, SUPPORTED), (0.3, CONTRADICTED), (0.1, NOT_DECIDED)])
def test_l4_steps(distance, expected) -> None:
    steps = pd.DataFrame({"seed": range(5), "parts": 2, "relative_distance": distance + 0.02 * np.arange(-2, 3)})
    made = SimpleNamespace(cells=pd.DataFrame(), updates=pd.DataFrame(), steps=steps)
    assert verdict("L4", study(landscape=made)) == expected


@pytest.mark.parametrize(
    ("edge", "of_adam", "expected"), [(0.1, 0.9, SUPPORTED), (0.9, 0.1, CONTRADICTED), (0.1, 0.101, NOT_DECIDED)]
)
def test_l5_adaptive(edge, of_adam, expected) -> None:
    def jittered(edge):
        """The edge of the range, moved by an octave for some seeds."""

        def value(m, rate, seed):
            moved = edge * 2.0 ** np.random.default_rng([seed, int(edge * 10_000)]).integers(-1, 2)
            return trains_up_to(lambda m: moved)(m, rate, seed)

        return value

    plain = study("plain", rates=RATES, accuracy=jittered(edge))
    adam = study("adam", rates=RATES, accuracy=jittered(of_adam), changes={"optimizer": {"name": "adam"}})
    assert verdict("L5", plain, adam) == expected


@pytest.mark.parametrize("claim", ["D1", "D2"])
def test_what_is_not_measured_names_the_study_to_run(claim) -> None:
    assert verdict(claim, study()) == NOT_DECIDED and BY_ID[claim].needs


# All of them


def test_every_claim_has_a_function_and_a_criterion_and_no_other() -> None:
    assert [claim.id for claim in CLAIMS] == list(verdicts.MEASURES)
    assert all(claim.id[0] in verdicts.SECTIONS and claim.question.endswith("?") and claim.needs for claim in CLAIMS)
    assert all("n: " in claim.criterion for claim in CLAIMS if claim.id not in ("D1", "D2"))


def test_without_studies_nothing_is_decided() -> None:
    assert {one.verdict for one in verdicts.judge(CLAIMS, []).values()} == {NOT_DECIDED}


def test_without_any_effect_pages_with_a_false_verdict_are_rare() -> None:
    """200 pages, of accuracies and curves that depend on nothing: at most 5 % (and what chance adds) have a verdict."""
    false = 0
    asked = [claim for claim in CLAIMS if claim.id in ("Q1", "G1", "G3", "L1", "L2", "L5", "G2", "S1", "S4")]
    for page in range(200):
        random = np.random.default_rng([page, 77])

        def accuracy(m, rate, seed, random=random):
            return 0.9 + 0.03 * random.normal()

        def curve(m, seed, epoch, random=random):
            return 1 + 0.1 * random.normal(), 0.9 + 0.03 * random.normal()

        seconds = {m: np.exp(0.1 * random.normal()) for m in SIZES}
        updates = profile({m: float(m) for m in SIZES}, spread=0.1, salt=page)
        shape = landscape(1, 0, 0.5)
        shape.cells[list(shape.cells)[2:]] = np.exp(0.5 * random.normal(size=(10, 4)))
        made = {"sizes": SIZES, "rates": RATES[:4], "accuracy": accuracy, "curve": curve}
        studies = [
            study("sgd", costs=costs(seconds), profile=updates, landscape=shape, **made),
            study("adam", changes={"optimizer": {"name": "adam"}}, **made),
            study("one_rate", scaling="none", **made | {"rates": (0.1,)}),
        ]
        judged = verdicts.judge(asked, studies)
        assert all(one.evidence.comparisons for one in judged.values())
        false += any(one.verdict != NOT_DECIDED for one in judged.values())
    assert false <= stats.binom.ppf(0.99, 200, 0.05)


def test_holm_makes_a_verdict_harder_by_the_number_of_claims() -> None:
    weak = study(accuracy=of_size({16: 0.914, 256: 0.9}, 0.007), scaling="none", curve=falling(0, 0, 0.5))
    alone = verdicts.judge([BY_ID["G1"]], [weak])[BY_ID["G1"]]
    among = verdicts.judge(CLAIMS, [weak])[BY_ID["G1"]]
    assert alone.p < among.p


# Evidence


def test_comparisons_have_the_p_values_of_scipy_and_statsmodels() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 7)
    one = evidence.above("study", "what", "unit", values, 0.1)
    assert one.p_for == pytest.approx(stats.ttest_1samp(values, 0.1, alternative="greater").pvalue)
    assert one.p_for + one.p_against == pytest.approx(1)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx(tuple(expected))
    two = evidence.within("study", "what", "unit", values, 2.0)
    assert two.p_for == pytest.approx(ttost_paired(values, np.zeros(7), -2.0, 2.0)[0])


@pytest.mark.parametrize("degrees", [3, np.inf])
def test_an_estimate_is_above_its_own_bound_with_a_p_value_of_a_fortieth(degrees) -> None:
    estimate = Estimate(1.0, 0.2, 1.8)
    assert evidence.estimate_above("s", "w", "u", estimate, 0.2, 5, degrees).p_for == pytest.approx(0.025)
    assert evidence.estimate_above("s", "w", "u", estimate, 1.8, 5, degrees).p_against == pytest.approx(0.025)
    inside = evidence.estimate_within("s", "w", "u", estimate, 1.0, 0.8, 5, degrees)
    assert inside.p_for == pytest.approx(0.025) and inside.p_against == pytest.approx(1.0)


def test_what_has_no_interval_decides_nothing() -> None:
    nothing = Estimate(1.0, np.nan, np.nan)
    for one in (
        evidence.estimate_above("s", "w", "u", nothing, 0, 2, 0),
        evidence.ratio_below("s", "w", "u", nothing, 2.0, 1),
        evidence.above("s", "w", "u", np.array([3.0])),
        evidence.within("s", "w", "u", np.array([np.nan, 0.0]), 1.0),
    ):
        assert (one.p_for, one.p_against) == (1.0, 1.0)


@pytest.mark.parametrize(("distance", "claims"), [(0.5, 1), (2.0, 26)])
def test_as_many_seeds_as_are_said_to_be_needed_decide_four_times_in_five(distance, claims) -> None:
    random = np.random.default_rng(3)
    one = evidence.above("s", "w", "u", stats.zscore(random.normal(size=6), ddof=1) + distance)
    needed = int(evidence.seeds_needed(one, claims))

    def power(seeds: int) -> float:
        p = stats.ttest_1samp(random.normal(distance, 1, (20_000, seeds)), 0, axis=1).pvalue
        return (p < 0.05 / claims).mean()

    assert power(needed) > 0.79 and power(needed - 1) < 0.81


def test_no_number_of_seeds_is_needed_where_none_helps() -> None:
    values = np.array([1.0, -1.0, 0.5, -0.5])
    assert evidence.seeds_needed(evidence.above("s", "w", "u", values), 26) == np.inf
    assert np.isnan(evidence.seeds_needed(evidence.above("s", "w", "u", np.ones(4)), 26))
    assert np.isnan(evidence.seeds_needed(evidence.exact("s", "w", "u", 0, 4), 26))


def test_equal_seeds_have_no_doubt() -> None:
    assert evidence.above("s", "w", "u", np.full(4, 0.5))[-3:-1] == (0.0, 1.0)
    assert evidence.above("s", "w", "u", np.zeros(4))[-3:-1] == (1.0, 1.0)
    assert evidence.within("s", "w", "u", np.zeros(4), 1.0)[-3:-1] == (0.0, 1.0)


def test_all_have_to_say_so_and_one_can_say_no() -> None:
    def one(p_for, p_against):
        return Comparison("s", "w", "u", 0, 0, 0, 2, "seeds", p_for, p_against, (0, 1))

    found = all_of([one(0.01, 0.99), one(0.2, 0.8), one(0.7, 0.1)])
    assert (found.p_for, found.p_against) == (0.7, pytest.approx(0.3))
    assert (all_of([]).p_for, all_of([]).p_against) == (1, 1)
