"""The figure of several studies: each has its name, each m one place; what has no common axis is refused."""

import re
from dataclasses import replace

import pytest

from batchwise.analysis.study_tables import Tables
from batchwise.common.errors import UserError
from batchwise.report.figures import side_by_side
from tests import fabricated_reports


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Tables:
    folder = tmp_path_factory.mktemp("side_by_side")
    return fabricated_reports.results(folder, fabricated_reports.ok, fabricated_reports.profile()).tables


@pytest.fixture
def other(one) -> Tables:
    return replace(one, summary=one.summary | {"study": "another"})


def texts(picture: str) -> list[str]:
    return re.findall(r">([^<>\n]+)</text>", picture)


def test_each_study_has_its_name_and_the_bytes_are_the_same(one, other) -> None:
    picture = side_by_side.results([one, other])
    assert {one.study, "another", "batch size m (rows)"} <= {*texts(picture)}
    assert picture == side_by_side.results([one, other])


def test_labels_do_not_touch() -> None:
    assert side_by_side.labelled({2, 16, 17, 33, 32, 512}) == [2, 16, 32, 512]


def test_studies_judged_by_two_metrics_and_too_many_are_refused(one, other) -> None:
    by_loss = replace(other, summary=other.summary | {"metric": other.summary["other_metrics"][0]})
    with pytest.raises(UserError, match="name studies with one metric"):
        side_by_side.results([one, by_loss])
    with pytest.raises(UserError, match="6 studies are named; at most 5"):
        side_by_side.results([one] * 6)
