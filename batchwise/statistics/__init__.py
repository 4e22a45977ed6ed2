"""Intervals and fits over seeds and batch sizes: NumPy, SciPy and statsmodels alone."""
