"""Speed, against the alternatives."""
