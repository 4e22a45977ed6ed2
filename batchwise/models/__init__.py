"""One file per model, found by its name."""
