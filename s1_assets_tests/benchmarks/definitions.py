"""What it costs to build the code location, beside importing the two libraries it cannot do without."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from s1_assets_tests.project import Project

OURS = """
from s1_assets.definitions import defs
location = defs()
repository = location.get_repository_def()
repository.asset_graph.toposorted_asset_keys
built = [len(repository.get_all_jobs()), len(repository.asset_graph.asset_check_keys), len(repository.schedule_defs)]
built += [len(repository.sensor_defs), len(location.resolve_implicit_global_asset_job_def().nodes)]
print(len(repository.asset_graph.get_all_asset_keys()), *built)
"""
THEIRS = "import dagster, pyarrow"
MOST = 1.6
"""Our CPU seconds may be so many times theirs."""


def definitions(arguments: Sequence[str]) -> None:
    """CPU of a fresh interpreter that builds every asset, check, job and sensor, against `import dagster, pyarrow`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args(arguments).repeat
    programs = {"ours": OURS, "theirs": THEIRS}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        Project.at(Path(folder))
        for name in programs:  # once unmeasured: byte code is compiled, files are in the cache
            cpu_seconds(programs[name], folder)
        for turn in range(repeat):
            for name in list(programs)[:: 1 if turn % 2 else -1]:
                seconds[name].append(cpu_seconds(programs[name], folder))
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = median["ours"] / median["theirs"]
    print(f"CPU seconds, user and system, of a fresh interpreter; {repeat} runs each, in turn")
    print(f"  building the definitions {median['ours']:6.2f} (median; best {min(seconds['ours']):.2f})")
    print(f"  import dagster, pyarrow  {median['theirs']:6.2f} (median; best {min(seconds['theirs']):.2f})")
    print(
        f"  ratio                    {ratio:6.2f} (required: at most {MOST}): {'ok' if ratio <= MOST else 'TOO SLOW'}"
    )


BENCHMARKS = {"definitions": definitions}


def cpu_seconds(program: str, folder: str) -> float:
    """What a fresh interpreter with default settings costs for `program`, started in a new project."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("S1_", "S3_", "DAGSTER"))}
    process = subprocess.Popen([sys.executable, "-c", program], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a fresh interpreter ended with status {process.returncode} in: {program.strip()}")
    return usage.ru_utime + usage.ru_stime
