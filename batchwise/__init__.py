"""batchwise: what a batch size costs and buys, measured reproducibly."""
