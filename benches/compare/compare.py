"""Earwitness beside faster-whisper: the same recordings, whole jobs, in turn, on the same cores.

usage: compare.py SET_DIR --earwitness BINARY --models-dir DIR --model NAME --peer-model DIR
                  [--recognizer native] [--kinds KIND,…] [--rounds 3] [--threads 2] [--json FILE]

SET_DIR holds a manifest.jsonl: path, kind, language, channels, duration_s, reference, and for calls turns with channel and
text. A round runs each side over all recordings of the kinds, as one process that starts, loads its model, decodes, finds
speech, recognises and writes; Earwitness also aligns words and scores rules. The peer is run in two ways, which are sides of
their own: one recording at a time on all threads, and as many recordings at once as there are threads. The sides take
turns in going first. Printed are wall and processor seconds, the ratios to each way of the peer round by round, word error
rates after Whisper's own English normaliser, and the ratio to the faster way, which is the one to quote. Every round is
scored: the peer's rates have their spread where rounds differ; Earwitness has to write the same each time.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

from process import adopt_orphans, run
from scoring import errors_by, rows_of

HERE = Path(__file__).resolve().parent
OURS = "earwitness"


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
    return {line["file"]: line["channels"] for line in lines if "channels" in line}, done


def theirs(at_once, options, folder, calls):
    asked = [
        {"path": str(folder / call["path"]), "channels": call.get("channels") or 1, "language": "en"} for call in calls
    ]
    command = [sys.executable, str(HERE / "peer.py"), options.peer_model, str(options.threads)]
    command += ["--at-once", str(at_once)]
    done = run(command, input="".join(json.dumps(call) + "\n" for call in asked))
    lines = [json.loads(line) for line in done.output.splitlines()]
    return {line["path"]: line["channels"] for line in lines}, done


def sides(threads):
    """Earwitness, and the peer in each way of sharing the threads out."""
    peers = {"faster-whisper, one at a time": partial(theirs, 1)}
    if threads > 1:
        peers[f"faster-whisper, {threads} at once, a thread each"] = partial(theirs, threads)
    return {OURS: ours, **peers}


def rounds_of(options, folder, calls):
    """By side, for each round: what was heard, by the path in the set, and what it cost."""
    of_side = sides(options.threads)
    names, rounds = list(of_side), {name: [] for name in of_side}
    for number in range(options.rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            texts, done = of_side[name](options, folder, calls)
            inside = {call["path"]: texts.get(str(folder / call["path"])) for call in calls}
            heard = {path: channels for path, channels in inside.items() if channels is not None}
            rounds[name].append((heard, done))
            print(f"round {number + 1}: {name} {done.wall_s:.1f} s, {done.processor_s:.1f} processor s", file=sys.stderr)
    return rounds


def hold_to_the_first(rounds):
    """A transcript depends on the recording and the model alone."""
    (first, _), *others = rounds
    differ = sorted({path for heard, _ in others for path in first.keys() | heard if first.get(path) != heard.get(path)})
    if differ:
        sys.exit(f"earwitness wrote {len(differ)} recordings in two ways: {', '.join(differ)}")


def spread(values, digits=2):
    if min(values) == max(values):
        return f"{values[0]:.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(kinds, calls, rounds):
    with_reference = [call for call in calls if call.get("reference")]
    scored = {name: [errors_by(lambda c: c["kind"], with_reference, heard) for heard, _ in rounds[name]] for name in rounds}
    words = {kind: scored[OURS][0].get(kind, (0, 0))[1] for kind in kinds}
    files = {kind: sum(call["kind"] == kind for call in with_reference) for kind in kinds}
    heads = [f"WER % {kind}, {words[kind]:,} words in {files[kind]} recordings" for kind in kinds]
    print("| | wall s | processor s | " + " | ".join(heads) + " |")
    print("|---|---:|---:|" + "---:|" * len(kinds))
    for name, of_side in rounds.items():
        rates = [spread([100 * of[kind][0] / of[kind][1] for of in scored[name]]) if words[kind] else "" for kind in kinds]
        costs = [spread([done.wall_s for _, done in of_side]), spread([done.processor_s for _, done in of_side])]
        print("| " + " | ".join([name, *costs, *rates]) + " |")


def ratios(rounds, name):
    """(wall, processor) of Earwitness by those of one way of the peer, round by round."""
    pairs = [(own, peer) for (_, own), (_, peer) in zip(rounds[OURS], rounds[name])]
    return [a.wall_s / b.wall_s for a, b in pairs], [a.processor_s / b.processor_s for a, b in pairs]


def told_missing(calls, rounds):
    for name, of_side in rounds.items():
        missing = sorted({call["path"] for heard, _ in of_side for call in calls if call["path"] not in heard})
        if missing:
            print(f"\n{name} returned nothing for {len(missing)}, which counts as nothing heard: {', '.join(missing)}")


def arguments():
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
    return parser.parse_args()


def main():
    options = arguments()
    folder, kinds = options.set.resolve(), options.kinds.split(",")
    calls = calls_of(folder, kinds)
    if not calls:
        sys.exit(f"no recordings of the kinds {options.kinds} in {folder}")
    adopt_orphans()
    rounds = rounds_of(options, folder, calls)
    hold_to_the_first(rounds[OURS])
    audio = sum((call.get("duration_s") or 0) * (call.get("channels") or 1) for call in calls)
    print(f"{options.model}: {len(calls)} recordings, {audio:.0f} s of channel audio, {options.rounds} rounds\n")
    table(kinds, calls, rounds)
    peers = {name: ratios(rounds, name) for name in rounds if name != OURS}
    for name, of_side in peers.items():
        print(f"| ratio to {name} | " + " | ".join(map(spread, of_side)) + " |" + " |" * len(kinds))
    # The larger the ratio, the faster the peer.
    faster = max(peers, key=lambda name: statistics.median(peers[name][0]))
    wall, processor = map(spread, peers[faster])
    print(f"\nBeside the faster way of the peer ({faster}): {wall} of its wall time, {processor} of its processor time.")
    told_missing(calls, rounds)
    if options.json:
        costs = {name: [(done.wall_s, done.processor_s) for _, done in of_side] for name, of_side in rounds.items()}
        named = {name: {"wall_ratios": wall, "cpu_ratios": cpu} for name, (wall, cpu) in peers.items()}
        options.json.write_text(json.dumps({"runs": costs, "peers": named, "faster": faster}))


if __name__ == "__main__":
    main()
