"""What a batch size costs in time and memory, each in a process of its own."""
