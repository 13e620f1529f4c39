"""The same work on many tasks, as workers.perform does it, by the actors of a Ray cluster.

Ray Data limits the bytes that wait between its stages, which names of files hardly are: of ten
million, all would be read before the first is done. Here, each worker is given few tasks ahead of
its turn, and what is left stays on the disk that it comes from.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from ..errors import ConfigError
from ..workers import Died

Task = TypeVar("Task")
Answer = TypeVar("Answer")
AHEAD = 2
"""Tasks that a worker has at a time: the next is there when it is done with one."""
STORE_BYTES = 2**28
"""Of an engine of our own, for what passes between its processes."""
MOST_TRIES = 3
"""Of a task whose worker is lost, before it counts as failed."""


@contextmanager
def engine() -> Iterator[int]:
    """Be connected to the cluster of RAY_ADDRESS, or to an engine of our own; gives its CPUs.

    Raises ConfigError where there is no such cluster.
    """
    address = os.environ.get("RAY_ADDRESS")
    connected = ray.is_initialized()  # by who calls us, who also ends it
    if not connected:
        options: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
        try:
            if address:
                ray.init(address, **options)
            else:
                # What passes are names and rows: by itself, Ray would take a third of the memory.
                options |= {"include_dashboard": False, "object_store_memory": STORE_BYTES}
                ray.init("local", **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
    try:
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if not connected:
            ray.shutdown()


class _Actor(Generic[Task, Answer]):
    """Lives on some machine of the cluster, and is started again where it dies."""

    def __init__(self, prepare: Callable[[], Callable[[Task], Answer]]) -> None:
        self._prepare, self._work = prepare, None

    def ready(self) -> None:
        """Prepare the work; raises what that does."""
        self._work = self._work or self._prepare()

    @ray.method(max_task_retries=0)  # it is tried again by who is ready: Ray waits for who is lost
    def do(self, task: Task) -> Answer:
        """What comes of a task."""
        self.ready()
        assert self._work is not None
        return self._work(task)


def perform(
    tasks: Iterable[Task], prepare: Callable[[], Callable[[Task], Answer]], num_workers: int
) -> Generator[tuple[Task, Answer | Died]]:
    """Each task with its answer, as they come; a task whose worker is lost goes to another.

    What is prepared, on a CPU each, is so once for each worker; what that raises, and what the work
    raises, is raised here. Workers for which there is no CPU yet are waited for while others work.
    """
    kind: Any = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Actor)
    actors = [kind.remote(prepare) for _ in range(num_workers)]
    try:
        yield from _Dispatch[Task, Answer](tasks, actors).answers()
    finally:
        for actor in actors:
            with suppress(RayError):
                ray.kill(actor)


class _Dispatch(Generic[Task, Answer]):
    """Who has which task."""

    def __init__(self, tasks: Iterable[Task], actors: Iterable[Any]) -> None:
        self.left = iter(tasks)
        self.again = deque[tuple[Task, int]]()
        """Tasks whose worker was lost, and how often."""
        self.idle = deque[Any]()
        """Actors, each as often as it may be given a task."""
        self.busy: dict[Any, tuple[Any, Task, int]] = {}
        """What will be an answer -> whose, of which task, and how often it was lost."""
        self.away: dict[Any, Any] = {}
        """What will tell that an actor is ready -> the actor."""
        for actor in actors:
            self._await(actor, AHEAD)

    def answers(self) -> Generator[tuple[Task, Answer | Died]]:
        """See perform."""
        task = self._next()
        while True:
            while self.idle and task is not None:
                actor = self.idle.popleft()
                self.busy[actor.do.remote(task[0])] = actor, *task
                task = self._next()
            if task is None and not self.busy:
                return
            for ref in self._there():
                if ref in self.away:
                    self.idle.append(self.away.pop(ref))
                    _get(ref)
                    continue
                actor, had, num_lost = self.busy.pop(ref)
                try:
                    answer = _get(ref)
                except RayError:
                    self._await(actor, 1)
                    if num_lost + 1 < MOST_TRIES:
                        self.again.append((had, num_lost + 1))
                        continue
                    answer = Died(f"its worker was lost {MOST_TRIES} times")
                else:
                    self.idle.append(actor)
                yield had, answer
            task = task or self._next()

    def _next(self) -> tuple[Task, int] | None:
        if self.again:
            return self.again.popleft()
        return next(((task, 0) for task in self.left), None)

    def _await(self, actor: Any, num_tasks: int) -> None:
        self.away.update({actor.ready.remote(): actor for _ in range(num_tasks)})

    def _there(self) -> list[Any]:
        refs = [*self.away, *self.busy]
        ray.wait(refs, num_returns=1)
        return ray.wait(refs, num_returns=len(refs), timeout=0)[0]


def _get(ref: Any) -> Any:
    try:
        return ray.get(ref)
    except RayTaskError as error:  # of the work itself, with the text of its traceback
        raise error.cause from None
