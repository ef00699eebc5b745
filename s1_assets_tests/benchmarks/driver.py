"""Asks the rows of a bench through the product's own engine: the peer `ours`.

Takes the arguments that every peer's driver takes, and prints one line: `RESULT {"rows": ..., "seconds": ...}`. The
rows come from the module `work` beside the script that starts it, or in the folder that `--bench` names.
"""

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil

STARTED = time.time()

from s1_assets.adapters.llm.access import Access, ToldLimits  # noqa: E402  (imports are part of what is measured)
from s1_assets.adapters.llm.client import LedgeredModel  # noqa: E402
from s1_assets.adapters.llm.directory import Directory  # noqa: E402
from s1_assets.adapters.llm.ledger import Ledger  # noqa: E402
from s1_assets.adapters.llm.provider import CallLimits  # noqa: E402
from s1_assets.adapters.llm.terms import Terms  # noqa: E402
from s1_assets.records.models import Caller, Message, ModelName, ModelRequest  # noqa: E402


def main() -> None:
    args = _arguments()
    Path(args.work).mkdir(parents=True, exist_ok=True)
    rows = _work(args.bench).rows
    keys = {f"OPENAI_API_KEY_{number}": key for number, key in enumerate(args.key.split(","), start=1)}
    told = ToldLimits(args.rpm if args.rpm > 0 else None, in_flight=args.concurrency)
    ledger = Ledger(args.ledger or f"sqlite:///{Path(args.work).resolve()}/ledger.db")
    model = ModelName("openai", "mock", args.base_url)
    asker = LedgeredModel(
        Directory(Access(keys, {"openai": told})),
        ledger,
        Caller("bench", "all", f"{os.getpid()}-{STARTED}"),
        Terms(CallLimits(total_s=args.limit_s)),
    )

    def requests() -> Iterator[ModelRequest]:
        for start in range(0, args.n, 1_000):
            for row in rows(min(1_000, args.n - start), args.seed, start):
                yield ModelRequest(model, (Message("user", row["problem"]),))

    began, answered, idle_kb = time.time(), 0, _rss_kb()
    for _, reply in asker.stream(requests, [model]):
        answered += reply.status == "ok"
    ledger.close()
    line = {
        "rows": answered,
        "seconds": round(time.time() - began, 3),
        "import_seconds": round(began - STARTED, 3),
        "limited": asker.counts.limited,
        "from_ledger": asker.counts.from_ledger,
        "grew_mb": round((_rss_kb() - idle_kb) / 1024, 1),
        "cpu_s": round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 2),
    }
    print(f"\nRESULT {json.dumps(line)}", flush=True)


def _rss_kb() -> int:
    """Most memory that was resident so far. `ru_maxrss` would begin with what the parent had."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1])


def _work(bench: str) -> ModuleType:
    """The module of rows; drivers of peers find it beside them."""
    sys.path.insert(0, bench or _starter())
    try:
        return importlib.import_module("work")
    except ImportError:
        sys.exit("the rows are in the bench's work.py: name its folder by --bench")


def _starter() -> str:
    """Folder of the script that has started this process."""
    parent = psutil.Process().parent()
    scripts = [word for word in parent.cmdline() if word.endswith(".py")] if parent else []
    return str(Path(parent.cwd(), scripts[0]).parent) if parent and scripts else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--n", type=int, default=2_000, help="rows")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--key", default="k1", help="several: comma-separated")
    parser.add_argument("--rpm", type=int, default=0, help="requests a minute and key; 0 or -1: not told")
    parser.add_argument("--work", required=True, help="folder of the ledger")
    parser.add_argument("--ledger", help="another ledger than SQLite in that folder")
    parser.add_argument("--limit-s", type=float, default=120, help="time limit of a call")
    parser.add_argument("--bench", default="", help="folder of work.py; default: that of the script that starts this")
    return parser.parse_args()


if __name__ == "__main__":
    main()
