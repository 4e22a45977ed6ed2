"""The order in which runs are handed to workers."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.execution.run_queue import Queue

RUNS = st.lists(
    st.builds(Run, st.integers(1, 6), st.sampled_from([0.1, 0.2, 0.3]), st.integers(0, 3)), unique=True, max_size=40
)
WORKERS = st.lists(st.sampled_from("abc"), min_size=1)


def seconds(run: Run) -> float:
    return 1 / run.effective_batch_size


def hand_out(runs, workers) -> list[tuple[str, Run, set[int]]]:
    """Return (worker, run, batch sizes that waited until then) of all runs; the workers ask in turns."""
    queue, taken = Queue(runs, seconds, compile_seconds=lambda: 0), []
    while queue.waiting:
        worker = workers[len(taken) % len(workers)]
        waiting = {run.effective_batch_size for run in left(runs, taken)}
        [run] = queue.take(worker, workers)
        taken.append((worker, run, waiting))
    return taken


def left(runs, taken) -> set[Run]:
    return set(runs) - {run for _, run, _ in taken}


@given(RUNS, WORKERS)
def test_every_run_is_handed_out_once(runs, workers) -> None:
    taken = [run for _, run, _ in hand_out(runs, workers)]
    assert sorted(taken) == sorted(runs)


@given(RUNS, WORKERS)
def test_a_worker_stays_with_its_batch_size_while_runs_of_it_wait(runs, workers) -> None:
    current = {}
    for worker, run, waiting in hand_out(runs, workers):
        assert run.effective_batch_size == current.get(worker) or current.get(worker) not in waiting
        current[worker] = run.effective_batch_size


@given(RUNS, WORKERS)
def test_a_new_batch_size_is_one_that_no_worker_has_and_that_takes_longest(runs, workers) -> None:
    current, taken = {}, []
    for worker, run, waiting in hand_out(runs, workers):
        if current.get(worker) not in waiting:
            totals = defaultdict(float)
            for waits in left(runs, taken):
                totals[waits.effective_batch_size] += seconds(waits)
            free = waiting - set(current.values()) or waiting
            assert run.effective_batch_size in free
            assert totals[run.effective_batch_size] >= max(totals[m] for m in free) * (1 - 1e-12)
        current[worker] = run.effective_batch_size
        taken.append((worker, run, waiting))


@given(RUNS, WORKERS)
def test_the_order_does_not_depend_on_the_order_of_the_list(runs, workers) -> None:
    assert hand_out(runs, workers) == hand_out(runs[::-1], workers)


FOUR_RUNS = [Run(8, 0.1, seed) for seed in range(4)]  # of 1/8 s each


def test_a_worker_does_not_compile_for_what_another_finishes_sooner() -> None:
    queue = Queue(FOUR_RUNS, seconds, compile_seconds=lambda: 1)
    assert queue.take("a", "ab") == (FOUR_RUNS[0],)
    assert queue.take("b", "ab") == ()
    assert queue.take("a", "ab") == (FOUR_RUNS[1],)


def test_a_worker_shares_what_takes_longer_than_compiling() -> None:
    queue = Queue(FOUR_RUNS, seconds, compile_seconds=lambda: 0.1)
    assert queue.take("a", "ab") == (FOUR_RUNS[0],)
    assert queue.take("b", "ab") == (FOUR_RUNS[3],)  # from the other end
    assert queue.take("a", "ab") == (FOUR_RUNS[1],)
    assert queue.take("b", "ab") == (FOUR_RUNS[2],)


def test_workers_that_all_begin_share_a_batch_size_until_one_has_trained() -> None:
    queue = Queue(FOUR_RUNS, seconds, compile_seconds=lambda: 1, all_begin=True)
    assert queue.take("a", "abc") == (FOUR_RUNS[0],)
    assert queue.take("b", "abc") == (FOUR_RUNS[3],)
    assert queue.take("a", "abc") == (FOUR_RUNS[1],)
    assert queue.take("c", "abc") == ()


def test_a_worker_shares_what_turns_out_to_take_long() -> None:
    measured = {"run": 1e-3, "compile": 1.2}  # what is believed of a small model, until a large one was measured
    queue = Queue(FOUR_RUNS, lambda run: measured["run"], lambda: measured["compile"])
    assert queue.take("a", "ab") == (FOUR_RUNS[0],)
    assert queue.take("b", "ab") == ()
    measured |= {"run": 15, "compile": 3}
    assert queue.take("b", "ab") == (FOUR_RUNS[3],)


def test_the_batch_size_of_a_worker_that_died_goes_to_another() -> None:
    queue = Queue(FOUR_RUNS, seconds, compile_seconds=lambda: 1)
    queue.take("a", "ab")
    assert queue.take("b", "bc") == (FOUR_RUNS[1],)


@given(RUNS, WORKERS, st.integers(1, 5))
def test_runs_that_are_trained_together_have_a_batch_size_and_a_branch_in_common(runs, workers, at_once) -> None:
    branched = [replace(run, branch=Branch(2, 4, 8, 1.0)) if run.seed % 2 else run for run in runs]
    queue, taken = Queue(branched, seconds, compile_seconds=lambda: 0, at_once=at_once), []
    while queue.waiting:
        together = queue.take(workers[0], workers)
        assert 1 <= len(together) <= at_once
        assert len({(run.effective_batch_size, run.branch) for run in together}) == 1
        taken += together
    assert sorted(taken) == sorted(branched)


def test_workers_that_share_train_the_branches_of_a_run_in_their_order() -> None:
    branches = [(), *(Branch(epoch, epoch + 2, m, 1.0) for epoch in (2, 4) for m in (16, 32))]
    runs = [Run(8, 0.1, seed, branch) for seed in range(4) for branch in branches]
    queue = Queue(runs, seconds, compile_seconds=lambda: 0, all_begin=True)
    taken = {worker: [] for worker in "ab"}
    for worker in "ab" * (len(runs) // 2):
        taken[worker] += queue.take(worker, "ab")
    assert taken["a"] == runs[:10]
    assert taken["b"] == [*runs[15:], *runs[10:15]]
