"""What a longer call and more slots cost: time, memory, throughput and start-up of `earwitness transcribe`.

usage: scale.py SET_DIR --earwitness BINARY --models-dir DIR --model NAME --work-dir DIR
                [--recognizer native] [--rounds 3] [--longest-min 240]

Two-channel recordings of 10 minutes, an hour and four hours are put together from the constructed calls of SET_DIR, in
--work-dir. Printed are:

start-up     one second of silence, and one call: from the start of the process, which loads its model, to its end
throughput   all of those calls as one job each, with 1 and 2 slots, in turn
one call     the hour alone, with 1 and 2 slots, in turn, and the ratio of each pair; both must give the same transcript
memory       each length with 1 and 2 slots: peak of the service and of its engine, and what it wrote

Memory is the kernel's high-water mark of each process. Times hold for a machine with nothing else to do.
"""

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
from pathlib import Path

from process import adopt_orphans, run
from recordings import long_recording, two_channel_calls, write_silence

LENGTHS_MIN = [10, 60, 240]
PAIR_MIN = 60


class Bench:
    """Runs of one model, each in a process of its own."""

    def __init__(self, options):
        self.options = options
        self.transcripts = {}

    def transcribe(self, files, slots):
        """The run, and the bytes that it wrote."""
        options = self.options
        settings = {
            "EARWITNESS__ENGINE__RECOGNIZER": options.recognizer,
            "EARWITNESS__ENGINE__MODELS_DIR": options.models_dir,
            "EARWITNESS__ENGINE__SLOTS": str(slots),
        }
        with tempfile.TemporaryDirectory(dir=options.work_dir) as out:
            command = [options.earwitness, "transcribe", "--json", "--out", out, "--language", "en"]
            command += ["--channels", "agent,customer", "--model", options.model, *map(str, files)]
            done = run(command, env=os.environ | settings)
            written = [path for path in Path(out).rglob("*") if path.is_file()]
            self.hold_to_the_first(out)
            size = sum(path.stat().st_size for path in written)
        names = f"{files[0].name} and {len(files) - 1} more" if len(files) > 1 else files[0].name
        print(
            f"{options.model}, {slots} slots, {names}: {done.wall_s:.2f} s, {done.processor_s:.2f} processor s, "
            f"{done.own_peak_mib:.0f} + {done.child_peak_mib:.0f} MiB",
            file=sys.stderr,
        )
        return done, size

    def hold_to_the_first(self, out):
        """A transcript does not depend on the slots, nor on what ran beside."""
        for path in Path(out).rglob("transcript.json"):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            first = self.transcripts.setdefault(path.parent.name, digest)
            if digest != first:
                raise SystemExit(f"{path.parent.name} was transcribed in two ways")


def spread(values, digits=2):
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def start_up(bench, silence, call, rounds):
    print("| start-up, one slot | wall s |")
    print("|---|---:|")
    for what, file in [("a second of silence", silence), ("and a call of half a minute in its place", call)]:
        walls = [bench.transcribe([file], 1)[0].wall_s for _ in range(rounds)]
        print(f"| {what} | {spread(walls)} |")
    print(flush=True)


def in_turn(bench, files, rounds):
    """Runs with one and with two slots, side by side in time, and what each wrote: by slots."""
    runs = {1: [], 2: []}
    for number in range(rounds):
        for slots in (1, 2) if number % 2 == 0 else (2, 1):
            runs[slots].append(bench.transcribe(files, slots))
    return runs


def slots_table(title, runs, audio_s):
    runs = {slots: [done for done, _ in of_slots] for slots, of_slots in runs.items()}
    print(f"| {title} | wall s | processor s | times real time |")
    print("|---|---:|---:|---:|")
    for slots, done in runs.items():
        walls, processors = [d.wall_s for d in done], [d.processor_s for d in done]
        faster = [audio_s / wall for wall in walls]
        print(f"| {slots} slot{'s' * (slots > 1)} | {spread(walls)} | {spread(processors)} | {spread(faster, 0)} |")
    ratios = [two.wall_s / one.wall_s for one, two in zip(runs[1], runs[2])]
    print(f"| two ÷ one | {spread(ratios, 3)} | | |")
    print(flush=True)


def memory(bench, long, measured):
    """`measured` has the runs of one length that were made already."""
    print("| memory, two channels | slots | wall s | service MiB | engine MiB | results MiB |")
    print("|---|---:|---:|---:|---:|---:|")
    for minutes, path in long.items():
        for slots in (1, 2):
            own = measured[slots] if minutes == PAIR_MIN else [bench.transcribe([path], slots)]
            done, size = max(own, key=lambda run: run[0].child_peak_mib)
            cells = f"{done.wall_s:.1f} | {done.own_peak_mib:.0f} | {done.child_peak_mib:.0f} | {size / 2**20:.1f}"
            print(f"| {minutes} min | {slots} | {cells} |", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--earwitness", required=True)
    parser.add_argument("--models-dir", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--recognizer", default="native")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--longest-min", type=int, default=LENGTHS_MIN[-1])
    return parser.parse_args()


def main():
    options = arguments()
    sizes_min = [minutes for minutes in LENGTHS_MIN if minutes <= options.longest_min]
    long = {minutes: long_recording(options.set, options.work_dir, minutes) for minutes in sizes_min}
    silence = options.work_dir / "silence.wav"
    write_silence(silence, 1)
    rows = two_channel_calls(options.set)
    calls = [options.set / row["path"] for row in rows]
    adopt_orphans()
    bench = Bench(options)
    print(f"{options.model}:\n")
    start_up(bench, silence, calls[0], max(options.rounds, 3))
    title = f"{len(calls)} calls, one job each"
    slots_table(title, in_turn(bench, calls, options.rounds), sum(row["duration_s"] for row in rows))
    hour = {}
    if PAIR_MIN in long:
        hour = in_turn(bench, [long[PAIR_MIN]], options.rounds)
        slots_table("an hour, one call", hour, 60 * PAIR_MIN)
    memory(bench, long, hour)


if __name__ == "__main__":
    main()
