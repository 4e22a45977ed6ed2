"""The checksums of results: equal for equal results, and another for any other number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.training import checksums, run_result, run_shard
from batchwise.training.run_files import RunFile
from batchwise.training.run_result import RunResult
from tests import shards

EPOCHS, RUNS = 3, 4
METRICS = ("accuracy", "loss")


def results() -> dict[str, RunResult]:
    random = np.random.default_rng(0)
    return {
        f"m{1 + m}_lr0.5_seed0": RunResult(
            "ok",
            {name: random.random((1 + EPOCHS, 3), "float32") for name in METRICS},
            {"0_kernel": random.random((3, 2), "float32"), "1_bias": random.random(2, "float32")},
        )
        for m in range(RUNS)
    }


def of_results(named: dict[str, RunResult]) -> dict:
    sums = checksums.Checksums()
    for name, result in named.items():
        sums.add(name, RunFile(result, {}, {}, ""))
    return sums.as_facts()


def arrays(result: RunResult) -> dict[str, np.ndarray]:
    return {**result.metrics, **result.weights}


def unequal(before: dict, now: dict, kind: str) -> list[str]:
    assert before[kind].keys() == now[kind].keys()
    return [name for name in before[kind] if before[kind][name] != now[kind][name]]


@given(st.data())
def test_one_changed_bit_is_found_with_its_run_and_its_epoch_or_tensor(data) -> None:
    before, changed = of_results(results()), results()
    run = data.draw(st.sampled_from(sorted(changed)))
    array = data.draw(st.sampled_from(sorted(arrays(changed[run]))))
    content = arrays(changed[run])[array].view("uint8").reshape(-1)
    place = data.draw(st.integers(0, content.size - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    now = of_results(changed)
    assert unequal(before, now, "runs") == [run]
    epoch = str(place // 12)  # three numbers of four bytes each
    assert unequal(before, now, "epochs") == ([epoch] if array in METRICS else [])
    assert unequal(before, now, "tensors") == ([array] if array in changed[run].weights else [])


def test_the_status_the_type_and_the_shape_count() -> None:
    (name, given), *_ = results().items()
    numbers = {"metrics": given.metrics, "weights": given.weights}
    others = [
        RunResult(**{"status": "ok", **numbers, **change})
        for change in (
            {},
            {"status": "diverged"},
            {"metrics": {**given.metrics, "loss": given.metrics["loss"].view("uint32")}},
            {"weights": {**given.weights, "0_kernel": given.weights["0_kernel"].T.copy()}},
            {"weights": {}},
            {"metrics": {name: values[:-1] for name, values in given.metrics.items()}},
        )
    ]
    assert len({of_results({name: other})["runs"][name] for other in others}) == len(others)


def test_files_are_told_apart_by_what_training_computed_not_by_what_they_were_made_from(tmp_path) -> None:
    inputs = {"data": "a", "environment": {"device": "x"}, "code": {"trainer.py": "1"}}
    contents = {name: run_result.dump(result, {}) for name, result in results().items()}
    shards.write(tmp_path, contents, inputs)
    found = checksums.of_files(dict.fromkeys(results(), tmp_path))
    assert found == {**of_results(results()), "data": "a", "environment": {"device": "x"}}
    shards.write(tmp_path, contents, {**inputs, "code": {"trainer.py": "2"}})
    assert checksums.of_files(dict.fromkeys(results(), tmp_path)) == found


def test_a_damaged_file_is_named(tmp_path) -> None:
    name = "m1_lr0.5_seed0"
    (tmp_path / run_shard.name(name)).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"m1_lr0.5-1_seed0-99\.zip is damaged"):
        checksums.of_files({name: tmp_path})
