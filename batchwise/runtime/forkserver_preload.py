"""Imported first by the process of which those that train and measure are copies.

Garbage is not collected there: it would be looked for many times while TensorFlow is imported, which has none, and then
in each copy again, for a fifth of a second and with a copy of each page.
"""

import gc
import os

gc.disable()
os.register_at_fork(before=gc.freeze, after_in_child=gc.enable)
