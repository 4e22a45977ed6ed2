"""What was run, in a few facts."""

from collections.abc import Iterator
from typing import Any

from batchwise.analysis import last_epochs
from batchwise.analysis.study_tables import Tables
from batchwise.data.metric import Metric
from batchwise.data.texts import ALL
from batchwise.report import metric_format
from batchwise.report.number_format import digits, percent, size
from batchwise.report.sentences import engines, phrases
from batchwise.report.sentences.grammar import count, listed


def facts(tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each fact."""
    summary = tables.summary
    recipe, rows, grid = summary["recipe"], summary["data"]["rows"], summary["grid"]
    split = " / ".join(f"{rows[name]:,}" for name in ("train", "validation", "test"))
    yield "Data", f"{summary['data']['title']}, {labels(summary['data'])}"
    yield "Rows", f"{split} (train / validation / test){', others for each seed' if tables.folds else ''}"
    if "texts" in summary["data"]:
        yield "Texts", texts(summary["data"]["texts"], summary["data"]["input_shape"][0])
    if notes := summary["data"].get("notes"):
        yield "Mended", "; ".join(notes)
    if tables.folds:
        yield "Folds", folds(tables.folds, summary["data"]["labels"])
    known = [count(summary["parameters"], "parameter")] if summary["parameters"] else []  # else no run got so far
    yield "Model", ", ".join([_described(recipe["model"]), *known])
    yield "Optimiser", _described(recipe["optimizer"])
    yield "Budget", _budget(tables)
    scaling = {"linear": "η = η̃·m", "sqrt": "η = η̃·√m", "none": "η = η̃"}
    yield "Learning rate", "; ".join([scaling[summary["learning_rate_scaling"]], *schedule(recipe)])
    if recipe["schedule"].get("batch_sizes"):
        yield "Batch size in a run", f"m at the start, {listed(growth(recipe['schedule']))}, at most all rows"
    if recipe["weight_decay"]:
        yield "Weight decay", f"{recipe['weight_decay']:g}, on kernels"
    if recipe["augmentation"]:
        yield "Augmentation", augmentation(recipe)
    yield from options(summary)
    yield "Metric", metric(tables.metric)
    yield "Result", result(tables)
    sizes = f"{count(grid['batch_sizes'], 'batch size')} × {phrases.rates(tables)} × {count(grid['seeds'], 'seed')}"
    yield "Grid", sizes
    if given := summary["confirmation"]:
        first = given["first_seed"]
        yield "Results", f"{given['seeds']} fresh seeds of each chosen cell, {first} to {first + given['seeds'] - 1}"
    yield "Distinct runs", phrases.statuses(tables)


def metric(one: Metric) -> str:
    """Return the metric, which way it is better, and its baseline."""
    better = "higher" if one.higher_is_better else "lower"
    return f"{one.title}: {better} is better; the best constant answer has {metric_format.shown(one, one.baseline)}"


def options(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a study may name beside, and this one does."""
    recipe = summary["recipe"]
    if recipe["task"]:
        yield "Task", _described(recipe["task"])
    if (every := recipe["scores_every"]) != 1:
        after = "after 1, 2, 4, … epochs" if every == "doubling" else f"after every {every} epochs"
        yield "Scores", f"{after}, and the last"
    if recipe["class_weights"]:
        yield "Class weights", recipe["class_weights"]
    if recipe["dtype"] != "float32":
        yield "Numbers", recipe["dtype"]
    if recipe["engine"] != "tensorflow":
        in_lanes = ", in lanes of a program" if engines.lanes(recipe) > 1 else ""
        yield "Engine", f"{engines.engine(recipe)}{in_lanes}"
    if recipe["trainable"]:
        yield "Layers that train", listed(recipe["trainable"])
    if summary["data"].get("weights"):
        yield "Weights at the start", summary["data"]["weights"]["path"]


def texts(given: dict[str, Any], most: int) -> str:
    """Return how texts became ids, and what of them the `most` tokens of a row do not hold."""
    training, test = given["shares"]["train"], given["shares"]["test"]
    empty = f", {percent(training['empty'])} of the texts have no token" if training["empty"] else ""
    kept = f"all, {size(most)} a row" if given["keep"] == ALL else f"the {given['keep']} {size(most)} of each text"
    ids = f"{count(given['ids'], 'id')} with padding and unknown"
    cut = "" if given["keep"] == ALL else f", {percent(training['cut'])} of the texts are cut"
    held = f"{percent(training['padding'])} of the positions are padding{cut}"
    return (
        f"{given['tokens']}, {kept}, {ids}; of the training rows {held}{empty}; {percent(test['unknown'])} of the "
        "tokens of test rows are unknown"
    )


def folds(given: dict[str, Any], kind: str) -> str:
    """Return how rows of labels of a kind are dealt to folds, and what seeds do with them."""
    how = "of whole groups" if given["groups"] else "with the share of each class" if kind == "classes" else "by chance"
    use = "trains on the others" if given["count"] < 3 else "chooses by the next, and trains on the others"
    return f"{given['rows']:,} rows in {given['count']}, {how}; seed s tests on fold s, {use}"


def labels(data: dict[str, Any]) -> str:
    """Return what the labels are: how many classes or tokens, or the range of a number."""
    if data["labels"] in ("classes", "flags"):
        return count(len(data["class_names"]), "class" if data["labels"] == "classes" else "label")
    if data["labels"] == "tokens":
        return f"the next of {len(data['class_names']):,} tokens at each of {count(data['input_shape'][0], 'place')}"
    if data["labels"] == "boxes":
        objects = count(sum(data["class_counts"]["train"]), "object")
        return f"{count(len(data['class_names']), 'class')} of objects, {objects} in the training rows"
    low, high = map(digits, data["target_range"])
    return f"target {low} to {high} {data['unit']}".rstrip()


def result(tables: Tables) -> str:
    """Return what the result of a run is, and of which m it is of fewer epochs than the study asks for."""
    fewer = [f"{length} at m = {size(int(m))}" for m, length in tables.summary["statistic"]["shorter"].items()]
    return last_epochs.words(tables.statistic) + (f"; of all where a run has fewer: {listed(fewer)}" if fewer else "")


def schedule(recipe: dict[str, Any]) -> list[str]:
    """Return how the learning rate changes in a run, nothing if it does not."""
    given = recipe["schedule"]
    warm_up = [f"from η/32 over the first {100 * given['warm_up']:g} %"] if given["warm_up"] else []
    drops = [f"{100 * drop:g} %" for drop in given["drops"]]
    return warm_up + ([f"×0.1 at {listed(drops)} of the updates"] if drops else [])


def growth(schedule: dict[str, Any]) -> list[str]:
    """Return how the batch size grows in a run, and η with it; nothing if it does not."""
    if not schedule.get("batch_sizes"):
        return []
    steps = [f"×{multiple} from {100 * float(at):g} %" for at, multiple in schedule["batch_sizes"].items()]
    rates = {"none": "η stays", "linear": "η grows as m does", "sqrt": "η grows with √m"}
    return [f"m {listed(steps)} of the epochs on ({rates[schedule['learning_rate_scaling']]})"]


def augmentation(recipe: dict[str, Any]) -> str:
    """Return how training images are changed."""
    given = recipe["augmentation"]
    crop = [f"random crops after padding by {count(given['pad'], 'pixel')}"] if given["pad"] else []
    across, down = given["flip"], given["flip_vertically"]
    flips = {(True, True): ["random flips, left to right and top to bottom"], (True, False): ["random flips"]}
    zoom = [f"resized by 1/{given['zoom']:g} to {given['zoom']:g}"] if given["zoom"] > 1 else []
    return listed(crop + flips.get((across, down), ["random flips, top to bottom"] if down else []) + zoom)


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
        if name != "name" and value is not False and value is not None
    ]
    return f"{plugin['name']} ({', '.join(words)})" if words else plugin["name"]
