"""The critical batch size and the learning-rate laws, in sentences."""

from typing import Any

from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, digits, known, signed, size
from batchwise.report.sentences.costs import estimate
from batchwise.report.sentences.grammar import count, listed
from batchwise.statistics.hyperbola import COMPARABLE


def critical(fits: dict[str, Any], metric: Metric) -> list[str]:
    """Return the critical batch size for each target, how well its law fits, and where it breaks."""
    return [_critical(fit, metric_format.shown(metric, float(at))) for at, fit in fits["critical_batch_size"].items()]


def _critical(fit: dict[str, Any], target: str) -> str:
    left = _left_out(fit["left_out"])
    if not fit["departures"]:
        return f"Target {target}: no fit, since it takes three batch sizes.{left}"
    return (
        f"Target {target}: S(m) = S_min (1 + B/m) with B = {estimate(fit['batch_size'])} rows and "
        f"S_min = {estimate(fit['updates_min'])} updates, by {fit['runs']} runs at {len(fit['departures'])} batch "
        f"sizes. {_fit_quality(fit)} {_breaks(fit)}{_regimes(fit['regimes'])}{left}"
    )


def _fit_quality(fit: dict[str, Any]) -> str:
    """Return how far the batch sizes are from the law, and whether that is more than what runs and evaluations do."""
    least, most = (one(fit["departures"], key=lambda found: found["residual"]) for one in (min, max))
    residuals = f"residuals from {_percent(least)} to {_percent(most)}"
    if not known(fit["lack_of_fit"]):
        return f"The batch sizes scatter about it by a factor of {fit['scatter']:.2f} ({residuals}; one seed)."
    test = f"lack of fit: p {_p_value(fit['lack_of_fit'])}; {residuals}"
    if fit["scatter"] == 1:
        return f"The batch sizes scatter about it no more than seeds and evaluations let expect ({test})."
    return (
        f"Beyond seeds and evaluations the batch sizes scatter about it by a factor of {fit['scatter']:.2f} ({test})."
    )


def _percent(departure: dict[str, Any]) -> str:
    return f"{signed(100 * departure['residual'], 0)} % at m = {size(departure['batch_size'])}"


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _breaks(fit: dict[str, Any]) -> str:
    departures = fit["departures"]
    if len(departures) < COMPARABLE:
        return "Where the law breaks takes five batch sizes to tell."
    broken = [one for one in departures if one["breaks"]]
    if not broken:
        return f"No break of the law could be told (p {_p_value(fit['no_break'])})."
    ratios = listed(f"{one['ratio']:.2f}" for one in broken)
    return (
        f"It breaks at m = {listed(size(one['batch_size']) for one in broken)}: {ratios} times the updates that the "
        f"law of the others predicts (p {_p_value(fit['no_break'])})."
    )


def _regimes(of_sizes: dict[str, str]) -> str:
    names = {name: [int(m) for m, one in of_sizes.items() if one == name] for name in of_sizes.values() if name}
    parts = [f"{name}: m = {listed(map(size, sizes))}" for name, sizes in names.items()]
    text = "; ".join(parts)
    return f" {text[0].upper()}{text[1:]}." if text else ""


def _left_out(sizes: list[int]) -> str:
    if not sizes:
        return ""
    why = "since not half of the runs get there, or all do in the first epoch"
    return f" Left out, {why}: m = {listed(map(size, sizes))}."


def residual(fits: dict[str, Any], target: float, batch_size: int) -> str:
    """Return how far the updates to a target are from their law, as percent of what it says."""
    fit = fits["critical_batch_size"].get(str(target), {"departures": []})  # no law where m grows within a run
    for one in fit["departures"]:
        if one["batch_size"] == batch_size:
            return f"{signed(100 * one['residual'], 0)} %{', breaks' if one['breaks'] else ''}"
    return MISSING


def learning_rates(fits: dict[str, Any]) -> str:
    """Return both learning-rate laws, and which of them predicts better."""
    fit = fits["learning_rate_law"]
    left = f"{count(fit['left_out'], 'batch size')} at the edge of the grid left out"
    if not known(fit["exponent"]["value"]):
        return (
            f"The learning-rate law is not decided: {fit['points']} batch sizes have a best η inside the grid ({left})."
        )
    return (
        f"The best η goes with m to the power {estimate(fit['exponent'])} (log η* = a + α·log m, {fit['points']} "
        f"batch sizes, {left}; linear scaling would be 1, square-root scaling ½, a constant η 0). By a law that "
        f"saturates, η* = η_max/(1 + B/m), η_max is {estimate(fit['rate_max'])} and B is {estimate(fit['batch_size'])} "
        f"rows. {_comparison(fit['comparison'])}"
    )


def _comparison(found: dict[str, Any]) -> str:
    if not found["better"]:
        return "Which of the two predicts better takes five batch sizes to tell."
    name = {"power": "the power law", "saturating": "the one that saturates"}[found["better"]]
    clearly = "clearly" if found["clear"] else "but not clearly"
    return (
        f"At a batch size that is left out the power law misses the best η by {digits(found['power'])} octaves, the "
        f"one that saturates by {digits(found['saturating'])} (root mean square): {name} predicts better, {clearly} "
        f"(p {_p_value(found['p_value'])})."
    )
