"""Imported first in the process of which every process that trains or measures is a copy (multiprocessing, forkserver).

Garbage collection is off in that process: it would run many times while TensorFlow is imported, and find nothing. What
is in memory when a copy is made is frozen: to look through it would take each copy a fifth of a second and, since
looking writes to each page, memory of its own.
"""

import gc
import os

gc.disable()
os.register_at_fork(before=gc.freeze, after_in_child=gc.enable)
