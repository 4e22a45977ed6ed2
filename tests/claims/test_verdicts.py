"""The ledger: every claim has its function, and no verdicts come out of nothing."""

import numpy as np
import pytest
from scipy import stats

from batchwise.claims import verdicts
from batchwise.claims.judging import NOT_DECIDED
from tests.claims.judged import BY_ID, CLAIMS, of_size, verdict
from tests.fabricated_studies import costs, falling, landscape, profile, study

SIZES, RATES = (2, 8, 32, 128, 512), tuple(2.0**-k for k in range(4))


@pytest.mark.parametrize("claim", ["D1", "D2"])
def test_what_is_not_measured_names_the_study_to_run(claim) -> None:
    assert verdict(claim, study()) == NOT_DECIDED and BY_ID[claim].needs


def test_every_claim_has_a_function_and_a_criterion_and_no_other() -> None:
    assert [claim.id for claim in CLAIMS] == list(verdicts.MEASURES)
    assert all(claim.id[0] in verdicts.SECTIONS and claim.question.endswith("?") and claim.needs for claim in CLAIMS)
    assert all("n: " in claim.criterion for claim in CLAIMS if claim.id not in ("D1", "D2"))


def test_without_studies_nothing_is_decided() -> None:
    assert {one.verdict for one in verdicts.judge(CLAIMS, []).values()} == {NOT_DECIDED}


@pytest.mark.no_cover
def test_without_any_effect_pages_with_a_false_verdict_are_rare() -> None:
    """100 pages, of accuracies and curves that depend on nothing: at most 5 % (and what chance adds) have a verdict."""
    false = 0
    asked = [claim for claim in CLAIMS if claim.id in ("Q1", "G1", "G3", "L1", "L2", "L5", "G2", "S1", "S4")]
    for page in range(100):
        random = np.random.default_rng([page, 77])

        def accuracy(m, rate, seed, random=random):
            return 0.9 + 0.03 * random.normal()

        def curve(m, seed, epoch, random=random):
            return 1 + 0.1 * random.normal(), 0.9 + 0.03 * random.normal()

        seconds = {m: np.exp(0.1 * random.normal()) for m in SIZES}
        updates = profile({m: float(m) for m in SIZES}, spread=0.1, salt=page)
        shape = landscape(1, 0, 0.5)
        shape.cells[list(shape.cells)[2:]] = np.exp(0.5 * random.normal(size=(10, 4)))
        made = {"sizes": SIZES, "rates": RATES, "accuracy": accuracy, "curve": curve}
        studies = [
            study("sgd", costs=costs(seconds), profile=updates, landscape=shape, **made),
            study("adam", changes={"optimizer": {"name": "adam"}}, **made),
            study("one_rate", scaling="none", **made | {"rates": (0.1,)}),
        ]
        judged = verdicts.judge(asked, studies)
        assert all(one.evidence.comparisons for one in judged.values())
        false += any(one.verdict != NOT_DECIDED for one in judged.values())
    assert false <= stats.binom.ppf(0.99, 100, 0.05)


def test_holm_makes_a_verdict_harder_by_the_number_of_claims() -> None:
    weak = study(accuracy=of_size({16: 0.914, 256: 0.9}, 0.007), scaling="none", curve=falling(0, 0, 0.5))
    alone = verdicts.judge([BY_ID["G1"]], [weak])[BY_ID["G1"]]
    among = verdicts.judge(CLAIMS, [weak])[BY_ID["G1"]]
    assert alone.p < among.p
