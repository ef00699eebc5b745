"""The engine of calls against our own provider: limits, errors, hangs, crashes, memory. Prints what it reached.

The provider is `fakes.llm_server` in a process of its own; the client is `driver.py`, also a process of its own.
"""

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from s1_assets_tests.fakes.postgres import Server, postgres

HERE = Path(__file__).parent


@dataclass
class Provider:
    """A running provider, asked for its journal over HTTP."""

    url: str
    journal_url: str

    def journal(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.journal_url}/") as answer:
            return list(json.load(answer))

    def paid_count(self) -> int:
        with urlopen(f"{self.journal_url}/paid") as answer:
            return int(answer.read())

    def paid(self) -> list[dict[str, Any]]:
        return [call for call in self.journal() if call["status"] == 200]


@contextlib.contextmanager
def provider(**rules: Any) -> Iterator[Provider]:
    """A provider with these rules; see `provider_process.py`."""
    command = [sys.executable, "-m", "s1_assets_tests.benchmarks.provider_process", json.dumps(rules)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Provider(*process.stdout.readline().split())
        finally:
            process.terminate()


@dataclass
class Client:
    """How the driver is started."""

    url: str
    work: str
    n: int
    more: Sequence[str] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "driver.py"), "--base-url", f"{self.url}/v1", "--work", self.work]
        command += ["--n", str(self.n), "--bench", str(HERE), *self.more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def run(self) -> dict[str, Any]:
        return result(self.start())


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The driver's figures, once it has ended."""
    told, _ = process.communicate()
    lines = [line[7:] for line in told.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise RuntimeError(f"the driver ended with status {process.returncode}:\n{told}")
    found: dict[str, Any] = json.loads(lines[0])
    return found


def rate(calls: Sequence[dict[str, Any]]) -> float:
    """Requests a second between the first and the last."""
    times = sorted(call["at"] for call in calls)
    return float((len(times) - 1) / (times[-1] - times[0]))


def limits(arguments: Sequence[str]) -> None:
    """Rates reached of rates allowed, with one key, several, and two processes."""
    with contextlib.suppress(KeyboardInterrupt):
        _one_key()
        _four_keys()
        _shared_bucket()
        _two_processes()
        _dying_key()


def _one_key() -> None:
    for name, headers, more in (
        ("one key, told", False, ["--rpm", "600"]),
        ("one key, headers", True, []),
        ("one key, nothing tells", False, []),
    ):
        with provider(limits={"k1": 600}, limit_headers=headers) as running:
            _report(name, running, _ask(running, 600, more), 10.0)


def _four_keys() -> None:
    rates = {"k1": 300, "k2": 600, "k3": 900, "k4": 1_200}
    with provider(limits=rates, limit_headers=True) as running:
        _report("four keys, own limits", running, _ask(running, 1_500, ["--key", ",".join(rates)]), 50.0)


def _shared_bucket() -> None:
    keys = "k1,k2,k3,k4"
    with provider(shared={"keys": keys.split(","), "per_minute": 600}) as running:
        _report("four keys, one bucket", running, _ask(running, 600, ["--key", keys, "--rpm", "600"]), 10.0)


def _two_processes() -> None:
    with provider(limits={"k1": 1_200}) as running, tempfile.TemporaryDirectory() as work:
        one, other = (Client(running.url, work, 600, ["--rpm", "1200", "--seed", seed]).start() for seed in ("1", "2"))
        figures = result(one)
        figures["rows"] += result(other)["rows"]
        _report("two processes, one key", running, figures, 20.0)


def _dying_key() -> None:
    with provider(dies={"k1": 200}) as running:
        _report("a key dies in mid-run", running, _ask(running, 2_000, ["--key", "k1,k2"]), None)


def _ask(running: Provider, n: int, more: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as work:
        return Client(running.url, work, n, more).run()


def _report(name: str, running: Provider, figures: dict[str, Any], allowed: float | None) -> None:
    calls = running.journal()
    paid = [call for call in calls if call["status"] == 200]
    refused = Counter(call["status"] for call in calls if call["status"] != 200)
    reached = rate(paid)
    share = f", {100 * reached / allowed:.1f} % of {allowed:g} allowed" if allowed else ""
    print(
        f"{name:<24} {figures['rows']} rows, {len({call['prompt'] for call in paid})} of {len(paid)} paid differ, "
        f"{reached:.2f} a second{share}, refused {dict(refused)}",
        flush=True,
    )


def crash(arguments: Sequence[str]) -> None:
    """kill -9 at random moments of a run of 2,000 rows, then the same again: paid twice, rows, first new request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--postgres", action="store_true", help="ledgers in a PostgreSQL server in place of SQLite")
    args = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres()) if args.postgres else None
        _crash(args.times, server)


def _crash(times: int, server: Server | None) -> None:
    worst_again, worst_first, lost = 0, 0.0, 0
    for number in range(times):
        with provider(latency_s=0.05) as running, tempfile.TemporaryDirectory() as work:
            more = ["--seed", str(number)]
            more += ["--ledger", server.new_database(f"crash{number}")] if server else []
            client = Client(running.url, work, 2_000, more)
            process = client.start()
            wanted = random.Random(number).randrange(20, 1_980)
            while running.paid_count() < wanted and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.2)
            before = [call["prompt"] for call in running.paid()]
            began = time.monotonic()
            figures = client.run()
            after = running.paid()[len(before) :]
            again = sum(call["prompt"] in set(before) for call in after)
            first = (min(call["at"] for call in after) - began) if after else 0.0
            worst_again, worst_first = max(worst_again, again), max(worst_first, first)
            lost += 2_000 - figures["rows"]
    print(
        f"{times} kills: at most {worst_again} paid twice of 64 in flight, {lost} rows lost, first new request at "
        f"most {worst_first:.2f} s after the process was started"
    )


def errors(arguments: Sequence[str]) -> None:
    """5 % of answers are 500 or 503, and 1 % hang: rows, and the rate between the 5th and 95th percentile."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=20_000)
    args = parser.parse_args(arguments)
    rates = {}
    for name, rules in (("clean", {}), ("5 % errors", {"error_share": 0.05}), ("1 % hangs", {"hang_share": 0.01})):
        with provider(latency_s=0.05, **rules) as running:
            figures = _ask(running, args.n, ["--limit-s", "2", "--concurrency", "64"])
            done = sorted(call["at"] for call in running.paid())
            middle = done[len(done) // 20 : -(len(done) // 20)]
            rates[name] = len(middle) / (middle[-1] - middle[0])
            print(f"{name:<12} {figures['rows']:,} of {args.n:,} rows, {rates[name]:,.0f} a second in the middle")
    print(f"with errors {100 * rates['5 % errors'] / rates['clean']:.1f} % of clean")
    # Of 64 slots, hanging calls hold a share h * 2 s / ((1 - h) * t + h * 2 s), where t is the time of a clean call.
    clean_s = 64 / rates["clean"]
    held = 0.01 * 2 / (0.99 * clean_s + 0.01 * 2)
    possible = rates["clean"] * (1 - held)
    print(f"with hangs {100 * rates['1 % hangs'] / possible:.1f} % of what the other slots allow: a clean call takes "
          f"{1000 * clean_s:.1f} ms, so hanging ones hold {100 * held:.1f} % of the slots")  # fmt: skip


def memory(arguments: Sequence[str]) -> None:
    """Memory of the client from 10,000 to 200,000 requests, over that of the same imports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=200_000)
    args = parser.parse_args(arguments)
    for n in (10_000, args.most):
        with provider() as running:
            figures = _ask(running, n, ["--concurrency", "256"])
            print(f"{n:,} requests: {figures['grew_mb']} MB over the imports, {figures['rows']:,} rows", flush=True)


BENCHMARKS: dict[str, Callable[[Sequence[str]], None]] = {
    "engine-limits": limits,
    "engine-crash": crash,
    "engine-errors": errors,
    "engine-memory": memory,
}
