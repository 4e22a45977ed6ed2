"""What was run, in a few facts."""

from collections.abc import Iterator
from typing import Any

from batchwise.analysis.study_tables import Tables
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count, listed


def facts(tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each fact."""
    summary = tables.summary
    recipe, rows, grid = summary["recipe"], summary["data"]["rows"], summary["grid"]
    split = " / ".join(f"{rows[name]:,}" for name in ("train", "validation", "test"))
    yield "Data", f"{summary['data']['title']}, {count(len(summary['data']['class_names']), 'class')}"
    yield "Rows", f"{split} (train / validation / test)"
    known = [count(summary["parameters"], "parameter")] if summary["parameters"] else []  # else no run got so far
    yield "Model", ", ".join([_described(recipe["model"]), *known])
    yield "Optimiser", _described(recipe["optimizer"])
    yield "Budget", _budget(tables)
    scaling = {"linear": "η = η̃·m", "sqrt": "η = η̃·√m", "none": "η = η̃"}
    yield "Learning rate", "; ".join([scaling[summary["learning_rate_scaling"]], *schedule(recipe)])
    if recipe["weight_decay"]:
        yield "Weight decay", f"{recipe['weight_decay']:g}, on kernels"
    if recipe["augmentation"]:
        yield "Augmentation", augmentation(recipe)
    yield "Metric", f"{tables.metric.name}: {'higher' if tables.metric.higher_is_better else 'lower'} is better"
    sizes = f"{count(grid['batch_sizes'], 'batch size')} × {phrases.rates(tables)} × {count(grid['seeds'], 'seed')}"
    yield "Grid", sizes
    yield "Distinct runs", phrases.statuses(tables)


def schedule(recipe: dict[str, Any]) -> list[str]:
    """Return how the learning rate changes in a run, nothing if it does not."""
    given = recipe["schedule"]
    warm_up = [f"from η/32 over the first {100 * given['warm_up']:g} %"] if given["warm_up"] else []
    drops = [f"{100 * drop:g} %" for drop in given["drops"]]
    return warm_up + ([f"×0.1 at {listed(drops)} of the updates"] if drops else [])


def augmentation(recipe: dict[str, Any]) -> str:
    """Return how training images are changed."""
    given = recipe["augmentation"]
    crop = [f"random crops after padding by {count(given['pad'], 'pixel')}"] if given["pad"] else []
    return listed(crop + (["random flips"] if given["flip"] else []))


def _budget(tables: Tables) -> str:
    given = tables.summary["recipe"]["budget"]
    if not given.get("epochs"):
        return f"{count(given['updates'], 'update')} at every m"
    if tables.batch_sizes.empty:
        return f"{count(given['epochs'], 'epoch')} at every m"
    most, least = tables.batch_sizes["updates"].max(), tables.batch_sizes["updates"].min()
    updates = f"{most:,} to {count(least, 'update')}" if most > least else count(most, "update")
    return f"{count(given['epochs'], 'epoch')} at every m: {updates}"


def _described(plugin: dict[str, Any]) -> str:
    """Return a plug-in and its options: `sgd (momentum 0.9, nesterov)`; options that are off are left out."""
    words = [
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in plugin.items()
        if name != "name" and value is not False
    ]
    return f"{plugin['name']} ({', '.join(words)})" if words else plugin["name"]
