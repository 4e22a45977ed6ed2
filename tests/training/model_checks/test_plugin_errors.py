"""A plug-in that raises is told in a sentence, with its own line and not one of Keras's, wherever it raises."""

import sys
from textwrap import dedent

import pytest

import batchwise.models
from batchwise.common.errors import UserError
from batchwise.config.recipe import Model
from batchwise.runtime import engine
from batchwise.training import model_trial, trainers
from tests.training.model_checks.builds import Calling, starting
from tests.training.runs import data_set, recipe

IMPORT = "import sys\nimport keras\nfrom keras import ops\n"
BUILD = """
def build(input_shape, outputs):
    {}
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, keras.layers.Dense(outputs)(Layer()(inputs)))
"""
LAYER = """
class Layer(keras.layers.Layer):
    def build(self, shape):
        {}

    def compute_output_shape(self, shape):
        return shape

    def call(self, inputs, training=False):
        {}
        return inputs

"""

BAD_SHAPES = {"tensorflow": "InvalidArgumentError", "jax": "TypeError"}[engine.used()]


def source(layer_build="pass", call="pass", build="pass", first="") -> str:
    return IMPORT + first + LAYER.format(layer_build, call) + BUILD.format(build)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        (source(first="import no_such_package\n"), "ModuleNotFoundError: No module named 'no_such_package'", 4),
        (source(first="sys.exit(3)\n"), "by sys.exit(3)", 4),
        (source(first="def broken(:\n"), "SyntaxError: invalid syntax", 4),
        (source(first="raise ValueError\n"), "ValueError", 4),
        (source(build="raise KeyError('x')"), "KeyError: 'x'", 18),
        (source(build="raise RuntimeError('first\\n\\nsecond')"), "RuntimeError: first", 18),
        (source(build="import json; json.loads('{')"), "JSONDecodeError: Expecting property name", 18),
        (source(build="keras.layers.Dense(-1)"), "Received an invalid value for `units`", 18),
        (source(build="raise SystemExit('stop')"), "by sys.exit('stop')", 18),
        (source(build="return keras.layers.Dense(3)(keras.layers.Flatten())"), None, 18),
        (source(layer_build="raise OSError('no such file')"), "OSError: no such file", 7),
        (source(layer_build="self.add_weight(shape, nonsense=1)"), "TypeError", 7),
        (source(call="raise ValueError('cannot')"), "cannot", 13),
        (source(call="raise ValueError('cannot' if training else '') if training else 0"), None, 13),
        (source(first="class Stop(BaseException): pass\n", build="raise Stop"), "Stop", 19),
        (source(call="from batchwise.common.errors import UserError; raise UserError('no')"), "UserError: no", 13),
        (source(call="1 / 0 if training else 0"), "ZeroDivisionError: division by zero", 13),
        (source(call="0 if training else ops.reshape(inputs, (7, 7))"), BAD_SHAPES, 13),
        (source(call="ops.matmul(inputs, ops.ones((1, 2)))"), BAD_SHAPES, 13),
        ("import keras\n", "AttributeError: module 'batchwise.models.broken' has no attribute 'build'", None),
        ("def build(input_shape):\n    pass\n", "TypeError: build() takes 1 positional argument", None),
        ("class Odd(Exception):\n    def __str__(self): 1 / 0\n\ndef build(*_):\n    raise Odd\n", "Odd (", 5),
    ],
)
def test_a_plug_in_that_raises(monkeypatch, tmp_path, text, said, line) -> None:
    """At its import, where the model is built, where it first computes, and in training alone."""
    (tmp_path / "broken.py").write_text(dedent(text))
    monkeypatch.setattr(batchwise.models, "__path__", [*batchwise.models.__path__, str(tmp_path)])
    how = recipe().model_copy(update={"model": Model.model_construct(name="broken")})
    try:
        with pytest.raises(UserError, match=r"^model broken cannot be (built|trained)") as error:
            model_trial.check(trainers.load(data_set(), how))
    finally:
        sys.modules.pop("batchwise.models.broken", None)
    sentence = str(error.value)
    assert "\n" not in sentence and "\x1b" not in sentence and len(sentence) < 500, sentence
    assert "Arguments received" not in sentence and "Exception encountered" not in sentence
    assert said is None or said in sentence
    assert line is None or sentence.endswith(f"(at {tmp_path / 'broken.py'}, line {line})"), sentence


def test_an_error_of_the_evaluation_alone_is_told(use_model) -> None:
    """That which another worker than the one that tries the model out runs into."""

    use_model(starting(lambda: Calling(lambda _, inputs, training: inputs if training else [][0])))
    trainer = trainers.load(data_set(), recipe())
    with pytest.raises(UserError, match=r"model mlp cannot be evaluated: IndexError: .* \(at tests/.*, line \d+\)$"):
        trainer.compile_evaluation()


def test_ctrl_c_is_no_mistake(use_model) -> None:
    def build(shape, outputs):
        raise KeyboardInterrupt

    use_model(build)
    with pytest.raises(KeyboardInterrupt):
        trainers.load(data_set(), recipe())
