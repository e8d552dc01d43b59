"""The broker of the one-command set-up: what is read there is whole, whoever writes at the same moment."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import current_app
from kombu import Connection

from hub.broker import Transport

MESSAGES = 500
TABLES = 200
# Hundreds of times what the hub sends, so that a write takes long enough to be seen half done.
BODY = "x" * 100_000
# Not forked: pytest's own threads and its connection to the database stay out of it.
processes = multiprocessing.get_context("spawn")


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    for folder in ("queue", "control"):
        (tmp_path / folder).mkdir()
    queue = str(tmp_path / "queue")
    return {"data_folder_in": queue, "data_folder_out": queue, "control_folder": str(tmp_path / "control")}


def channel_of(options: dict[str, str]) -> Any:
    return Connection("filesystem://", transport="hub.broker:Transport", transport_options=options).default_channel


def write(options: dict[str, str], writer: int, start: Barrier) -> None:
    channel = channel_of(options)
    start.wait()
    for number in range(MESSAGES):
        channel._put("celery", {"number": (writer, number), "body": BODY})


def bind(options: dict[str, str], queue: str, start: Barrier) -> None:
    channel = channel_of(options)
    start.wait()
    for number in range(TABLES):
        channel._queue_bind(f"exchange{number}", "", "", queue)


def test_the_hub_uses_it() -> None:
    with current_app.connection() as broker:
        assert not current_app.conf.broker_url.startswith("filesystem") or isinstance(broker.transport, Transport)


@pytest.mark.timeout(60)
def test_no_message_is_read_before_all_of_it_is_written(options: dict[str, str]) -> None:
    start = processes.Barrier(3)
    writers = [processes.Process(target=write, args=(options, writer, start), daemon=True) for writer in (1, 2)]
    for writer in writers:
        writer.start()
    channel = channel_of(options)
    start.wait()
    read = []
    while len(read) < len(writers) * MESSAGES:
        try:
            message = channel._get("celery")
        except Empty:
            continue
        assert message["body"] == BODY
        read.append(tuple(message["number"]))
    assert sorted(read) == [(writer, number) for writer in (1, 2) for number in range(MESSAGES)]
    for writer in writers:
        writer.join()
    assert list(Path(options["data_folder_in"]).iterdir()) == []


@pytest.mark.timeout(60)
def test_no_table_of_queues_is_read_before_it_is_written_or_loses_a_queue(options: dict[str, str]) -> None:
    start = processes.Barrier(3)
    binders = [processes.Process(target=bind, args=(options, queue, start), daemon=True) for queue in ("a", "b")]
    for binder in binders:
        binder.start()
    channel = channel_of(options)
    start.wait()
    for number in range(TABLES):
        while len(queues := channel.get_table(f"exchange{number}")) < len(binders):
            pass
        assert {entry.queue for entry in queues} == {"a", "b"}
    for binder in binders:
        binder.join()
