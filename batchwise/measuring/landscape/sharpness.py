"""The shape of the loss around some weights: how far it rises near them, its largest curvature, how far they went."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

LOSS_ROWS = 2048  # at most: a fixed stratified part of the training rows where there are more
EPSILONS = (1e-3, 5e-4)  # Keskar et al. 2017, table 3
ITERATIONS = 10  # of L-BFGS-B; Keskar et al. 2017, section 2.2.2
# L-BFGS-B's first step is as long as the gradient, which is so small where training ended that its iterations would end
# far short of the maximum. The loss is scaled, so that the step is this many times half the edge of the box on average.
FIRST_STEP = 100
EIGENVALUE_TOLERANCE = 1e-3  # relative
RESTARTS = 100  # of Lanczos iteration, with some 20 products each, at most


def sharpness(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], weights: np.ndarray, epsilon: float) -> float:
    """Return φ = 100·(max f(x + z) − f(x))/(1 + f(x)) over abs(z_i) ≤ ε(abs(x_i) + 1), in percent.

    Keskar et al. 2017 (arXiv 1609.04836), metric 2.1, in the full space. `loss` takes weights [P] and returns f and its
    gradient [P]; `weights` are x. The maximum is that of ITERATIONS iterations of L-BFGS-B from z = 0: a lower bound,
    and 0 where the gradient is 0.
    """
    start, gradient = loss(weights)
    box = epsilon * (np.abs(weights) + 1)
    slope = float(np.abs(box * gradient).mean())
    if not slope:
        return 0.0

    def negative(position: np.ndarray) -> tuple[float, np.ndarray]:  # in the box, -1 to 1 along each axis
        value, gradient = loss(weights + box * position)
        return (start - value) * FIRST_STEP / slope, -box * gradient * FIRST_STEP / slope

    options = {"maxiter": ITERATIONS, "ftol": 0, "gtol": 0}
    bounds = [(-1, 1)] * len(box)
    found = minimize(negative, np.zeros(len(box)), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return -100 * float(found.fun) * slope / FIRST_STEP / (1 + start)


def largest_eigenvalue(product: Callable[[np.ndarray], np.ndarray], size: int) -> float:
    """Return the largest eigenvalue of a symmetric matrix [P, P], by Lanczos iteration (ARPACK).

    `product` takes a vector [P] and returns the matrix times it; `size` is P, 2 or more. NaN if the
    iteration does not converge.
    """
    start = np.random.default_rng(0).standard_normal(size)
    if not np.any(product(start)):
        return 0.0  # of no curvature at all, which ARPACK refuses
    operator = LinearOperator((size, size), matvec=product, dtype="float64")
    options = {"which": "LA", "v0": start, "tol": EIGENVALUE_TOLERANCE, "maxiter": RESTARTS}
    try:
        values = eigsh(operator, 1, return_eigenvectors=False, **options)
    except ArpackNoConvergence:
        return float("nan")
    return float(values[0])


def distance(weights: np.ndarray, start: np.ndarray) -> tuple[float, float]:
    """Return ‖θ − θ_0‖, and that over ‖θ_0‖."""
    moved = float(np.linalg.norm(weights - start))
    return moved, moved / float(np.linalg.norm(start))
