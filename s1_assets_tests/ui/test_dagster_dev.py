"""The real web interface of Dagster on our definitions, driven as a person would: one partition made by clicking.

Needs Debian's `chromium`. With S1_TEST_SHOTS=FOLDER the pictures are left there to be looked at.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from s1_assets_tests.needs import need, program
from s1_assets_tests.project import Project

START_S, RUN_S, PAGE_S = 120, 120, 30
SHOTS = os.environ.get("S1_TEST_SHOTS")
LIMIT = json.dumps({"ops": {"raw_questions": {"config": {"limit": 40}}}})
_RUNS = "{ runsOrError(limit: 5) { ... on Runs { results { runId status assetSelection { path } } } } }"
_MATERIALIZED = """query($key: String!) { assetOrError(assetKey: {path: [$key]}) { ... on Asset {
  assetMaterializations(limit: 5) { partition runId tags { key value } } } } }"""
_PARTITIONS = """{ assetNodeOrError(assetKey: {path: ["raw_questions"]}) { ... on AssetNode { partitionKeys } } }"""

pytestmark = pytest.mark.ui


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """`dagster dev` in a project where everything before `raw_traces` is made for the partition gcd."""
    need("chromium", "chromium")
    project = Project.at(tmp_path_factory.mktemp("project"))
    project.materialize("--select", "*trace_candidates", "--partition", "gcd", "--config-json", LIMIT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = project.folder / "dagster-dev.log"
    process = project.start("dagster", "dev", "-h", "127.0.0.1", "-p", str(port), log=log)
    try:
        _await_answer(f"http://127.0.0.1:{port}/server_info", process, log)
        yield project, f"http://127.0.0.1:{port}"
    finally:
        _end(process)


@pytest.fixture
def page(server: tuple[Project, str]) -> Iterator[Page]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=arguments)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.set_default_timeout(PAGE_S * 1000)
        yield page
        browser.close()


def test_a_partition_is_made_by_clicking(server: tuple[Project, str], page: Page, tmp_path: Path) -> None:
    project, url = server
    before = {run["runId"] for run in _runs(url)}
    page.goto(f"{url}/assets/raw_traces")
    page.get_by_role("button", name="Materialize").first.click()
    title = page.get_by_text("Launch runs to materialize")
    title.wait_for()
    page.get_by_text("Select a partition").first.click()
    page.get_by_placeholder("Filter partitions").fill("gcd")
    page.get_by_text("gcd", exact=True).locator("visible=true").last.click()
    title.click()  # closes the list
    page.locator("[role=dialog] button", has_text="Launch 1 run").click()
    run_id = _await_success(url, before)

    (made,) = [event for event in _materializations(url, "raw_traces") if event["runId"] == run_id]
    assert made["partition"] == "gcd"
    tags = {tag["key"]: tag["value"] for tag in made["tags"]}
    assert tags["dagster/data_version"] == project.data_versions("gcd")["raw_traces:gcd"]

    page.goto(f"{url}/assets/raw_traces?partition=gcd&view=partitions")
    page.get_by_text("thinking_tokens", exact=True).first.wait_for()
    _shoot(page, tmp_path, "partition")
    _open(page, "preview")
    page.get_by_text("Find the Greatest").first.wait_for()
    _shoot(page, tmp_path, "preview")
    page.keyboard.press("Escape")
    _open(page, "plot")
    page.locator("img[src^='data:image/png']").first.wait_for()
    _shoot(page, tmp_path, "plot")


def test_the_graph_is_drawn_by_stages_and_the_launchpad_explains_options(
    server: tuple[Project, str], page: Page, tmp_path: Path
) -> None:
    _, url = server
    page.goto(f"{url}/assets/raw_traces?view=lineage&lineageScope=neighbors&lineageDepth=5")
    for name in ("raw_questions", "student_attempts", "scored_traces", "s1k_dataset", "difficulty", "selection"):
        page.get_by_text(name, exact=True).locator("visible=true").first.wait_for()
    _shoot(page, tmp_path, "graph")
    page.goto(f"{url}/locations/s1_assets/jobs/s1k/playground")
    page.get_by_text("samples", exact=True).first.click()
    page.get_by_text("Traces per question").locator("visible=true").first.wait_for()
    _shoot(page, tmp_path, "launchpad")


def test_a_source_that_is_switched_on_is_a_partition_at_once(server: tuple[Project, str]) -> None:
    project, url = server
    assert "s1_jeebench" not in _partitions(url)
    project.environment["DAGSTER_WEBSERVER_PORT"] = url.rpartition(":")[2]
    told = project.s1("sources", "enable", "s1_jeebench").stdout
    assert "has read the catalogue anew" in told
    assert "s1_jeebench" in _partitions(url)


def _open(page: Page, label: str) -> None:
    """Show a metadata entry; what is longer than 1,000 characters stands behind a link."""
    row = page.locator("tr", has=page.get_by_text(label, exact=True))
    row.first.wait_for()
    link = row.get_by_text("[Show Markdown]")
    if link.count():
        link.first.click()


def _await_answer(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"dagster dev does not answer at {url}: {log.read_text(errors='replace')[-2000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C, as a person does; what does not listen is killed with its whole process group."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_success(url: str, before: set[str]) -> str:
    deadline = time.monotonic() + RUN_S
    while time.monotonic() < deadline:
        for run in _runs(url):
            if run["runId"] not in before:
                assert run["status"] not in ("FAILURE", "CANCELED")
                if run["status"] == "SUCCESS":
                    return str(run["runId"])
        time.sleep(0.5)
    pytest.fail(f"no run succeeded within {RUN_S} s: {_runs(url)}")


def _runs(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(url, _RUNS)["runsOrError"]["results"]
    return found


def _partitions(url: str) -> list[str]:
    found: list[str] = _ask(url, _PARTITIONS)["assetNodeOrError"]["partitionKeys"]
    return found


def _materializations(url: str, asset: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _ask(url, _MATERIALIZED, key=asset)["assetOrError"]["assetMaterializations"]
    return found


def _ask(url: str, query: str, **variables: str) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PAGE_S) as reply:
        return json.load(reply)["data"]


def _shoot(page: Page, folder: Path, name: str) -> None:
    page.wait_for_timeout(500)  # what opens, opens slowly
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / f"{name}.png", SHOTS)
