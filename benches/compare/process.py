"""A command's cost, its children's included: wall seconds, processor seconds, and the peak memory of it and of its child.

In: a command. Out: a `Run`. Fails: `subprocess.CalledProcessError` on an exit status that is not 0, after the last lines
that the command wrote to standard error. Memory is the kernel's own high-water mark (`VmHWM` in proc(5)), read until the
process is gone.
"""

import ctypes
import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

POLL_S = 0.05
TAIL_LINES = 30


@dataclasses.dataclass
class Run:
    output: str
    wall_s: float
    processor_s: float
    # Of the command's own process, and the most of any of its children: for `earwitness` the service and its engine.
    own_peak_mib: float
    child_peak_mib: float


def adopt_orphans():
    """Makes grandchildren that outlive their parents ours to wait for: their time counts only then."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(command, input="", **options):
    """Runs a command to its end, and waits for all that it started."""
    with tempfile.TemporaryFile() as said:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        with subprocess.Popen(command, text=True, **pipes, **options) as process:
            watch = Watch(process.pid)
            try:
                output, _ = process.communicate(input)
                wall = time.monotonic() - started
            finally:
                own, child = watch.end()
        wait_for_orphans()
        if process.returncode:
            print_tail(said)
            raise subprocess.CalledProcessError(process.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(output, wall, processor, own, child)


def print_tail(said):
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    print("\n".join(lines[-TAIL_LINES:]), file=sys.stderr)


def wait_for_orphans():
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


class Watch:
    """Follows the memory of a process and its children from a thread of its own."""

    def __init__(self, pid):
        self.pid, self.own, self.child = pid, 0.0, 0.0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        while not self.done.wait(POLL_S):
            self.own = max(self.own, peak_mib(self.pid))
            self.child = max([self.child, *map(peak_mib, children_of(self.pid))])

    def end(self):
        self.done.set()
        self.thread.join()
        return self.own, self.child


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += task.read_text().split()
        except OSError:
            pass  # The thread has ended since it was listed.
    return found


def peak_mib(pid):
    """0 for a process that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else 0.0
