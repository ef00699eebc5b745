"""The embedded default runs where Linux-only parts are absent, as on macOS: proved by taking them away."""

import subprocess
import sys
from pathlib import Path

import pytest

from s1_assets_tests.project import Project

HIDING = '''
"""Imported by every interpreter of the test before anything else: takes away what only Linux has."""

import builtins, io, os, select, signal, socket, time

HIDDEN = ("/proc", "/sys", "/dev/shm")


def _refusing(real):
    def guarded(path, *arguments, **options):
        shown = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        if any(shown == root or shown.startswith(root + "/") for root in HIDDEN):
            raise FileNotFoundError(2, "No such file or directory", shown)
        return real(path, *arguments, **options)
    return guarded


def _listing(real):
    guarded = _refusing(real)
    return lambda path=".": guarded(path)


builtins.open = io.open = _refusing(open)
for name in ("open", "stat", "lstat", "access", "readlink", "chdir"):
    setattr(os, name, _refusing(getattr(os, name)))
os.listdir, os.scandir = _listing(os.listdir), _listing(os.scandir)

GONE = {
    os: """sched_getaffinity sched_setaffinity sched_getscheduler sched_yield memfd_create pidfd_open copy_file_range
        splice eventfd eventfd_read eventfd_write fdatasync posix_fadvise posix_fallocate getrandom pipe2
        getresuid getresgid setresuid setresgid listxattr getxattr setxattr removexattr setns unshare
        O_TMPFILE O_PATH O_DIRECT O_NOATIME O_LARGEFILE O_RSYNC RTLD_DEEPBIND""",
    select: "epoll EPOLLIN EPOLLOUT EPOLLERR EPOLLHUP",
    signal: "sigtimedwait sigwaitinfo pidfd_send_signal SIGRTMIN SIGRTMAX SIGPWR SIGSTKFLT SIGPOLL",
    socket: "AF_PACKET AF_NETLINK SOCK_CLOEXEC SOCK_NONBLOCK TCP_USER_TIMEOUT",
    time: "CLOCK_BOOTTIME CLOCK_TAI",
}
for module, names in GONE.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
if hasattr(os, "process_cpu_count"):
    os.process_cpu_count = os.cpu_count  # its own asks sched_getaffinity
'''


@pytest.fixture
def elsewhere(tmp_path: Path) -> Project:
    """A project whose processes find no /proc and none of what only Linux offers."""
    project = Project.at(tmp_path / "project")
    place = tmp_path / "hiding"
    place.mkdir()
    (place / "sitecustomize.py").write_text(HIDING)
    project.environment["PYTHONPATH"] = str(place)
    return project


def test_the_hiding_hides(elsewhere: Project) -> None:
    program = """
import os, pathlib, select
print(hasattr(os, "sched_getaffinity"), hasattr(os, "O_TMPFILE"), hasattr(select, "epoll"))
print(os.path.exists("/proc/self"), pathlib.Path("/proc").is_dir(), pathlib.Path("/usr").is_dir())
try:
    pathlib.Path("/proc/self/stat").read_text()
except FileNotFoundError:
    print("not found")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=elsewhere.variables(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:3] == ["False False False", "False False True", "not found"]


def test_the_embedded_default_runs(elsewhere: Project) -> None:
    report = elsewhere.json("run", "--sources", "gcd", "--limit", "8")
    assert report["failed"] == []
    assert report["calls"]["asked"] >= 16
    assert None not in elsewhere.data_versions("gcd").values()
    assert elsewhere.json("run", "--sources", "gcd", "--limit", "8")["runs"] == 0
