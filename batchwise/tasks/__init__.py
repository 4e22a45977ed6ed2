"""What labels mean: outputs, loss and metrics."""
