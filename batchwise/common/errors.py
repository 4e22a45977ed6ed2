"""The one exception that a user may see.

It is part of every run's key, so that it stands alone: rewording a message (messages.py) must not retrain.
"""


class UserError(Exception):
    """A mistake in what the user gave. The message names the key, the value, what is allowed and what to do."""
