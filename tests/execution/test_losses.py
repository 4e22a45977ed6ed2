"""A run is the death of its workers only where what started them is still there and starts them again."""

RUN = None
