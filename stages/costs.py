"""The stage costs@<study>: from runs and measured times to data/costs/<study>/: three budgets, fits, the choice."""

from pathlib import Path

import stages
from batchwise.analysis import costs, equal_budgets, profile_summary, run_metrics, study_tables
from batchwise.common import stage_outputs
from batchwise.measuring.profiling import profile_files


def main(name: str) -> None:
    """Write data/costs/<study>/."""
    folder = Path("data/tables") / name
    tables, study = study_tables.read(folder), study_tables.read_study(folder)
    manifest = tables.summary["data"]
    by_run = run_metrics.read(Path("data/runs") / name, name, study, manifest)
    curves = equal_budgets.of_study(study, manifest["rows"]["train"], tables.metric, by_run)
    profile = profile_files.read(Path("data/profiles") / name)
    measured = profile_summary.summary(profile)
    stage_outputs.write(Path("data/costs") / name, costs.files(study, curves, tables, profile, measured))


if __name__ == "__main__":
    stages.run(main, "study")
