"""The claims and questions about batch size, each decided by small pure functions from tables to evidence."""
