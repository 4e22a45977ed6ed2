"""What NumPy and zipfile raise for a damaged archive."""

import zipfile
import zlib

# What NumPy and zipfile raise, among them, for a file with a wrong byte somewhere.
DAMAGES = (
    KeyError,
    TypeError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
