"""What a chat completions server is asked with, checked: its address, the key from the environment, limits, prices, fields to leave out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from lsgap_bench.errors import UsageError
from lsgap_bench.models.chat_client import Limits

DEFAULT_URL = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"
NO_KEY = "none"
OMITTED = ("temperature", "seed")
"""Fields that may be left out for servers that refuse them."""
TOKEN_FIELDS = ("max_tokens", "max_completion_tokens")


def refuse_keys(*given: object) -> None:
    """UsageError for a key among the arguments, unread: it has no place on a command line."""
    if any(key is not None for key in given):
        raise UsageError("a key is taken from the environment only, where no log finds it; give key_env=NAME, the variable's name")


def address(base_url: str) -> tuple[str, str, bool]:
    """(base_url without a closing slash, host and port, whether it is this machine). UsageError for what is no plain http address."""
    url = str(base_url).rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("base_url holds more than an address; give a key with key_env=NAME, and leave out what stands before @ or after ?")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"base_url={base_url} is no address; write for example http://127.0.0.1:8000/v1")
    return url.removesuffix("/chat/completions"), parts.netloc, _is_loopback(parts.hostname)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_of_server(name: str | None, host: str, local: bool) -> str | None:
    """The key in the environment variable called `name`; None where none is sent. UsageError that never shows what may be a key."""
    if name == NO_KEY or (name is None and local):
        return None
    name = DEFAULT_KEY if name is None else str(name)
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise UsageError("key_env is no name of an environment variable, in capitals; it is not shown here, in case it is the key itself")
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(
            f"the environment variable {name} holds no key for {host}; set it, name another with key_env, or give key_env=none"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"what the environment variable {name} holds is no key, which is of printable ASCII characters; set it anew")
    return key


def limits(concurrency: Any, timeout: Any, retries: Any, backoff: Any, requests_per_minute: Any) -> Limits:
    """How the server may be asked, from the arguments of those names. UsageError for a value that is none."""
    return Limits(
        concurrency=int(number("concurrency", concurrency, 1)),
        timeout=number("timeout", timeout, 0.01),
        retries=int(number("retries", retries, 0)),
        backoff=number("backoff", backoff, 0),
        requests_per_minute=None if requests_per_minute is None else number("requests_per_minute", requests_per_minute, 0.01),
    )


def prices(**given: Any) -> dict[str, float]:
    """USD per million tokens, of the kinds for which a price was given."""
    return {name: number(f"price_{name}", price, 0) for name, price in given.items() if price is not None}


def omitted(given: Any) -> set[str]:
    """The fields that `omit` leaves out of a request, such as temperature+seed. UsageError for one that may not be left out."""
    return {one_of("omit", name, OMITTED) for name in str(given).split("+") if name}


def number(name: str, value: Any, least: float) -> float:
    """A number from `least` on; UsageError naming the argument for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise UsageError(f"{name}={value} is no number from {least:g} on; correct it")
    return value


def one_of(name: str, value: Any, known: Sequence[str]) -> str:
    """One of the known words; UsageError naming the argument for anything else."""
    if value not in known:
        raise UsageError(f"{name}={value} is not known; write {' or '.join(known)}")
    return str(value)
