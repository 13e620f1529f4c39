"""The same work on many tasks: in this process, or in several, each of which prepares it once."""

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Task = TypeVar("Task")
Answer = TypeVar("Answer")
Prepare = Callable[[], Callable[[Task], Answer]]
"""What makes the work ready, with all that it needs; can be pickled."""


class Died(Exception):
    """The process that had the task has ended; the text is one clear line."""


def perform(
    tasks: Iterable[Task], prepare: Prepare[Task, Answer], jobs: int
) -> Generator[tuple[Task, Answer | Died]]:
    """Each task with its answer, as they come; at most `jobs` tasks are taken before their turn.

    What is prepared is so when the first task is there. What it raises is raised here. With more
    than one job, a process that dies costs the task that it had.
    """
    if jobs > 1:
        yield from _in_processes(tasks, prepare, jobs)
        return
    work = None
    for task in tasks:
        work = work or prepare()
        yield task, work(task)


def _in_processes(
    tasks: Iterable[Task], prepare: Prepare[Task, Answer], jobs: int
) -> Generator[tuple[Task, Answer | Died]]:
    from multiprocessing.connection import Connection, wait

    left = iter(tasks)
    idle: list[Worker[Task, Answer]] = []
    busy: dict[Connection, tuple[Worker[Task, Answer], Task]] = {}
    try:
        while True:
            while len(busy) < jobs and (task := next(left, None)) is not None:
                worker = idle.pop() if idle else Worker(prepare)
                busy[worker.connection] = worker, task
                worker.give(task)
            if not busy:
                return
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                worker, task = busy.pop(ready)
                answer = worker.answer()
                if isinstance(answer, Died):
                    answer = Died(f"{answer}; fewer --jobs take less memory")
                else:
                    idle.append(worker)
                yield task, answer
    finally:
        # They write nothing, so they may end at any moment.
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.process.kill()
            worker.process.join()


class Worker(Generic[Task, Answer]):
    """Another process, with one task at a time."""

    def __init__(self, prepare: Prepare[Task, Answer]) -> None:
        import multiprocessing

        # Forking would copy threads in whatever state they are in.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        with _interrupts_held():
            self.process.start()
        theirs.close()

    def give(self, task: Task) -> None:
        """Have it work on a task."""
        with suppress(OSError):  # it has died: the answer tells
            self.connection.send(task)

    def answer(self) -> Answer | Died:
        """What came of the task; raises what kept the work from being ready."""
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            return Died(f"its process {how}")
        if isinstance(answer, _Unready):
            raise answer.reason
        return answer


class _Unready:
    """Why a process has no work ready."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Have a process that is started here not see Ctrl-C, which is for its parent to answer."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: "Connection", prepare: Prepare[Task, Answer]) -> None:
    """What a worker does, until the parent has no more tasks, or is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        try:
            work = prepare()
        except Exception as error:
            connection.send(_Unready(error))
            return
        while True:
            connection.send(work(connection.recv()))
    except (EOFError, ConnectionError):
        os._exit(0)
