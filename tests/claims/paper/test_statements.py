"""The statements of the paper as data: complete, and refused where a row is not one."""

from pathlib import Path

import pytest

from batchwise.claims.paper import statements
from batchwise.claims.paper.comparisons import KINDS
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT

SIDES = {name: kind.sides for name, kind in KINDS.items()}
SAID = {statement.id: statement for statement in statements.read(ROOT / "paper/statements.csv", SIDES)}
IMAGENET = {"best_12", "normalization_batch_14", "falls_14"}
ROW = "a,1,s,t,falls,figure_1,,,x"
HEAD = "id,figures,setting,statement,kind,studies,low,high,source\n"
WRONG = {
    "a,1,s,t,fals,figure_1,,,x": "did you mean 'falls'",
    "a,1,s,t,falls,figure_1,0,,x": "low is '0'",
    "a,1,s,t,falls,figure_1,,many,x": "high is 'many'",
    "a,1,s,t,falls,figure_1,8,4,x": "low 8 is above high 4",
    "a,1,s,t,falls,figure-1,,,x": "studies has 'figure-1'",
    "a,1,s,t,falls,figure_1<figure_2,,,x": "falls takes 1 sides",
    "a,1,s,t,better,figure_1,,,x": "better takes 2 sides",
    "a,1,s": "row 1 does not have the columns",
    f"{ROW},more": "row 1 does not have the columns",
    f"{ROW}\n{ROW}": "same id",
    "": "has no statements",
}


@pytest.mark.parametrize("rows", WRONG)
def test_a_wrong_statement_is_told_in_a_line(rows: str, tmp_path: Path) -> None:
    (tmp_path / "said.csv").write_text(f"{HEAD}{rows}\n", encoding="utf-8")
    with pytest.raises(UserError, match=WRONG[rows]) as error:
        statements.read(tmp_path / "said.csv", SIDES)
    assert "\n" not in str(error.value)


def test_studies_are_found_by_name_or_pattern() -> None:
    names = ["figure_13a_normalization_16", "figure_13a_normalization_4", "figure_8", "figure_13b_normalization_4"]
    found = ["figure_13a_normalization_4", "figure_13a_normalization_16"]
    assert statements.resolve("figure_13a_normalization_*", names) == [[found]]
    assert statements.resolve("figure_8+figure_9<figure_1", names) == [[["figure_8"], []], [[]]]


def test_the_statements_cover_the_paper() -> None:
    assert {figure for said in SAID.values() for figure in said.figures} == {str(number) for number in range(1, 19)}
    assert {said.figures[0] for said in SAID.values()} == {str(number) for number in range(1, 19)}
    assert {said.kind for said in SAID.values()} == {*KINDS}
    assert {name for name, said in SAID.items() if not said.studies} == IMAGENET
