"""The pool on this machine is nobody else's: where it listens, whom it answers; and it keeps its workers."""

import gc
import socket
import ssl
import time
from contextlib import suppress

import psutil
import pytest
from distributed import Client, LocalCluster
from distributed.core import Status
from distributed.security import Security

from batchwise.common.errors import UserError
from batchwise.execution import pool, study_runs
from batchwise.runtime import forkserver
from tests.project import HANG


@pytest.fixture(autouse=True, scope="module")
def copied_from_tensorflow() -> None:
    """Dask would start what workers are copies of without it, for all tests of this process."""
    forkserver.start(*study_runs.PRELOADED)


def listening() -> set[tuple[str, int]]:
    """Return the addresses and ports at which this process and those below it listen."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    connections = [found for process in processes for found in process.net_connections("inet")]
    return {(found.laddr.ip, found.laddr.port) for found in connections if found.status == psutil.CONN_LISTEN}


def test_a_pool_listens_on_the_loopback_alone_and_answers_who_has_its_certificate(monkeypatch) -> None:
    monkeypatch.setenv("BATCHWISE_WORKERS", "1")
    before = listening()
    with pool.pool() as client:
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        assert len(client.nthreads()) == 1
        opened = listening() - before
        assert {ip for ip, _ in opened} == {"127.0.0.1"}
        for ip, port in opened:
            for path in ("/", "/status", "/health", "/metrics", "/info/main/workers.html"):
                shows_nothing(ip, port, path)
        assert client.submit(sum, [1, 2]).result(timeout=60) == 3
        host, port = address.removeprefix("tls://").split(":")
        refuses_what_is_not_tls(host, int(port))
        refuses_another_certificate(host, int(port))


def shows_nothing(host: str, port: int, path: str) -> None:
    answer = answer_to(f"GET {path} HTTP/1.0\r\n\r\n".encode(), host, port)
    assert answer.startswith(b"HTTP/1.1 404") or b"HTTP" not in answer


def refuses_what_is_not_tls(host: str, port: int) -> None:
    answer = answer_to(bytes(64), host, port)
    assert len(answer) <= 7 and answer[:1] in (b"", b"\x15")  # an alert of TLS at most, and the end


def answer_to(sent: bytes, host: str, port: int) -> bytes:
    answer = b""
    with suppress(ConnectionError), socket.create_connection((host, port), timeout=HANG) as plain:
        plain.sendall(sent)
        while part := plain.recv(64):
            answer += part
    return answer


def refuses_another_certificate(host: str, port: int) -> None:
    context = Security.temporary().get_connection_args("client")["ssl_context"]
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=HANG) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
        context.wrap_socket(plain) as secured,
    ):
        secured.sendall(bytes(64))
        secured.recv(64)


@pytest.mark.parametrize("how", ["it closed", "its process could not be started"])
def test_a_worker_that_nothing_starts_again_is_replaced(monkeypatch, how) -> None:
    monkeypatch.setenv("BATCHWISE_WORKERS", "1")
    with pool.pool() as client:
        (lost,) = client.nthreads()
        (nanny,) = client.cluster.workers.values()
        if how == "it closed":
            client.sync(nanny.close)
        else:
            monkeypatch.setattr(nanny.process, "status", Status.failed)
        deadline = time.monotonic() + HANG
        while lost in client.nthreads() or not client.nthreads():
            assert time.monotonic() < deadline
            pool.replace_lost_workers(client)
            time.sleep(0.1)
        assert [*client.cluster.workers.values()] != [nanny] and len(client.nthreads()) == 1
        assert client.submit(sum, [1, 2]).result(timeout=HANG) == 3


def test_a_worker_of_this_process_is_replaced_too() -> None:
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        (worker,) = cluster.workers.values()
        client.sync(pool._replace_lost, cluster)
        assert [*cluster.workers.values()] == [worker]
        client.sync(worker.close)
        client.sync(pool._replace_lost, cluster)
        client.wait_for_workers(1, timeout=HANG)
        assert [*cluster.workers.values()] != [worker]


@pytest.mark.parametrize("address", ["garbage", "foo://x:1", "tcp://", "tls://127.0.0.1:1", "tcp://127.0.0.1:port"])
def test_an_address_without_a_scheduler_is_told(monkeypatch, address) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    with pytest.raises(UserError, match="no Dask scheduler answers at DASK_SCHEDULER_ADDRESS="), pool.pool():
        pass
    gc.collect()  # Dask's client closes itself when it is collected; while another starts, both would wait
