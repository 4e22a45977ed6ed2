"""What a function computes, and its gradients, on the engine that is tested: as a program, or step by step.

On JAX all is a program, of XLA: step by step each operation is one, which takes longer to compile.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from batchwise.runtime import engine
from batchwise.runtime.keras import keras

Function = Callable[..., Any]
Tensors = list[Any]  # of the engine; NumPy takes them


def program(function: Function, xla: bool = True) -> Function:
    """Return the program of a function of tensors."""
    if engine.used() == "jax":
        from batchwise.runtime.jax import jax

        return jax.jit(function)
    from batchwise.runtime.tensorflow import tf

    return tf.function(function, jit_compile=xla, autograph=False)


def computed(function: Function, *inputs: Any) -> Any:
    """Return what a function of tensors returns, which changes no variable."""
    function = _compiled_once(function) if engine.used() == "jax" else function
    return function(*map(keras.ops.convert_to_tensor, inputs))


_compiled_once = lru_cache(maxsize=8)(program)


def optimized(of_function: Function, *inputs: Any) -> str:
    """Return a program of XLA as it is executed, in XLA's words."""
    if engine.used() == "jax":
        return of_function.lower(*inputs).compile().as_text()
    return of_function.experimental_get_compiler_ir(*inputs)(stage="optimized_hlo")


def differentiated(
    function: Function, inputs: Sequence[Any] = (), variables: Sequence[keras.Variable] = (), **of_program: bool
) -> tuple[Tensors, Tensors]:
    """Return what a function returns, and the gradients of the first of it, a number (`derivative`)."""
    return derivative(function, variables, **of_program)(*inputs)


def derivative(function: Function, variables: Sequence[keras.Variable] = (), **of_program: bool) -> Function:
    """Return a function of the same inputs: what the first returns, and the gradients of the first of it, a number.

    They are those of the inputs, then those of the variables, which it may use, too. It may be called in a function
    that is differentiated. Where `xla` is given, it is a program (`program`).
    """
    variables, on_jax = list(variables), engine.used() == "jax"
    call = (_on_jax if on_jax else _on_tensorflow)(function, variables)
    call = program(call, **of_program) if of_program or on_jax else call

    def of_inputs(*inputs: Any) -> tuple[Tensors, Tensors]:
        values = [variable.value for variable in variables] if on_jax else []
        return call([keras.ops.convert_to_tensor(each) for each in inputs], values)

    return of_inputs


def gradients(function: Function, inputs: Sequence[Any] = (), variables: Sequence[keras.Variable] = ()) -> Tensors:
    """Return the gradients of a function that returns a number, as `differentiated` does."""
    return differentiated(lambda *tensors: [function(*tensors)], inputs, variables)[1]


def _on_tensorflow(function: Function, variables: list[keras.Variable]) -> Function:
    """Return a function of inputs and values of variables, of which it needs none."""
    from batchwise.runtime.tensorflow import tf

    def call(inputs: Tensors, _: Tensors) -> tuple[Tensors, Tensors]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = [*function(*inputs)]
        found = tape.gradient(outputs[0], [*inputs, *variables])
        return outputs, [tf.convert_to_tensor(each) for each in found]

    return call


def _on_jax(function: Function, variables: list[keras.Variable]) -> Function:
    """Return a function of inputs and values of variables."""
    from batchwise.runtime.jax import jax

    def outputs_of(inputs: Tensors, values: Tensors) -> tuple[Any, Tensors]:
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            outputs = [*function(*inputs)]
        return outputs[0], outputs

    def call(inputs: Tensors, values: Tensors) -> tuple[Tensors, Tensors]:
        (of_inputs, of_variables), outputs = jax.grad(outputs_of, argnums=(0, 1), has_aux=True)(inputs, values)
        return outputs, [*of_inputs, *of_variables]

    return call
