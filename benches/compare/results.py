"""Marked places of a results file. In: the text for one place. Out: the file with that text between its marks, and nothing
else changed. Fails where the marks are missing. A place begins with what was measured on: machine, build, models, day.
"""

import datetime
import functools
import os
import re
import subprocess
from pathlib import Path


def rewrite(file, place, text):
    before = file.read_text(encoding="utf-8")
    marks = re.compile(f"(<!-- eval:{place} begins -->\n).*?(\n<!-- eval:{place} ends -->)", re.DOTALL)
    if not marks.search(before):
        raise SystemExit(f"{file}: no marks of eval:{place}")
    after = marks.sub(lambda found: f"{found[1]}\n{text.strip()}\n{found[2]}", before, count=1)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(after, encoding="utf-8")
    unfinished.rename(file)


def measured_on(earwitness, models_dir, models, flags):
    """Two lines of prose."""
    version = output(earwitness, "--version", "--verbose")
    native = value(version, "native").rpartition(", ")[2]
    digests = ", ".join(f"{model} `{digest(models_dir, model)}…`" for model in models)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = output("git", "rev-parse", "--short", "HEAD").strip()
    changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!benches/RESULTS.md")
    return (
        f"{datetime.date.today()}, commit {commit}{' with changes' if changed else ''}; {os.cpu_count()} cores of {processor()}, "
        f"{memory_gib:.0f} GiB; {flags}; native with {native}, whisper.cpp with {ggml_flags(version)}; {digests}."
    )


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def ggml_flags(version):
    """Those that are on, of `AVX = 1 | …`."""
    on = re.findall(r"(\w+) = 1", value(version, "cpu"))
    return ", ".join(dict.fromkeys(on))


def value(version, name):
    return next(line for line in version.splitlines() if line.startswith(name)).removeprefix(name).strip()


@functools.cache
def digest(models_dir, model):
    """The first half of it: enough to tell models apart."""
    return output("sha256sum", str(Path(models_dir) / f"ggml-{model}.bin"))[:12]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
