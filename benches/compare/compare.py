"""Earwitness beside faster-whisper: the same recordings, whole jobs, in turn, on the same cores.

usage: compare.py SET_DIR --earwitness BINARY --models-dir DIR --model NAME --peer-model DIR
                  [--recognizer native] [--kinds KIND,…] [--rounds 3] [--threads 2] [--json FILE]

SET_DIR holds a manifest.jsonl: path, kind, language, channels, duration_s, reference, and for calls turns with channel and
text. A round runs one side and then the other over all recordings of the kinds, each as one process that starts, loads its
model, decodes, finds speech, recognises and writes; Earwitness also aligns words and scores rules. The sides take turns in
going first. Printed are wall and processor seconds, their ratios round by round, and word error rates after Whisper's own
English normaliser, which are the same in every round.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from process import adopt_orphans, run
from scoring import errors_by, rows_of

HERE = Path(__file__).resolve().parent


def calls_of(folder, kinds):
    return [row for row in rows_of(folder) if row["kind"] in kinds and row.get("language") in ("en", None)]


def ours(options, folder, calls):
    with tempfile.TemporaryDirectory() as out:
        command = [options.earwitness, "transcribe", "--json", "--out", out, "--language", "en"]
        command += ["--model", options.model, "--rules", str(HERE.parents[1] / "rules" / "call-quality@1.toml")]
        command += [str(folder / call["path"]) for call in calls]
        settings = {
            "EARWITNESS__ENGINE__RECOGNIZER": options.recognizer,
            "EARWITNESS__ENGINE__MODELS_DIR": options.models_dir,
            "EARWITNESS__ENGINE__SLOTS": str(options.threads),
        }
        done = run(command, env=os.environ | settings)
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {line["file"]: line.get("channels", []) for line in lines}, done


def theirs(options, folder, calls):
    asked = [
        {"path": str(folder / call["path"]), "channels": call.get("channels") or 1, "language": "en"} for call in calls
    ]
    command = [sys.executable, str(HERE / "peer.py"), options.peer_model, str(options.threads)]
    done = run(command, input="".join(json.dumps(call) + "\n" for call in asked))
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {line["path"]: line["channels"] for line in lines}, done


def percent(pair):
    errors, words = pair
    return f"{100 * errors / words:.2f} %" if words else f"{errors} words"


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--earwitness", required=True)
    parser.add_argument("--models-dir", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--peer-model", required=True)
    parser.add_argument("--recognizer", default="native")
    parser.add_argument("--kinds", default="call_constructed,call")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder, kinds = options.set.resolve(), options.kinds.split(",")
    calls = calls_of(folder, kinds)
    if not calls:
        sys.exit(f"no recordings of the kinds {options.kinds} in {folder}")
    adopt_orphans()
    runs = {"earwitness": [], "faster-whisper": []}
    heard = {}
    for number in range(options.rounds):
        sides = [("earwitness", ours), ("faster-whisper", theirs)]
        for name, side in sides if number % 2 == 0 else reversed(sides):
            texts, done = side(options, folder, calls)
            heard[name] = {call["path"]: texts.get(str(folder / call["path"]), []) for call in calls}
            runs[name].append((done.wall_s, done.processor_s))
            print(f"round {number + 1}: {name} {done.wall_s:.1f} s, {done.processor_s:.1f} processor s", file=sys.stderr)
    audio = sum((call.get("duration_s") or 0) * (call.get("channels") or 1) for call in calls)
    print(f"{options.model}: {len(calls)} recordings, {audio:.0f} s of channel audio, {options.rounds} rounds")
    print()
    print("| | wall s | processor s | " + " | ".join(f"WER {kind}" for kind in kinds) + " |")
    print("|---|---:|---:|" + "---:|" * len(kinds))
    with_reference = [call for call in calls if call.get("reference")]
    for name, rounds in runs.items():
        totals = errors_by(lambda call: call["kind"], with_reference, heard[name])
        rates = " | ".join(percent(totals.get(kind, (0, 0))) for kind in kinds)
        walls, cpus = zip(*rounds)
        print(f"| {name} | {spread(walls)} | {spread(cpus)} | {rates} |")
    pairs = list(zip(runs["earwitness"], runs["faster-whisper"]))
    walls, cpus = [a[0] / b[0] for a, b in pairs], [a[1] / b[1] for a, b in pairs]
    print(f"| ratio | {spread(walls)} | {spread(cpus)} | " + " | ".join("" for _ in kinds) + " |")
    if options.json:
        options.json.write_text(json.dumps({"runs": runs, "wall_ratios": walls, "cpu_ratios": cpus}))


if __name__ == "__main__":
    main()
