"""A pool of dask.distributed workers: new processes on this machine, or those of a cluster that is there."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import dask
from distributed import Client, LocalCluster, Nanny, Worker
from distributed.core import Status
from distributed.security import Security

from batchwise.common.errors import UserError
from batchwise.execution.pool_size import cluster_address, number_of_workers
from batchwise.runtime.forkserver import holding_interrupts, start_method

SECONDS_TO_CONNECT = 15  # to a scheduler of the user's
SECONDS_TO_CLOSE = 20  # a worker that does not end by then ends with this process


@contextmanager
def pool() -> Iterator[Client]:
    """Yield a client of the cluster at DASK_SCHEDULER_ADDRESS, or of BATCHWISE_WORKERS new processes on this machine.

    Raises UserError for a number of workers that is not allowed, for workers that do not start, or a
    scheduler that does not answer.
    """
    settings = {
        "distributed.scheduler.allowed-failures": 0,  # told at once; Dask would lose a run when no worker is left
        "distributed.scheduler.work-stealing": False,
        "distributed.deploy.lost-worker-timeout": "1 day",  # one that starts again, on a busy machine, is not lost
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.worker.daemon": True,
        "distributed.worker.multiprocessing-method": start_method(),
        "distributed.admin.log-format": "%(message)s",
    }
    with dask.config.set(settings), ExitStack() as closing:
        address = cluster_address()
        client = _connected(address) if address else _started(number_of_workers(), closing)
        closing.callback(_close, client)
        yield client


def _connected(address: str) -> Client:
    for logger in ("distributed", "distributed.client"):  # what matters of a lost connection is told once
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at DASK_SCHEDULER_ADDRESS={address} ({error}); it must be an address as "
            "tcp://host:8786 or tls://host:8786"
        ) from None


def _started(number: int, closing: ExitStack) -> Client:
    """Return a client of new workers, which end with `closing`.

    Whoever may connect to a scheduler can run code as its owner: these listen on the loopback alone, and talk to those
    who have the certificate, which is made for this pool and is in memory only.
    """
    try:
        security = Security.temporary()
        with holding_interrupts():
            cluster = LocalCluster(
                n_workers=number,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},  # where Bokeh is installed, it would show anyone what runs
                security=security,
                silence_logs=logging.CRITICAL,
            )
            closing.callback(_close, cluster)
        return Client(cluster)
    except (OSError, RuntimeError, EOFError, MemoryError) as error:
        raise UserError(
            f"{number} workers could not be started on this machine ({type(error).__name__}: {error}); see whether it "
            "has the memory, or set BATCHWISE_WORKERS to fewer"
        ) from None


def _close(opened: Client | LocalCluster) -> None:
    with suppress(TimeoutError):
        opened.close(timeout=SECONDS_TO_CLOSE)


def replace_lost_workers(client: Client) -> None:
    """Begin to start others for workers that nothing starts again, if the pool is of this machine.

    Dask starts one that died once more, and gives up where the process of which it is a copy dies meanwhile.
    """
    if client.cluster and client.loop:
        client.loop.add_callback(_replace_lost, client.cluster)


async def _replace_lost(cluster: LocalCluster) -> None:
    if cluster.status == Status.running:
        lost = [name for name, nanny in cluster.workers.items() if _has_given_up(nanny)]
        nannies = [cluster.workers.pop(name) for name in lost]
        cluster.scale(len(cluster.worker_spec))
        for nanny in nannies:
            with suppress(Exception):  # whatever is wrong with it, nobody needs it any more
                await nanny.close()


def _has_given_up(nanny: Nanny | Worker) -> bool:
    """Return whether what starts a worker will not start it again; one of this process is itself what the pool has."""
    process = nanny.process if isinstance(nanny, Nanny) else None
    could_not_start = process is not None and process.status == Status.failed
    return could_not_start or nanny.status in (Status.closing, Status.closed, Status.failed)
