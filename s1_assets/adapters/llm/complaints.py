"""What servers tell beside answers: errors in their own words, how long to wait, and limits per minute."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from s1_assets.adapters.llm.provider import Fault, FaultKind, Told
from s1_assets.adapters.llm.reply_text import one_line
from s1_assets.adapters.llm.wire import Answered

_TRANSIENT = (408, 409, 425, 499)
"""Besides every 5xx."""
_GATEWAY_GAVE_UP = (504, 524)
"""A gateway did not wait for the end: the model behind it may have worked all the same."""
_KINDS: Mapping[int, FaultKind] = {
    400: "failed",
    401: "key_dead",
    402: "key_exhausted",
    403: "key_dead",
    404: "unusable",
    405: "unusable",
    410: "unusable",
    429: "limited",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the body of an error says."""

    words: str
    """For people: one line, without the key."""
    codes: frozenset[str] = frozenset()
    """For programs: its code, type and status, as text."""
    param: str = ""
    details: tuple[Mapping[str, Any], ...] = ()
    """Google's: quotas, waits, reasons."""


def complaint_in(body: bytes, secret: str = "") -> Complaint:
    """What an error's body says, in whichever of the usual shapes."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, list) and content:
        content = content[0]
    error = content.get("error", content) if isinstance(content, dict) else None
    if isinstance(error, str):
        return Complaint(one_line(error, secret))
    if not isinstance(error, dict):
        return Complaint(one_line(body, secret))
    words = next((error[name] for name in ("message", "detail") if isinstance(error.get(name), str)), body)
    codes = frozenset(str(error[name]) for name in ("code", "type", "status") if error.get(name))
    details = error.get("details")
    told = tuple(each for each in details if isinstance(each, dict)) if isinstance(details, list) else ()
    return Complaint(one_line(words, secret), codes, str(error.get("param") or ""), told)


def status_fault(answered: Answered, complaint: Complaint) -> Fault:
    """The fault that a status other than 2xx is, as far as all vendors agree on it."""
    status, reason = answered.status, f"HTTP {answered.status}: {complaint.words}"
    wait_s = wait_told(answered.headers)
    if wait_s is None:
        wait_s = delay_told(complaint)
    if status >= 500 or status in _TRANSIENT:
        return Fault("transient", reason, wait_s, maybe_billed=status in _GATEWAY_GAVE_UP)
    if 300 <= status < 400:
        place = one_line(answered.headers.get("location", "nowhere"))
        return Fault("unusable", f"HTTP {status}: it sends us on to {place}; name that address instead")
    if status == 429 and is_spent(complaint):
        return Fault("key_exhausted", reason)  # the wait that Google tells with it is that of another quota
    kind = _KINDS.get(status, "failed")
    return Fault(kind, reason, wait_s if kind == "limited" else None, maybe_request=status == 403)


def limits_told(headers: Mapping[str, str], complaint: Complaint | None = None) -> Told | None:
    """Limits per minute that headers, or the quotas that an error names, tell."""
    requests = _number(headers.get("x-ratelimit-limit-requests"))
    tokens = _number(headers.get("x-ratelimit-limit-tokens"))
    for violation in _violations(complaint) if complaint else ():
        quota = str(violation.get("quotaId", ""))
        if "PerMinute" in quota and (value := _number(violation.get("quotaValue"))):
            requests, tokens = (requests, value) if "Token" in quota else (value, tokens)
    return Told(requests or None, tokens or None) if requests or tokens else None


def wait_told(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or a date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "")
    seconds = _number(told)
    if seconds is not None:
        return seconds
    until = _date(told)
    if until is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)  # by the server's clock where it tells it
    return max(0.0, (until - now).total_seconds())


def delay_told(complaint: Complaint) -> float | None:
    """Seconds to wait, from Google's RetryInfo."""
    for detail in complaint.details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (seconds := _number(delay.removesuffix("s"))) is not None:
            return seconds
    return None


def is_spent(complaint: Complaint) -> bool:
    """Whether Google's QuotaFailure names a quota of the day, or one that allows nothing at all."""
    return any("PerDay" in str(each.get("quotaId", "")) or _is_nothing(each) for each in _violations(complaint))


def _number(told: object) -> float | None:
    """A finite number that is not negative, or None."""
    if not isinstance(told, str | int | float):
        return None
    try:
        value = float(told)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _date(told: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(told)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _violations(complaint: Complaint) -> Iterator[Mapping[str, Any]]:
    for detail in complaint.details:
        found = detail.get("violations")
        if isinstance(found, list):
            yield from (each for each in found if isinstance(each, dict))


def _is_nothing(violation: Mapping[str, Any]) -> bool:
    return _number(violation.get("quotaValue")) == 0
