"""The table of evidence: read back as it was written, and refused where it is damaged."""

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.claims import evidence
from batchwise.claims.evidence import COLUMNS, Evidence
from batchwise.claims.verdicts import judge
from batchwise.common.errors import UserError
from batchwise.statistics.intervals import Estimate
from tests.claims.pages import COUNTED, ONE, PAGES, TESTED

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(['a, "b"', "η̃ → m", ""])
ANY = st.builds(
    lambda one, effect, seconds, what: replace(one, effect=Estimate(*effect), seconds=seconds, what=what),
    TESTED | COUNTED,
    st.tuples(st.floats(), st.floats(), st.floats()),
    st.floats(min_value=0) | st.just(math.nan),
    TEXT,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("evidence") / "evidence.csv"


@given(st.lists(ANY, max_size=6))
def test_what_is_written_is_read_back(path: Path, page: list[Evidence]) -> None:
    path.write_bytes(evidence.as_table(page))
    plain = [replace(one, rule=str(one.rule), scale=str(one.scale)) for one in page]
    assert repr(evidence.read(path)) == repr(plain)  # NaN is no other than NaN
    assert evidence.as_table(evidence.read(path)) == path.read_bytes()


@given(PAGES)
def test_evidence_of_another_pipeline_has_the_verdicts_that_it_had_there(path: Path, page: list[Evidence]) -> None:
    """Infinite degrees of freedom too: a choice that is the same needs no seeds."""
    path.write_bytes(evidence.as_table(page))
    there = evidence.read(path, "paper")
    assert [(one.verdict, one.p) for one in judge(there)] == [(one.verdict, one.p) for one in judge(page)]
    assert {one.pipeline for one in there} <= {"paper"}


def test_every_field_is_a_column_but_the_folder_in_which_the_table_is() -> None:
    names = [field.name for field in fields(Evidence)]
    assert sorted({*COLUMNS} - {"low", "high"}) == sorted({*names} - {"pipeline"})
    assert evidence.as_table([]).decode().strip().split(",") == COLUMNS


def damaged(old: str, new: str) -> bytes:
    """Return a table in which something is not as it was."""
    content = evidence.as_table([ONE, ONE]).decode()
    assert old in content
    return content.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    "content",
    [
        damaged(",10,seeds", ",ten,seeds"),
        damaged(",10,seeds", ",,seeds"),
        damaged(",more,", ",much,"),
        damaged(",difference,", ",distance,"),
        damaged("margin,", "bound,"),
        damaged("G1,", 'G1,"'),
        damaged(",studies.one.grid.seeds", ""),
        damaged(",studies.one.grid.seeds", ",studies.one.grid.seeds,more"),
        damaged(",1.0,more", ",one,more"),
        b"\xff\xfe",
    ],
)
def test_a_damaged_table_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"evidence\.csv is damaged .*git restore"):
        evidence.read(path)


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        evidence.read(tmp_path / "evidence.csv")
