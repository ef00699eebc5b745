"""A provider in a process of its own, for `engine.py`: prints two addresses, of the models and of its journal."""

import json
import signal
import sys
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from s1_assets_tests.fakes.llm_server import Answer, Asked, Limit, LlmServer, Rules, digest_answer, llm_server


def rules_of(told: dict[str, Any]) -> Rules:
    """Rules from JSON: `limits` by key, one `shared` limit, a key that `dies` after so many calls, shares of faults."""
    rules = Rules(latency_s=told.get("latency_s", 0.02), limit_headers=told.get("limit_headers", False))
    rules.limits = {key: Limit(per_minute) for key, per_minute in told.get("limits", {}).items()}
    if shared := told.get("shared"):
        limit = Limit(shared["per_minute"])
        rules.limits |= dict.fromkeys(shared["keys"], limit)
    dies, count = told.get("dies", {}), {"calls": 0}

    def answer(asked: Asked) -> Answer:
        count["calls"] += 1
        for key, after in dies.items():
            if count["calls"] >= after:
                rules.dead_keys = {**rules.dead_keys, key: 401}
        share = int.from_bytes(sha256(f"{asked.prompt}:{asked.seen}".encode()).digest()[:4], "big") / 2**32
        if share < told.get("error_share", 0.0):
            return Answer(fault="status:503" if share < told["error_share"] / 2 else "status:500")
        return Answer(fault="hang") if share > 1 - told.get("hang_share", 0.0) else digest_answer(asked.prompt)

    rules.answer = answer if told.keys() & {"dies", "error_share", "hang_share"} else None
    return rules


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with llm_server(rules_of(json.loads(sys.argv[1]))) as running, _journal_server(running) as journal:
        print(running.gemini_url, f"http://127.0.0.1:{journal.server_port}", flush=True)
        journal.serve_forever()


def _journal_server(running: LlmServer) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls = list(running.calls)
            fields = [{"at": c.at, "key": c.key, "prompt": c.prompt[:40], "status": c.status} for c in calls]
            body = (str(len(running.paid())) if self.path == "/paid" else json.dumps(fields)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


if __name__ == "__main__":
    main()
