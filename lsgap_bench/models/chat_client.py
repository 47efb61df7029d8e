"""The HTTP side of `chat-api` and the judge `chat`: requests side by side, no faster than allowed, tried again, the key never told."""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lsgap_bench.errors import UsageError

if TYPE_CHECKING:
    import httpx
    import tenacity

logger = logging.getLogger(__name__)

AGAIN = (408, 409, 425, 429)  # and all from 500 on
LONGEST = 60.0  # seconds between two tries, unless the server asks for more
PATIENCE = 600.0  # seconds that a server may ask for
SHOWN = 300  # characters of what a server says
REMEDIES = {
    401: "set the key in the environment and name its variable with key_env",
    403: "the key does not open this model; check key_env and model",
    404: "check base_url, which ends before /chat/completions, and model",
}


@dataclass(frozen=True)
class Limits:
    """How a server may be asked. timeout: seconds of one try. retries: tries after the first. backoff: seconds before the first of them,
    doubled each time. requests_per_minute: None without a limit.
    """

    concurrency: int = 8
    timeout: float = 300.0
    retries: int = 6
    backoff: float = 1.0
    requests_per_minute: float | None = None


class Completion(NamedTuple):
    """What a server answered, as JSON types; after how many tries, and in how many seconds of waiting for it, the last try's."""

    plain: Mapping[str, Any]
    tries: int
    seconds: float


class _Again(Exception):
    """A try that failed in a way that another may not. after: seconds that the server asks for."""

    def __init__(self, said: str, after: float = 0.0) -> None:
        super().__init__(said)
        self.after = after


@dataclass
class _Pace:
    """Hands out moments that lie `interval` seconds apart."""

    interval: float
    free: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, stop: threading.Event) -> None:
        with self.lock:
            now = time.monotonic()
            self.free = max(now, self.free) + self.interval
            pause = self.free - self.interval - now
        stop.wait(pause) if pause > 0 else None


class ChatClient:
    """POSTs bodies to one address. key: sent as a bearer token, and shown nowhere. local: on this machine, so no proxy is asked.

    UsageError where httpx or tenacity are not installed.
    """

    remedies: ClassVar[Mapping[int, str]] = REMEDIES
    remedy = "see docs/hosted.md for omit=, max_tokens_field= and sampling_rate="

    def __init__(self, url: str, key: str | None, limits: Limits, local: bool) -> None:
        self.url, self.limits = url, limits
        self._key = key
        self._httpx, self._tenacity = _libraries()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        pool = self._httpx.Limits(max_connections=limits.concurrency, max_keepalive_connections=limits.concurrency)
        self._http: httpx.Client = self._httpx.Client(headers=headers, timeout=limits.timeout, limits=pool, trust_env=not local)
        self._pace = _Pace(60 / limits.requests_per_minute if limits.requests_per_minute else 0.0)

    def __repr__(self) -> str:
        return f"ChatClient({self.url!r})"

    def complete(self, bodies: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Completion]]:
        """(place, completion) in the order in which they come.

        UsageError where one cannot be had; by then nothing new is asked, and what was under way has been handed out.
        """
        waiting: SimpleQueue[tuple[int, Mapping[str, Any]]] = SimpleQueue()
        results: SimpleQueue[tuple[int, Completion | Exception]] = SimpleQueue()
        for entry in enumerate(bodies):
            waiting.put(entry)
        stop = threading.Event()
        # daemons, so that nobody waits for a slow server after Ctrl-C
        number = min(self.limits.concurrency, len(bodies))
        workers = [threading.Thread(target=self._work, args=(waiting, results, stop), daemon=True) for _ in range(number)]
        for worker in workers:
            worker.start()
        try:
            for _ in bodies:
                place, result = results.get()
                if isinstance(result, Exception):
                    stop.set()
                    for worker in workers:
                        worker.join()
                    yield from _finished(results)
                    raise result
                yield place, result
        finally:
            stop.set()

    def _work(
        self,
        waiting: SimpleQueue[tuple[int, Mapping[str, Any]]],
        results: SimpleQueue[tuple[int, Completion | Exception]],
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            try:
                place, body = waiting.get_nowait()
            except Empty:
                return
            try:
                results.put((place, self._insist(body, stop)))
            except Exception as error:
                results.put((place, error))

    def _insist(self, body: Mapping[str, Any], stop: threading.Event) -> Completion:
        """The completion of one body, after as many tries as it takes and the limits allow."""
        tenacity, tries = self._tenacity, 0

        def once() -> Completion:
            nonlocal tries
            tries += 1
            self._pace.wait(stop)
            started = time.monotonic()
            return Completion(self._post(body), tries, time.monotonic() - started)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            stop=tenacity.stop_any(tenacity.stop_after_attempt(self.limits.retries + 1), tenacity.stop_when_event_set(stop)),
            wait=self._pause,
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=_log_failure,
            reraise=True,
        )
        try:
            completion: Completion = retrying(once)
        except _Again as error:
            raise UsageError(
                f"{self.url} gave no answer after {tries} tries, at last: {error}; the answers so far are kept: the same command goes on"
            ) from None
        return completion

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Seconds before the next try: doubled each time and drawn at random, so that requests do not come back together."""
        error = state.outcome.exception() if state.outcome else None
        longest = min(self.limits.backoff * 2.0 ** (state.attempt_number - 1), LONGEST)
        asked = error.after if isinstance(error, _Again) else 0.0
        return max(longest * random.uniform(0.5, 1.0), asked)

    def _post(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        httpx, deadline = self._httpx, time.monotonic() + self.limits.timeout
        try:
            with self._http.stream("POST", self.url, json=body) as response:
                parts = []
                for part in response.iter_bytes():
                    parts.append(part)
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer trickles")
        except httpx.TimeoutException:
            raise _Again(f"nothing whole within {self.limits.timeout:g} s") from None
        except httpx.RequestError as error:
            raise _Again(self._told(f"{type(error).__name__}: {error}")) from None
        answered = b"".join(parts)
        text = self._without_key(answered.decode("utf-8", errors="replace"))
        status = response.status_code
        if status in AGAIN or status >= 500:
            raise _Again(f"{status} {response.reason_phrase}: {self._told(_message(text))}", _after(response.headers.get("retry-after")))
        if status != 200:
            said = f"{status} {response.reason_phrase}: {self._told(_message(text))}"
            raise UsageError(f"{self.url} refuses: {said}; {self.remedies.get(status, self.remedy)}")
        return self._read(answered, text)

    def _read(self, body: bytes, text: str) -> Mapping[str, Any]:
        """What a server answered, in full and as text; another kind of answer is read by another class."""
        try:
            plain = json.loads(text)
            plain["choices"][0]["message"].get("content")
        except (ValueError, LookupError, TypeError, AttributeError):
            raise _Again(f"this is no chat completion: {self._told(_message(text))}") from None
        return dict(plain)

    def _told(self, text: str) -> str:
        """On one line, cut, and without the key."""
        line = " ".join(self._without_key(text).split()) or "(nothing)"
        return line if len(line) <= SHOWN else f"{line[:SHOWN]} ..."

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _log_failure(state: tenacity.RetryCallState) -> None:
    said = state.outcome.exception() if state.outcome else None
    logger.info("try %d failed (%s); the next is in %.1f s", state.attempt_number, said, state.upcoming_sleep)


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        import httpx
        import tenacity
    except ImportError as error:
        raise UsageError(f"a chat completions server is asked with the package {error.name}; pip install lsgap-bench[api]") from None
    return httpx, tenacity


def _finished(results: SimpleQueue[tuple[int, Completion | Exception]]) -> Iterator[tuple[int, Completion]]:
    """What has come by now."""
    while not results.empty():
        place, result = results.get()
        if isinstance(result, Completion):
            yield place, result


def _message(text: str) -> str:
    """The server's own words within an error's JSON, or all that it sent."""
    try:
        plain = json.loads(text)
    except ValueError:
        return re.sub(r"<[^>]*>", " ", text)
    said = plain.get("error", plain.get("detail", plain.get("message"))) if isinstance(plain, dict) else None
    said = said.get("message", said) if isinstance(said, dict) else said
    return said if isinstance(said, str) else text


def _after(header: str | None) -> float:
    """Seconds of a Retry-After header, which holds a number or a date; 0 without one that can be read."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(timezone.utc)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), PATIENCE)
