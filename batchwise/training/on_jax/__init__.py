"""The engine on JAX: the runs of a batch size are the lanes of one program (jax.vmap), each with inputs of its own.

A program has a fixed number of lanes; where there are fewer runs, some train what another does, and are left out. So
the bits of a run depend neither on its lane nor on the other runs, but on the number of lanes.
"""
