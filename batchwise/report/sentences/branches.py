"""What the branches of a study say, in sentences."""

import pandas as pd

from batchwise.analysis.study_tables import Tables
from batchwise.report import metric_format
from batchwise.report.number_format import digits, known, size
from batchwise.report.sentences.grammar import count, listed

NONE = "Not measured: the study has no branches."


def about(tables: Tables) -> str:
    """Return what branches there are: from which runs, when, for how long, with which η, and what is compared."""
    given, table, loss = tables.summary["branches"], tables.branches, tables.loss
    scaling = {"linear": "in proportion to m", "sqrt": "with √m", "none": "not with m"}
    length = count(int((table["end_epoch"] - table["first_epoch"]).iloc[0]), "epoch")
    moments = listed(f"{100 * moment:g}" for moment in given["moments"])
    return (
        f"Runs with m = {size(int(table['kept_batch_size'].iloc[0]))} and η̃ = {digits(given['base_learning_rate'])} "
        f"are continued from {moments} % of the epochs on, for {length}, with each m; η grows "
        f"{scaling[tables.summary['learning_rate_scaling']]}. A branch falls behind where its training loss ends more "
        f"than {metric_format.margin(loss, loss.least_margin)} above that of the branch that keeps m, seed by seed."
    )


def finding(rows: pd.DataFrame) -> str:
    """Return how large the critical batch size is at each moment."""
    parts = [f"{_value(row)} after {100 * row['moment']:g} %" for row in rows.to_dict("records")]
    return f"The critical batch size is {listed(parts)} of the epochs."


def _value(row: dict[str, float]) -> str:
    if not known(row["critical"]):
        return "not known"
    return f"{'above ' if row['beyond'] else 'about '}{size(round(row['critical']))}"


def between(row: dict[str, float]) -> str:
    """Return between which m of the branches it lies, of what can be told: `at least 8, below 32`."""
    below = f", below {size(int(row['below']))}" if known(row["below"]) else ""
    return f"at least {size(int(row['at_least']))}{below}"


def interval(row: dict[str, float]) -> str:
    """Return the critical m with its interval, and whether some seed lies beyond what there is."""
    text = _value(row)
    if known(row["critical_low"]):
        text += f" ({digits(row['critical_low'])} to {digits(row['critical_high'])})"
    return text
