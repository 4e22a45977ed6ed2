"""From the tables of a study to its HTML report. Nothing here computes a result."""
