"""Every quantity that claims compare has its words, and no other."""

import ast

import pytest

from batchwise.claims.paper.comparisons import KINDS
from batchwise.common.repository import ROOT
from batchwise.report.sentences import comparisons, statement_kinds


def strings(folder: str) -> set[str]:
    """Return all string constants in the Python files of a folder of claims."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "batchwise/claims" / folder).glob("*.py")]
    constants = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in constants if isinstance(node.value, str)}


@pytest.mark.parametrize(("folder", "words"), [("field", comparisons.FIELD), ("paper", comparisons.PAPER)])
def test_no_words_are_left_of_what_nothing_compares(folder: str, words: dict) -> None:
    """That none is missing, the tests of each claim see: they put every comparison in words."""
    assert {*words} <= strings(folder)


def test_field_and_paper_share_no_name() -> None:
    assert not {*comparisons.FIELD} & {*comparisons.PAPER}


def test_every_kind_of_statement_has_its_criterion() -> None:
    assert list(statement_kinds.KINDS) == list(KINDS)
    assert all(words.criterion.endswith(".") and words.unit for words in statement_kinds.KINDS.values())
