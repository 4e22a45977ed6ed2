"""Time and memory of each batch size, and the gradient noise and sharpness where training ended."""
