"""A CSV file, from its bytes to the arrays, splits and proposals that are made of it."""
