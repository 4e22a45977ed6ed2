"""The workers of a pool that train a study: each is asked whether it gives the same bits, and sent what it lacks."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import monotonic
from typing import Any, Literal

from distributed import CancelledError, Client, Future, KilledWorker

from batchwise.common import plugin_errors
from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import received
from batchwise.data.loading import StudyData
from batchwise.data.received import Piece
from batchwise.execution.pool import replace_lost_workers
from batchwise.execution.workers import Answer, receive, take_up, train_runs

OTHERS, LEAVE_OUT, REFUSE = "BATCHWISE_OTHER_WORKERS", "leave_out", "refuse"
SECONDS_TO_ANSWER = 30
SECONDS_WITHOUT_WORKERS = 300  # a dead one is replaced by then, also on a busy machine
TRANSFERS_ALLOWED = 3  # of files, after which a worker lacks some again
MOST_WAITING = 200  # runs that the scheduler is told of
SHOWN = 3  # of what a worker differs by

State = Literal["new", "asked", "receiving", "ready", "left out"]


@dataclass
class Member:
    """A worker: where it runs, how far it has taken up the study, and what starts it again if it dies."""

    host: str
    accepts: bool  # it is neither short of memory nor about to leave
    state: State = "new"
    nanny: str | None = None  # as it said when it took up the study
    to_send: Iterator[Piece] = field(default_factory=lambda: iter(()))
    transfers: int = 0


class StudyWorkers:
    """The workers of a pool; `ready` are those that have taken up a study. Others may come and go at any time."""

    def __init__(self, client: Client, data: StudyData, shared_inputs: dict[str, Any]) -> None:
        """Raise UserError for a choice of BATCHWISE_OTHER_WORKERS that is none, or files that cannot be read."""
        self.client, self.data, self.shared_inputs = client, data, shared_inputs
        self.elsewhere = client.cluster is None
        self.leave_out = _leave_out()
        self.files = data.files() if self.elsewhere else ()  # those on this machine read the same ones
        self.members: dict[str, Member] = {}
        self.left_out: dict[tuple[str, str], str] = {}  # {(host, why): what was told of the first worker}
        self.ended: SimpleQueue[Future[Any]] = SimpleQueue()
        self.asked: dict[Future[Any], str] = {}
        self.waiting: list[Future[Any]] = []
        self.last_ready: float | None = None
        self.began = monotonic()

    @property
    def ready(self) -> tuple[str, ...]:
        """The addresses of the workers that can be given a run."""
        return tuple(worker for worker, one in self.members.items() if one.state == "ready" and one.accepts)

    @property
    def nannies(self) -> set[str | None]:
        """What starts the workers again that have taken up the study."""
        return {one.nanny for one in self.members.values()}

    def left_in_order(self, worker: str) -> bool:
        """Return whether a worker that is gone said so before, or was sent away."""
        events = [event for _, event in self._of_scheduler("events", topic=worker) if isinstance(event, dict)]
        return any(event.get("action") == "closing-worker" or event.get("expected") for event in events)

    def submit(self, worker: str, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Let a worker call a function. The future gets into `ended` when it is done, or will never be."""
        future = self.client.submit(function, *arguments, workers=[worker], pure=False)
        future.add_done_callback(self.ended.put)
        return future

    def show_waiting(self, runs: int) -> None:
        """Let the scheduler see how many runs wait, by which an adaptive cluster grows: as tasks that no worker takes.

        They have the name of those of runs, by which it knows how long they take.
        """
        new = min(runs, MOST_WAITING) - len(self.waiting) if self.elsewhere else 0
        if new > 0:
            nobody = {"batchwise: a run that waits": 1}
            self.waiting += self.client.map(train_runs, range(new), range(new), resources=nobody, pure=False)
        elif new < 0:
            self.client.cancel(self.waiting[new:])
            del self.waiting[new:]

    def look(self) -> dict[str, list[str]]:
        """See which workers there are, and let new ones take up the study. Return {worker: the tasks that it has}.

        Raises UserError if no scheduler answers, or for too long no worker was ready.
        """
        processing = self._of_scheduler("processing", workers=None)
        self._update(self._of_scheduler("identity", n_workers=-1)["workers"])
        replace_lost_workers(self.client)
        for future, worker in list(self.asked.items()):
            if worker not in self.members:
                future.cancel()  # which ends it
        for worker, one in self.members.items():
            if one.state == "new" and one.accepts and not self._receives(one.host):
                self._ask(worker)
        self._check_some_are_ready()
        return processing

    def _of_scheduler(self, question: str, **options: Any) -> Any:
        lost = UserError("the Dask scheduler no longer answers: see whether it runs; when it ends, its workers end too")
        scheduler = self.client.scheduler
        if scheduler is None:
            raise lost
        try:
            return self.client.sync(getattr(scheduler, question), callback_timeout=SECONDS_TO_ANSWER, **options)
        except (OSError, TimeoutError):
            raise lost from None

    def _update(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep the members that are still there, and add those that have come."""
        for worker in self.members.keys() - workers.keys():
            del self.members[worker]
        for worker, facts in workers.items():
            one = self.members.setdefault(worker, Member(facts["host"], False))
            one.accepts = facts["status"] == "running"

    def _check_some_are_ready(self) -> None:
        if self.ready:
            self.last_ready = monotonic()
        all_left_out = bool(self.members) and all(one.state == "left out" for one in self.members.values())
        since = self.began if self.last_ready is None else self.last_ready
        at_the_end = monotonic() - since > SECONDS_WITHOUT_WORKERS
        if all_left_out and (at_the_end or self.last_ready is None):
            raise UserError(f"all workers are left out: {'; '.join(self.left_out.values())}")
        if at_the_end and not any(one.state in ("asked", "receiving", "ready") for one in self.members.values()):
            raise UserError(f"no worker is left, and none came within {SECONDS_WITHOUT_WORKERS} s")

    def _ask(self, worker: str) -> None:
        self.members[worker].state = "asked"
        self.asked[self.submit(worker, take_up, self.data, self.files, self.shared_inputs)] = worker

    def handle(self, future: Future[Any]) -> None:
        """Go on with a worker that has answered, if the future is one of this class. Raises UserError to refuse it."""
        worker = self.asked.pop(future, "")
        if worker not in self.members:
            return
        try:
            answer = future.result(timeout=SECONDS_TO_ANSWER)
        except UserError as error:
            self._refuse(worker, f"cannot take up the study: {error} (on its machine)")
        except Exception as error:
            if was_lost(future, error):
                self.forget(worker)
                return
            code = "start both in a folder with this code, with PYTHONPATH=. and the same packages"
            self._refuse(worker, f"or the scheduler cannot take up the study ({plugin_errors.sentence(error)}); {code}")
        else:
            self._go_on(worker, answer)

    def _go_on(self, worker: str, answer: Answer | str | None) -> None:
        """Do what follows the answer of a worker: that to `take_up`, or to `receive`."""
        if isinstance(answer, str):
            self._refuse(worker, f"lacks the data, and {answer}")
        elif answer is None:
            self._send(worker)
        elif answer.differs:
            self._refuse(worker, _difference(answer.differs))
        elif answer.missing:
            self._transfer(worker, answer)
        elif not answer.restarts:
            self.members[worker].state, self.members[worker].nanny = "ready", answer.nanny

    def forget(self, worker: str) -> None:
        """Ask a worker anew, if it is still there."""
        if worker in self.members:
            self.members[worker].state = "new"

    def _receives(self, host: str) -> bool:
        return any(one.state == "receiving" and one.host == host for one in self.members.values())

    def _transfer(self, worker: str, answer: Answer) -> None:
        """Begin to send what a worker lacks, to one of each machine at a time: the others find it there."""
        one = self.members[worker]
        if self._receives(one.host):
            one.state = "new"
        elif one.transfers == TRANSFERS_ALLOWED:
            self._refuse(worker, f"lacks the data: {one.transfers} times it got other bytes than it was sent")
        else:
            one.transfers, one.state = one.transfers + 1, "receiving"
            one.to_send = (piece for of, missing in answer.missing for piece in received.pieces(of, missing))
            self._send(worker)

    def _send(self, worker: str) -> None:
        """Send the next piece, or ask whether all is there."""
        one = self.members[worker]
        try:
            piece = next(one.to_send, None)
        except OSError as error:
            raise UserError(f"{error.filename} cannot be read ({error.strerror})") from None
        if piece:
            self.asked[self.submit(worker, receive, piece)] = worker
        else:
            self._ask(worker)

    def _refuse(self, worker: str, why: str) -> None:
        """Leave a worker out, and tell; raise UserError where that is not the user's choice."""
        one, told = self.members[worker], f"worker {worker} {why}"
        if not self.leave_out:
            raise UserError(f"{told}; {OTHERS}={LEAVE_OUT} goes on without such workers")
        one.state = "left out"
        if (one.host, why) not in self.left_out:
            self.left_out[one.host, why] = told
            print(f"left out: {told}", file=sys.stderr, flush=True)


def was_lost(future: Future[Any], error: Exception) -> bool:
    """Return whether the error of a future says that a worker went away, also with the result; not that it raised."""
    if future.status == "error":
        return isinstance(error, KilledWorker)
    return isinstance(error, (TimeoutError, CancelledError, OSError))


def _difference(parts: tuple[str, ...]) -> str:
    more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    here = "; use workers with the same code, packages and kind of machine as where `dvc repro` runs"
    return f"would give other bits: {', '.join(parts[:SHOWN])}{more}{here}"


def _leave_out() -> bool:
    given = os.environ.get(OTHERS) or REFUSE
    if given not in (REFUSE, LEAVE_OUT):
        raise UserError(f"{OTHERS} is {shown(given)}; allowed are {REFUSE} and {LEAVE_OUT}")
    return given == LEAVE_OUT
