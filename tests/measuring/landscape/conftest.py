"""The engine is set as in training, before a test computes with it."""

from batchwise.runtime.device import configure

configure()
