"""From run files to tables: what was learned, what it costs, and what to use."""
