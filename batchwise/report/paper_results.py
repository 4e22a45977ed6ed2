"""The verdicts on all statements of the paper as one table: results.csv."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from batchwise.claims.paper.judging import Verdict
from batchwise.claims.paper.statements import Statement
from batchwise.report.sentences import comparisons, statement_kinds
from batchwise.report.sentences import paper as paper_sentences


def table(judged: Mapping[Statement, Verdict]) -> pd.DataFrame:
    """Return a row for each statement with its verdict, of rounded numbers."""
    return pd.DataFrame([_row(statement, verdict) for statement, verdict in judged.items()])


def _row(statement: Statement, verdict: Verdict) -> dict[str, str | float]:
    one = verdict.decisive
    value, low, high = (round(bound, 4) for bound in one.effect) if one else [np.nan] * 3
    return {
        "id": statement.id,
        "figures": " ".join(statement.figures),
        "statement": statement.statement,
        "measured": f"{one.study}: {comparisons.what(one)}" if one else "",
        "left_out": paper_sentences.left_out(statement, verdict),
        "comparisons": len(verdict.evidence.comparisons),
        "unit": statement_kinds.KINDS[statement.kind].unit if statement.studies else "",
        "effect": value,
        "low": low,
        "high": high,
        "n": one.n if one else 0,
        "verdict": paper_sentences.VERDICTS[verdict.verdict],
    }
