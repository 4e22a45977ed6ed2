"""Figures: a plot takes (table, ax)."""
