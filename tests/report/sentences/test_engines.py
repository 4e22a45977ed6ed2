"""What is said of the engine that trained: which it is, and of what times and memory are where runs are in lanes."""

from dataclasses import replace

import pytest

from batchwise.analysis import recommendation
from batchwise.config.recipe import LANES
from batchwise.report.sentences import choice, engines, study_facts
from tests.report.sentences.test_choice import ALIKE, MEASURED, tables_of

ON_JAX = {"engine": "jax", "lanes": None}


@pytest.mark.parametrize(
    ("given", "said", "number"),
    [
        ({"engine": "tensorflow", "lanes": None}, "TensorFlow", 1),
        ({"engine": "jax", "lanes": 1}, "JAX", 1),
        ({"engine": "jax", "lanes": 16}, "JAX with 16 runs at once", 16),
        (ON_JAX, f"JAX with {LANES} runs at once", LANES),
    ],
)
def test_the_engine_has_its_name_and_its_lanes(given, said, number) -> None:
    assert (engines.engine(given), engines.lanes(given)) == (said, number)


def test_memory_is_that_of_the_engine_that_trained() -> None:
    assert engines.of_memory({}) == "Memory is of a whole process, TensorFlow with it."
    assert engines.of_memory({"engine": "jax", "lanes": 1}) == "Memory is of a whole process, JAX with it."
    in_lanes = engines.of_memory({"engine": "jax", "lanes": 8})
    assert in_lanes == "Memory is of a whole process, JAX with it, and of all 8 lanes."


def test_seconds_are_a_share_in_lanes_alone() -> None:
    assert engines.of_times({"engine": "tensorflow", "lanes": 1}) == engines.of_times({}) == []
    (said,) = engines.of_times({"engine": "jax", "lanes": 8})
    assert "its share of those of 8 lanes" in said


def test_a_report_names_the_engine_among_its_facts_and_in_its_headline() -> None:
    plain = tables_of(ALIKE)
    assert "Engine" not in dict(study_facts.facts(plain))  # as all that is not named in params.yaml
    recipe = plain.summary["recipe"] | ON_JAX
    tables = replace(plain, summary=plain.summary | {"recipe": recipe})
    assert dict(study_facts.facts(tables))["Engine"] == "JAX with 8 runs at once, in lanes of a program"
    said = choice.sentence(tables, recommendation.whole_runs(tables, MEASURED))
    assert "takes 7.00 s of updates, as its share of 8 runs at once, and reaches 95.9 %" in said
    without = choice.sentence(tables, recommendation.whole_runs(tables, recommendation.NOTHING_MEASURED))
    assert "share" not in without
