"""TensorFlow and Keras, imported with what they read once, at their import: everything here imports them from here.

No device is looked at yet, so that a process in which this was imported can be forked.
"""

import os

from batchwise.environment import set_xla_flags
from batchwise.quiet import quiet

os.environ["KERAS_BACKEND"] = "tensorflow"
set_xla_flags()
with quiet():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
