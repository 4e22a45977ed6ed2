"""The frameworks and the machine: TensorFlow, the device, and what of both decides the bits of a run."""
