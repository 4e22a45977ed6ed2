"""What is said of the critical batch size and of the learning-rate laws, of planted truths, as fits.json has them."""

import json
from typing import Any

import numpy as np
import pytest

from batchwise.common.serialization import as_json
from batchwise.report.figures.laws import updates_to_targets
from batchwise.report.sentences import laws
from batchwise.statistics.critical_batch_size import critical_batch_size, regimes
from batchwise.statistics.learning_rate_laws import learning_rate_law
from benchmarks.truths.critical_batch_size import Truth, runs
from tests.fabricated import ACCURACY


def written(**fits: Any) -> dict[str, Any]:
    return json.loads(as_json(fits))


def of_target(truth: Truth) -> dict[str, Any]:
    """Return the fits of a study with one target, of a planted truth."""
    found = critical_batch_size(*runs(truth, np.random.default_rng(2)))
    names = regimes(np.array(truth.batch_sizes), found.batch_size.value)
    more = {"left_out": [1], "regimes": dict(zip(map(str, truth.batch_sizes), names, strict=True))}
    return written(critical_batch_size={"0.9": found._asdict() | more})


def said(truth: Truth) -> str:
    (text,) = laws.critical(of_target(truth), ACCURACY)
    return text


def test_a_law_that_holds_is_told_with_its_interval_and_fit() -> None:
    text = said(Truth(scatter=0.0, rates=1))
    assert (
        text.startswith("Target 90.0 %: S(m) = S_min (1 + B/m) with B = ") and ", by 55 runs at 11 batch sizes." in text
    )
    assert "no more than seeds and evaluations let expect (lack of fit: p = 0." in text and "residuals from −" in text
    assert "No break of the law could be told (p = " in text and "). Perfect scaling: m = 2, 4, 8" in text
    assert text.endswith("Left out, since not half of the runs get there, or all do in the first epoch: m = 1.")
    assert "R²" not in text


def test_a_law_that_breaks_says_where() -> None:
    truth = Truth(scatter=0.0, rates=1, last=2.0)
    text = said(truth)
    assert "Beyond seeds and evaluations the batch sizes scatter about it by a factor of 1." in text
    assert "(lack of fit: p < 0.001; " in text
    assert (
        "It breaks at m = 2,048: " in text and " times the updates that the law of the others predicts (p < 0." in text
    )
    assert laws.residual(of_target(truth), 0.9, 2048).endswith(" %, breaks")
    assert laws.residual(of_target(truth), 0.9, 4).endswith(" %")
    assert laws.residual(of_target(truth), 0.9, 4096) == "–"


def test_few_batch_sizes_and_one_seed_say_what_they_cannot_tell() -> None:
    text = said(Truth(batch_sizes=(32, 128, 512), seeds=1))
    assert "Where the law breaks takes five batch sizes to tell." in text and "; one seed)" in text
    text = said(Truth(batch_sizes=(128, 512)))
    assert text.startswith("Target 90.0 %: no fit, since it takes three batch sizes. Left out")


def test_the_limits_of_the_law_have_open_ends() -> None:
    text = said(Truth(batch_size=1e9, updates_min=1e-4, scatter=0.0))
    assert " or more) rows and S_min = " in text and " (0 to " in text
    text = said(Truth(batch_size=0, updates_min=200, scatter=0.0))
    assert "with B = 0 (0 to " in text
    m = np.array([1.0, 2, 4, 8, 16])
    found = critical_batch_size(m, np.zeros(5), 999 / m, 1000 / m)
    (text,) = laws.critical(
        written(critical_batch_size={"0.9": found._asdict() | {"left_out": [], "regimes": {}}}), ACCURACY
    )
    assert " or more (95 %) rows and S_min = 0 (0 to " in text


def test_the_figure_has_a_look_for_each_target_that_fits_and_none_without_one() -> None:
    fit = of_target(Truth(scatter=0.0, last=2.0))["critical_batch_size"]["0.9"]
    drawn = updates_to_targets({str(target): fit for target in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)}, ACCURACY)
    assert "target 60.0 %" in drawn and "target 95.0 %" in drawn and "target 50.0 %" not in drawn
    assert updates_to_targets({"0.9": fit | {"departures": []}}, ACCURACY) == ""
    assert updates_to_targets({}, ACCURACY) == ""


M = 2.0 ** np.arange(1, 12)


@pytest.mark.parametrize(
    ("rates", "sizes", "expected"),
    [
        (M**0.5, 11, "the power law predicts better, clearly (p"),
        (1 / (1 + 60 / M), 11, "the one that saturates predicts better, clearly (p"),
        (M, 11, " octaves, the one that saturates by "),
        (M, 4, "Which of the two predicts better takes five batch sizes to tell."),
        (M, 2, "The learning-rate law is not decided: 2 batch sizes have a best η inside the grid (1 batch size at"),
    ],
)
def test_the_laws_of_the_learning_rate_are_told_with_the_one_that_predicts(rates, sizes, expected) -> None:
    noise = 2.0 ** np.random.default_rng(1).normal(0, 0.1, len(M))
    edge = np.arange(len(M)) == sizes
    law = learning_rate_law(M[: sizes + 1], (rates * noise)[: sizes + 1], edge[: sizes + 1], 0.25)
    text = laws.learning_rates(written(learning_rate_law=law))
    assert expected in text
    if sizes > 2:
        assert "to the power" in text and "η* = η_max/(1 + B/m), η_max is " in text
    if rates is M and sizes > 2:
        assert "B is" in text and " or more" in text
