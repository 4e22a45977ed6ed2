"""params.yaml, checked: studies, how they train, and their grids."""
