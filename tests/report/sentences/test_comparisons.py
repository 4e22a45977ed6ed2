"""Every quantity that claims compare has its words, and no other."""

import ast

import numpy as np
import pytest

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import Undecidable
from batchwise.claims.paper import comparisons as paper_comparisons
from batchwise.claims.paper.comparisons import KINDS
from batchwise.claims.paper.judging import LeftOut
from batchwise.common.repository import ROOT
from batchwise.report.sentences import comparisons, statement_kinds
from tests.claims.paper.cells import cells


def strings(folder: str) -> set[str]:
    """Return all string constants in the Python files of a folder of claims."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "batchwise/claims" / folder).glob("*.py")]
    constants = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in constants if isinstance(node.value, str)}


@pytest.mark.parametrize(("folder", "words"), [("field", comparisons.FIELD), ("paper", comparisons.PAPER)])
def test_no_words_are_left_of_what_nothing_compares(folder: str, words: dict) -> None:
    """That none is missing, the tests of each claim see: they put every comparison in words."""
    assert {*words} <= strings(folder)


def reasons() -> set[str]:
    """Return the reason of every Undecidable that is raised, from the source."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "batchwise").rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    raised = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Undecidable"]
    keys = [[node.body, node.orelse] if isinstance(node, ast.IfExp) else [node] for node in raised]
    return {ast.literal_eval(key) for pair in keys for key in pair}


def test_every_reason_why_nothing_is_compared_has_its_words() -> None:
    assert reasons() == {*comparisons.REASONS}


@pytest.mark.parametrize("attempt", ["rates", "sizes", "above", "cell"])
def test_a_reason_is_said_with_its_numbers(attempt: str) -> None:
    study = cells(np.ones((3, 1, 2)))
    attempts = {
        "rates": (lambda: paper_comparisons.range_shrinks(study, None, None), "a range takes three η̃; the grid has 1"),
        "sizes": (lambda: paper_comparisons.maintained(study, 32, None), "0 m within the bounds, of 1 that it takes"),
        "above": (lambda: paper_comparisons.reachable(study, 2, 16), "the grid has no m above 16"),
        "cell": (
            lambda: seed_values.choose(study, np.zeros(3, bool)),
            "no cell has the validation accuracy of every seed",
        ),
    }
    compare, sentence = attempts[attempt]
    with pytest.raises(Undecidable) as why:
        compare()
    assert comparisons.reason(LeftOut("study", why.value.reason, why.value.numbers)) == sentence


def test_field_and_paper_share_no_name() -> None:
    assert not {*comparisons.FIELD} & {*comparisons.PAPER}


def test_every_kind_of_statement_has_its_criterion() -> None:
    assert list(statement_kinds.KINDS) == list(KINDS)
    assert all(words.criterion.endswith(".") and words.unit for words in statement_kinds.KINDS.values())
