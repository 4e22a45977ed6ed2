"""How plug-ins of data sets are called: in a copy of the project, with files that are wrong in each their own way."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from batchwise.data import preparation
from batchwise.data.dataset import Split
from tests.data.wrong_data_sets import INPUTS, LABELS, PARTS, build
from tests.project import PARAMS, Project

START = """\
import numpy as np
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.splitting import split, standardise
ABOUT = Description("title", "multiclass_classification", "source", "licence")
x, y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
parts = lambda: standardise(split(x, y, validation_rows=9, test_rows=9, seed=0))
def prepare():
"""
NAMES = "('a', 'b', 'c')"
LINE = len(START.splitlines()) + 1  # where prepare() begins
GOOD = f"return DataSet(ABOUT, {NAMES}, *parts())"

# {name: (content of the file, the line that is named, words)}
FILES: dict[str, tuple[str, int | None, str]] = {
    "raises": (f"{START}    return 1 / 0", LINE, "ZeroDivisionError: division by zero"),
    "raises_in_a_library": (f"{START}    return np.zeros(3) @ np.zeros(2)", LINE, "matmul: "),
    "raises_lines": (f"{START}    raise KeyError('one\\n\\ntwo')", LINE, r"KeyError: 'one\n\ntwo'"),
    "raises_many_lines": (f"{START}    raise RuntimeError('one\\n\\n' * 999)", LINE, "RuntimeError: one"),
    "raises_nothing": (f"{START}    raise ValueError", LINE, "ValueError"),
    "raises_another_kind": (f"{START}    raise GeneratorExit('x')", LINE, "GeneratorExit: x"),
    "has_no_memory": (f"{START}    raise MemoryError('9 GiB')", LINE, "MemoryError: 9 GiB"),
    "never_ends": (f"{START}    return prepare()", LINE, "RecursionError: maximum recursion depth exceeded"),
    "lacks_a_file": (f"{START}    return open('nothing.csv')", LINE, "No such file or directory: 'nothing.csv'"),
    "reads_a_file": (
        f"{START}    np.fromfile('dvc.yaml')\n    {GOOD}",
        LINE,
        "it reads dvc.yaml, which is not declared",
    ),
    "reads_a_file_and_goes_on": (
        f"{START}    try: open('dvc.yaml')\n    except Exception: pass\n    {GOOD}",
        *(LINE, "write `files: { dvc: dvc.yaml }` in params.yaml, and take the path from an option of type File"),
    ),
    "reads_a_file_and_says_otherwise": (
        f"{START}    try: open('dvc.yaml')\n    except Exception: raise ValueError('no rows')",
        *(LINE, "it reads dvc.yaml, which is not declared"),
    ),
    "reads_a_file_at_import": (f"open('dvc.yaml')\n{START}    {GOOD}", 1, "it reads dvc.yaml, which is not declared"),
    "asserts": (f"{START}    assert 1 > 2, 'no rows'", LINE, "AssertionError: no rows"),
    "exits": (f"{START}    import sys; sys.exit(3)", LINE, "it ended the process, by sys.exit(3)"),
    "exits_in_silence": (f"{START}    raise SystemExit", LINE, "it ended the process, by sys.exit(None)"),
    "returns_nothing": (f"{START}    parts()", None, "prepare() returned None; a DataSet is expected"),
    "returns_a_tuple": (
        f"{START}    return parts()",
        None,
        "prepare() returned a tuple; a DataSet is expected; write `return DataSet(",
    ),
    "returns_a_dict": (f"{START}    return dict(x=x, y=y)", None, "prepare() returned a dict"),
    "returns_arrays": (f"{START}    return x, y", None, "a tuple; a DataSet is expected; write `return DataSet("),
    "returns_the_class": (f"{START}    return DataSet", None, "prepare() returned a type"),
    "yields": (f"{START}    yield parts()", None, "a DataSet is expected; what yields batches has an order of its own"),
    "three_arrays": (f"{START}    return Split(x, y, y)", LINE, "TypeError: Split.__init__() takes 3 positional"),
    "lacks_fields": (f"{START}    return DataSet(ABOUT)", LINE, "TypeError: DataSet.__init__() missing 4 required"),
    "has_another_field": (
        f"{START}    return DataSet(about=ABOUT)",
        LINE,
        "got an unexpected keyword argument 'about'",
    ),
    "needs_arguments": (f"{START.replace('prepare()', 'prepare(rows)')}    return rows", None, "missing 1 required"),
    "has_wrong_labels": (
        f"{START}    return DataSet(ABOUT, {NAMES}, *(Split(p.inputs, p.labels + 1) for p in parts()))",
        *(LINE, "train labels go from 1 to 3"),
    ),
    "has_half_labels": (
        f"{START}    global y\n    y = np.where(y == 1, 0.5, y)\n    {GOOD}",
        *(LINE + 2, "train labels are float64 of the shape [42], such as 0.5"),
    ),
    "has_a_nan": (
        f"{START}    x[7, 1] = np.nan\n    {GOOD}",
        6,
        "inputs: 1 value is NaN or infinite, in 1 of 60",
    ),
    "has_another_task": (f"{START}    Description('t', 'regresion', 's', 'l')", LINE, "'regresion' is not a known"),
    "lacks_a_package": (
        f"import numpy as np\nimport no_such_package\n{START}    ...",
        2,
        "No module named 'no_such_package'",
    ),
    "lacks_a_name": (f"from numpy import no_such_name\n{START}    ...", 1, "cannot import name 'no_such_name'"),
    "raises_at_import": (f"int('one')\n{START}    ...", 1, "invalid literal for int() with base 10: 'one'"),
    "exits_at_import": (f"exit()\n{START}    ...", 1, "it ended the process, by sys.exit(None)"),
    "raises_a_long_word": (f"{START}    raise ValueError('x' * 9999)", LINE, "x" * 150),
    "exits_with_a_long_word": (f"{START}    exit('x' * 9999)", LINE, "sys.exit('xxx"),
    "raises_a_sentence_of_two": (
        f"{START}    from batchwise.common.errors import UserError; raise UserError('a\\nb')",
        *(LINE, "UserError: a"),
    ),
    "raises_an_empty_sentence": (
        f"{START}    from batchwise.common.errors import UserError; raise UserError",
        *(LINE, "UserError"),
    ),
    "is_changed_in_place": (
        f"{START}    data = {GOOD[7:]}\n    data.test.inputs[2] = np.nan\n    return data",
        *(None, "test inputs: 4 values are NaN or infinite, in 1 of 9 rows"),
    ),
    "is_of_a_class_without_checks": (
        f"{START}    class Mine(DataSet): __post_init__ = lambda _: None\n    return Mine(ABOUT, (), *[None] * 3)",
        *(None, "train is None; a Split is expected"),
    ),
    "is_not_python": ("import numpy\ndef prepare(:\n", 2, "SyntaxError: invalid syntax"),
    "has_bytes_of_0": ("def prepare(): ...\n\0", None, "source code string cannot contain null bytes"),
    "has_no_function": (
        "import numpy\n",
        None,
        "module 'batchwise.datasets.has_no_function' has no attribute 'prepare'",
    ),
}
DRIVER = """\
import sys
from batchwise.common.errors import UserError
from batchwise.data import preparation
for name in sys.argv[1:]:
    try:
        preparation.prepare(name, {})
        print(f"{name} was taken")
    except UserError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = Project.new(tmp_path_factory.mktemp("plugins"))
    right = f"print('it is said')\n{START}    {GOOD}"
    twice = f"{START}    x[:] = x[:1]\n    {GOOD}"
    for name, content in {
        "right": right,
        "twice": twice,
        **{name: content for name, (content, *_) in FILES.items()},
    }.items():
        (made.folder / "batchwise/datasets" / f"{name}.py").write_text(content + "\n")
    return made


def test_what_goes_wrong_in_a_plugin_is_said_in_one_line_with_its_place(project) -> None:
    lines = project.run(sys.executable, "-c", DRIVER, *FILES).splitlines()
    for (name, (_, line, words)), said in zip(FILES.items(), lines, strict=True):
        place = f"batchwise/datasets/{name}.py{f', line {line}' if line else ''}"
        assert said.startswith(f"data set {name} ({place}): "), said
        assert words in said and len(said) < 600


def test_stage_preprocess_says_so_and_writes_nothing_of_it(project) -> None:
    def preprocess(*data_sets: str, status: int = 0) -> list[str]:
        """Return the lines that the stage prints where params.yaml names these data sets."""
        named = {**{name: {} for name in data_sets}, **PARAMS["data_sets"]}
        project.write_params({**PARAMS, "data_sets": named})
        project.run(sys.executable, "-m", "stages.check")
        return project.run(sys.executable, "-m", "stages.preprocess", status=status).splitlines()

    (line,) = preprocess("has_a_nan", status=1)
    assert line.startswith("error: data set has_a_nan (batchwise/datasets/has_a_nan.py, line 6): inputs: 1 value is")
    assert not list((project.folder / "data/prepared").glob("*has_a_nan*"))
    assert preprocess("right") == ["it is said"]
    warnings = [
        f"warning: data set twice: 9 of 9 {part} rows have the inputs of a row of {other}: "
        "what is known of them is no measure of new rows"
        for other, part in (("train", "validation"), ("train", "test"), ("validation", "test"))
    ]
    assert preprocess("right", "twice") == warnings  # what has not changed is kept
    assert preprocess("right", "twice") == ["it is said", *warnings]  # as `dvc repro --force preprocess` does
    files = {path.name for path in (project.folder / "data/prepared").iterdir() if path.is_file()}
    wanted = {f"{name}{ending}" for name in ("digits", "right", "twice") for ending in (".json", ".npz")}
    assert files == wanted
    before = project.bytes_of("data/prepared")
    preprocess("right", "twice", "has_a_nan", status=1)
    assert project.bytes_of("data/prepared") == before


def test_a_plugin_is_found_where_the_code_is_linked(project, tmp_path) -> None:
    """As in the folders of the paper's pipelines."""
    (tmp_path / "batchwise").symlink_to(project.folder / "batchwise")
    printed = Project(tmp_path).run(sys.executable, "-c", DRIVER, "raises")
    assert printed.startswith(f"data set raises (batchwise/datasets/raises.py, line {LINE}): ZeroDivisionError")


TABLE = f"""\
import pandas as pd
from batchwise.common.option_types import File
{START.replace("prepare()", "prepare(*, file: File, other: File | None = None, seed: int = 0)")}
    print("reads", file, type(file).__name__, other)
    x[:] = pd.read_csv(file).to_numpy()
    if seed: file.write_text("a")
    {GOOD}
"""
READING = """\
import sys
from pathlib import Path
from batchwise.common.errors import UserError
from batchwise.data import local_files, preparation
given = {option: local_files.now({"wine": path})["wine"] for option, path in zip(sys.argv[2::2], sys.argv[3::2])}
try:
    data = preparation.prepare("mine", {"name": "table", "file": "wine", "seed": int(sys.argv[1])}, given)
    print(data.files == {"wine (wine.csv)": given["file"].sha256}, data.train.inputs.mean() != 0)
except UserError as error:
    print(error)
"""


def test_a_plugin_gets_the_path_of_a_declared_file_which_stands_in_what_it_was_made_from(project) -> None:
    (project.folder / "batchwise/datasets/table.py").write_text(TABLE)
    (project.folder / "wine.csv").write_text(
        "a,b,c,d\n" + "\n".join(f"{n},{n % 7},{n % 5},1" for n in range(60)) + "\n"
    )
    (project.folder / "copy.csv").write_bytes((project.folder / "wine.csv").read_bytes())

    def read(*words: str) -> list[str]:
        return project.run(sys.executable, "-c", READING, *words).splitlines()

    assert read("0", "file", "wine.csv") == ["reads wine.csv PosixPath None", "True True"]
    assert read("0", "file", "wine.csv", "other", "copy.csv")[0] == "reads wine.csv PosixPath copy.csv"
    printed = read("1", "file", "wine.csv")
    assert printed[1].startswith("wine.csv has changed since DVC looked at it; run `dvc repro --force file@wine`, and")


LEAVING = f"""\
{START.replace("prepare()", "prepare(*, sizes: list[int])")}
    import os, random, warnings
    os.chdir("/"), os.environ.clear(), np.seterr(all="raise"), warnings.simplefilter("error"), sizes.append(3)
    x[:, 0], x[:, 1] = np.random.normal(size=60), [random.random() for _ in x]
    x[:, 2] = np.random.default_rng().normal(size=60)
    {GOOD}
"""
TWICE = """\
import os, warnings
import numpy as np
from batchwise.data import preparation
def state():
    return os.getcwd(), sorted(os.environ.items()), np.geterr(), list(warnings.filters), options
options = {"sizes": [1, 2]}
before = list(map(repr, state()))
first = preparation.prepare("leaving", options).sha256
for one, other in zip(state(), before, strict=True):
    assert repr(one) == other, (one, other)
assert preparation.prepare("leaving", options).sha256 == first
print(first)
"""


def test_a_plugin_leaves_nothing_behind_and_draws_the_same_numbers_each_time(project) -> None:
    """It changes the folder, the environment, how errors are taken, and its options; it draws without a seed."""
    (project.folder / "batchwise/datasets/leaving.py").write_text(LEAVING)
    printed = {project.run(sys.executable, "-c", TWICE) for _ in range(2)}
    assert len(printed) == 1


def test_an_interrupted_plugin_is_interrupted(monkeypatch) -> None:
    def stop(kind: str, name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(preparation.plugins, "load", stop)
    with pytest.raises(KeyboardInterrupt):
        preparation.prepare("digits", {})


def test_nothing_is_said_of_a_data_set_as_it_should_be() -> None:
    assert preparation.warnings(build()) == []
    assert preparation.warnings(build(validation=(INPUTS[:0], LABELS[:0]))) == []


def test_classes_without_training_rows_are_counted() -> None:
    names = tuple("abcdefghij")
    data = build(class_names=names, train=(INPUTS[:30], LABELS[:30] % 2))
    assert preparation.warnings(data) == [
        "8 of 10 classes have no training row ('c', 'd', 'e', 'f', 'g', …): no run can learn them"
    ]
    assert "1 of 3 classes have" in preparation.warnings(build(train=(INPUTS[:30], LABELS[:30] % 2)))[0]


@pytest.mark.parametrize("as_images", [False, True])
def test_rows_that_stand_in_two_parts_are_counted(as_images) -> None:
    data = build()
    test = np.concatenate([INPUTS[42:], INPUTS[:3], INPUTS[:1], INPUTS[31:33]])
    data = replace(data, test=Split(test, np.arange(len(test)) % 3))
    if as_images:
        parts = {name: getattr(data, name) for name in PARTS}
        data = replace(
            data,
            **{
                name: Split(part.inputs.view("uint8").reshape(-1, 2, 2, 4), part.labels) for name, part in parts.items()
            },
            **{"mean": np.zeros(4, "float32"), "std": np.ones(4, "float32")},
        )
    first, second = preparation.warnings(data)
    assert first.startswith("4 of 24 test rows have the inputs of a row of train")
    assert second.startswith("2 of 24 test rows have the inputs of a row of validation")
