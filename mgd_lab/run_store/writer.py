"""The sink of a run: records go to one thread that writes the log, so that no fsync stalls
the training loop.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from types import TracebackType
from typing import Self

from mgd_lab.errors import RunStoreError
from mgd_lab.records import (
    Checkpoint,
    ParameterSnapshot,
    Record,
    StepBlock,
    Telemetry,
    WindowMeans,
)
from mgd_lab.run_store.folder import RunFolder
from mgd_lab.run_store.lock import WriterLock
from mgd_lab.run_store.log_writer import LogWriter

# Each hand-over wakes the thread; a few hundred kilobytes a time cost the loop nothing visible.
_HAND_OVER_BYTES = 256 * 1024
_HAND_OVER_RECORDS = 256
_QUEUED_BATCHES = 8


class RunWriter:
    """A `RecordSink` that keeps records in the run's log; use it in a `with` statement.

    `write` blocks while the thread is behind by a bounded number of records; nothing is dropped.
    Records become durable with the `Checkpoint` that follows them; those that no checkpoint
    follows are not kept. An error in the thread is raised as `RunStoreError` by the next `write`
    and by `close`. The first record removes the summary of an earlier end: the run goes on.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._lock = WriterLock(folder.path)
        self._queue: queue.Queue[list[Record] | None] = queue.Queue(_QUEUED_BATCHES)
        self._pending: list[Record] = []
        self._pending_bytes = 0
        self._failure: RunStoreError | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._goes_on = False

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RunStoreError(f"{self._folder.path} was opened for writing before")
        self._lock.acquire()
        try:
            log = LogWriter(self._folder.log)
        except (sqlite3.Error, OSError) as error:
            self._lock.release()
            raise self._translated(error) from error
        except BaseException:
            self._lock.release()
            raise
        self._thread = threading.Thread(target=self._keep, args=(log,), name="run log", daemon=True)
        self._thread.start()
        return self

    def write(self, record: Record) -> None:
        """Keep a record; its arrays must not change afterwards."""
        if self._failure is not None:
            raise self._failure
        if self._thread is None or self._closed:
            raise RunStoreError(f"{self._folder.path} is not open for writing")
        self._end_no_more()
        self._pending.append(record)
        self._pending_bytes += _array_bytes(record)
        if (
            isinstance(record, Checkpoint)
            or self._pending_bytes >= _HAND_OVER_BYTES
            or len(self._pending) >= _HAND_OVER_RECORDS
        ):
            self._hand_over()

    def close(self) -> None:
        """Wait until all is written, close the log; raises what went wrong in the thread."""
        if self._closed or self._thread is None:
            return
        try:
            if self._failure is None and self._pending:
                self._hand_over()
        finally:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            self._lock.release()
        if self._failure is not None:
            raise self._failure

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except RunStoreError as failure:
            if error is None:
                raise
            if failure is not error:
                # What ended the loop matters more; the log's trouble goes with it.
                error.add_note(str(failure))

    def _end_no_more(self) -> None:
        if self._goes_on:
            return
        try:
            self._folder.summary.unlink(missing_ok=True)
        except OSError as error:
            raise self._translated(error) from error
        self._goes_on = True

    def _hand_over(self) -> None:
        try:
            batch, self._pending, self._pending_bytes = self._pending, [], 0
            self._queue.put(batch)
        except BaseException as error:
            # Perhaps queued, perhaps not: a later checkpoint must not hide a gap.
            self._failure = RunStoreError(
                f"{self._folder.log}: interrupted ({type(error).__name__}) while records were "
                "handed over; the log ends at its last checkpoint"
            )
            raise

    def _keep(self, log: LogWriter) -> None:
        # After a failure the queue is still emptied: the loop must not wait for a place in it.
        healthy = True
        while (batch := self._queue.get()) is not None:
            healthy = healthy and self._attempt(log, batch)
        if healthy:
            self._attempt(log, None)

    def _attempt(self, log: LogWriter, batch: list[Record] | None) -> bool:
        try:
            if batch is None:
                log.close()
            for record in batch or ():
                log.write(record)
        except Exception as error:  # noqa: BLE001 (whatever it is, the loop is to hear of it)
            self._failure = self._translated(error)
            log.abandon()
            return False
        return True

    def _translated(self, error: Exception) -> RunStoreError:
        if isinstance(error, RunStoreError):
            return error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        failure = RunStoreError(
            f"cannot write {self._folder.log}: {reason or type(error).__name__}. The log is "
            "complete up to its last checkpoint. Free the disk or restore the folder."
        )
        failure.__cause__ = error
        return failure


def _array_bytes(record: Record) -> int:
    match record:
        case StepBlock():
            return record.samples.nbytes + record.costs.nbytes + record.baselines.nbytes
        case WindowMeans():
            return record.last_steps.nbytes + record.costs.nbytes + record.baselines.nbytes
        case ParameterSnapshot():
            return record.theta.nbytes
        case Telemetry():
            return record.values.nbytes
        case _:
            return 0
