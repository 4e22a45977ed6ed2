"""The gradient noise and the shape of the loss around the weights that training reached."""
