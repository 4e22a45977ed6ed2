"""The parts of each page, as HTML."""
