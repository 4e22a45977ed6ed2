"""Data that are read from disk while they train: their time against rows in memory, their memory, and their quality.

`python -m benchmarks.streaming speed [jax]` trains the same articles from memory and from disk, in turn. `… articles
[ROWS]` trains on 2,000,000 articles of 200 tokens of a hidden Markov source, in a process that is held to TensorFlow's
own memory and 1.5 GB more, and prints its loss beside that of the source. `… images` makes 5,000 JPEGs that look like
photographs, and says how long they take to be prepared, and to train.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PIL import Image, ImageFilter

from batchwise.config.recipe import Recipe
from batchwise.data import local_files, preparation, prepared
from batchwise.data.dataset import DataSet

ROWS, TOKENS, HELD_OUT = 2_000_000, 200, 2_000
SOURCE = {"name": "hidden_markov", "max_tokens": TOKENS, "states": 8, "symbols": 16, "seed": 0}
MOST_BYTES = 1_500_000_000  # beside TensorFlow's own
SIZES = (2, 32, 256)  # m
REPEATED = 5
PHOTOGRAPHS, CLASSES, SIDE = 5_000, 10, 224


def recipe(model: dict[str, Any], budget: dict[str, int], engine: str = "tensorflow") -> Recipe:
    """Return the recipe of a model."""
    how = {"model": model, "optimizer": {"name": "adam"}, "budget": budget, "engine": engine}
    return Recipe.model_validate(how)


def articles(rows: int, streamed: bool) -> DataSet:
    """Return articles that are in memory, or in data/prepared of the working folder."""
    entry = {**SOURCE, "train_rows": rows, "validation_rows": HELD_OUT, "test_rows": HELD_OUT, "streamed": streamed}
    data = preparation.prepare("articles", entry)
    if not streamed:
        return data
    prepared.save(data, Path("data/prepared"), "articles", entry)
    return prepared.load(Path("data/prepared"), "articles")


def speed(engine: str) -> None:
    """Print the seconds of an epoch from memory and from disk, medians of turns; on JAX those of all lanes."""
    from batchwise.training import trainers

    rows, budget = 20_000, {"epochs": 1}
    models = {"language_model": {"name": "language_model", "embedding_units": 16, "units": 16}}
    data = {kind: articles(rows, kind == "disk") for kind in ("memory", "disk")}
    for name, model in models.items():
        made = {kind: trainers.load(one, recipe(model, budget, engine)) for kind, one in data.items()}
        for m in SIZES:
            seconds: dict[str, list[float]] = {kind: [] for kind in made}
            updates = min(rows, 64 * m * (1 + 256 // m)) // m
            for _ in range(1 + REPEATED):
                for kind, trainer in made.items():
                    train = rehearsals.setdefault((name, m, kind), trainer.rehearsal(m, updates, 0, room=1))
                    start = time.process_time()
                    train(1)
                    seconds[kind].append(time.process_time() - start)
            of_kind = {kind: float(np.median(values[1:])) for kind, values in seconds.items()}
            print(f"{name}, m = {m}: {of_kind}, disk / memory {of_kind['disk'] / of_kind['memory']:.3f}", flush=True)


rehearsals: dict[Any, Any] = {}


def status(name: str, pid: int | str = "self") -> int:
    """Return a line of /proc/…/status, bytes."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def train_held(updates: int) -> None:
    """Train the articles of the working folder once told to: with TensorFlow loaded, the rest is what they take."""
    from batchwise.runtime.device import configure
    from batchwise.runtime.tensorflow import tf
    from batchwise.training.trainer import Trainer

    configure()
    tf.function(lambda: tf.linalg.matmul(tf.ones((64, 64)), tf.ones((64, 64))), jit_compile=True)()
    before = status("VmRSS")
    print(before, flush=True)
    sys.stdin.readline()
    data = prepared.load(Path("data/prepared"), "articles")
    model = {"name": "language_model", "embedding_units": 8, "units": 8}
    result = Trainer(data, recipe(model, {"updates": updates} if updates else {"epochs": 1})).run(256, 0.01, seed=0)
    losses = result.metrics["loss"][:, 2].round(4).tolist()
    print(f"{result.status}: test loss at the start and after each epoch {losses} nats a token")
    print(f"memory: {before / 1e9:.2f} GB with TensorFlow alone, {status('VmHWM') / 1e9:.2f} GB at most")


def measure_articles(rows: int, updates: int) -> None:
    """Prepare articles, and train them in a process whose memory is limited from outside."""
    start = time.perf_counter()
    data = articles(rows, streamed=True)
    print(f"{data.description.title}; prepared in {time.perf_counter() - start:.0f} s, {status('VmHWM') / 1e9:.2f} GB")
    print(f"RssAnon {status('RssAnon') / 1e9:.2f} GB", flush=True)
    command = [sys.executable, "-m", "benchmarks.streaming", "held", str(updates)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        most = status("VmData", process.pid) + MOST_BYTES
        psutil.Process(process.pid).rlimit(resource.RLIMIT_DATA, (most, most))
        start = time.perf_counter()
        print(process.communicate("go\n")[0], f"trained in {time.perf_counter() - start:.0f} s", flush=True)


def photograph(random: np.random.Generator, label: int) -> Image.Image:
    """Return an image of smooth patches and grain, whose colours say a little of its class."""
    patches = random.integers(256, size=(6, 8, 3)).astype("uint8")
    patches[..., label % 3] = patches[..., label % 3] // 2 + 12 * label
    image = Image.fromarray(patches).resize((500, 375), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    grain = random.normal(0, 6, size=(375, 500, 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype("uint8"))


def images() -> None:
    """Make JPEGs, prepare them streamed, and train an epoch."""
    from batchwise.training.trainer import Trainer

    random = np.random.default_rng(0)
    for number in range(PHOTOGRAPHS):
        folder = Path("photographs", f"class_{number % CLASSES}")
        folder.mkdir(parents=True, exist_ok=True)
        photograph(random, number % CLASSES).save(folder / f"{number}.jpg", quality=90)
    entry = {"name": "image_folder", "folder": "photographs", "height": SIDE, "width": SIDE, "streamed": True}
    entry |= {"test_rows": 500, "validation_rows": 500}
    start, worked = time.perf_counter(), time.process_time()
    data = preparation.prepare(
        "photographs", entry, {"folder": local_files.now({"photographs": "photographs"})["photographs"]}
    )
    prepared.save(data, Path("data/prepared"), "photographs", entry)
    seconds, processor = time.perf_counter() - start, time.process_time() - worked
    size = sum(path.stat().st_size for path in Path("data/prepared/photographs").iterdir())
    print(
        f"{PHOTOGRAPHS:,} JPEGs prepared in {seconds:.0f} s, {processor:.0f} s of the processor; {size / 1e6:,.0f} MB"
    )
    print(f"RssAnon {status('RssAnon') / 1e9:.2f} GB", flush=True)
    stored = prepared.load(Path("data/prepared"), "photographs")
    start, order = time.process_time(), random.permutation(len(stored.train.inputs))
    for first in range(0, len(order), 100):
        stored.train.inputs[order[first : first + 100]]
    print(f"read in an order by chance: {len(order) / (time.process_time() - start):,.0f} images a second of a core")
    how = recipe({"name": "cnn", "channels": 4, "normalization": "batch"}, {"updates": 20})
    start = time.process_time()
    result = Trainer(stored, how).run(32, 0.003, seed=0)
    print(f"20 updates of cnn, and two evaluations: {time.process_time() - start:.0f} s, {result.status}")


@contextmanager
def folder_of_its_own() -> Iterator[None]:
    """Let what is written be in a temporary folder on the disk of the working folder."""
    before = Path.cwd()
    with TemporaryDirectory(dir=before) as folder:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(before)
        try:
            yield
        finally:
            os.chdir(before)


def main() -> None:
    """Measure what is asked for."""
    match sys.argv[1:]:
        case ["held", updates]:
            train_held(int(updates))
        case ["speed", *given] if given in ([], ["jax"]):
            with folder_of_its_own():
                speed(*given or ["tensorflow"])
        case ["images"]:
            with folder_of_its_own():
                images()
        case ["articles", *given]:
            rows, updates = (*map(int, given), *(ROWS, 0)[len(given) :])
            with folder_of_its_own():
                measure_articles(rows, updates)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
