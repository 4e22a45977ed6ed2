"""The table of all studies that is kept in git: the chosen cell of each m, its result and its cost."""

import pandas as pd

from batchwise.analysis import overview
from tests import fabricated_reports


def test_each_batch_size_has_a_row_with_its_result_and_cost(tmp_path) -> None:
    study = fabricated_reports.results(tmp_path, fabricated_reports.ok, fabricated_reports.profile())
    table = overview.results([study, study])
    rows = study.tables.batch_sizes
    assert len(table) == 2 * len(rows) and {*table["study"]} == {study.name}
    first = table.iloc[: len(rows)].set_index("batch_size")
    test = f"{study.metric.column('test')}_mean"
    pd.testing.assert_series_equal(first["result"], rows.set_index("batch_size")[test], check_names=False)
    assert (first["low"] <= first["result"]).all() and (first["result"] <= first["high"]).all()
    measured = first["epoch_seconds"].dropna()
    assert len(measured) and measured.to_dict() == {m: study.epoch_seconds[m] for m in measured.index}
