"""What must be set before TensorFlow is imported: flags of XLA, and a standard error that hears no greetings."""

import os
import subprocess
import sys

import pytest

from batchwise.common.repository import ROOT
from batchwise.runtime import xla_flags
from batchwise.runtime.silent_stderr import quiet
from batchwise.runtime.xla_flags import XLA_FLAGS_ON_CPU, set_xla_flags


@pytest.mark.parametrize(
    ("given", "driver", "expected"),
    [
        ("", False, XLA_FLAGS_ON_CPU),
        ("--xla_backend_optimization_level=3", False, f"{XLA_FLAGS_ON_CPU} --xla_backend_optimization_level=3"),
        ("--xla_backend_optimization_level=3", True, "--xla_backend_optimization_level=3"),
    ],
)
def test_the_user_has_the_last_word_on_the_flags_of_xla(monkeypatch, given, driver, expected) -> None:
    monkeypatch.setenv("XLA_FLAGS", given)
    monkeypatch.setattr(xla_flags, "has_nvidia_driver", lambda: driver)
    for _ in range(2):  # a process that inherits them does not add them again
        set_xla_flags()
        assert os.environ["XLA_FLAGS"] == expected


@pytest.mark.parametrize(
    ("level", "heard"), [(None, "before after "), ("2", "before after "), ("0", "before within after ")]
)
def test_standard_error_is_closed_for_a_while(monkeypatch, capfd, level, heard) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level or "")
    if level is None:
        monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    os.write(2, b"before ")
    with pytest.raises(ValueError), quiet():
        os.write(2, b"within ")
        raise ValueError
    os.write(2, b"after ")
    assert capfd.readouterr().err == heard
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == (level or "3")


def test_tensorflow_does_not_say_what_a_processor_cannot_do(capfd) -> None:
    """As it does, as errors, of a missing GPU, and at the first program where there is no AVX-512 FP16."""
    script = """if True:
        from batchwise.runtime.tensorflow import tf
        tf.function(lambda values: tf.matmul(values, values))(tf.ones((4, 4)))
    """
    without = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=without, check=True)
    assert capfd.readouterr().err == ""
