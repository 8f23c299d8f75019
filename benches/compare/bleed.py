"""What one leg that is heard on the other does to a transcript.

usage: bleed.py SET_DIR --transcribe-set BINARY --model FILE --work-dir DIR
                [--recognizer native] [--threads 2] [--levels=-30,-20,-12] [--late-ms 24]

The two-channel constructed calls of SET_DIR are mixed: to each leg the other one is added, softer by each of --levels and
--late-ms late, as a hybrid or a handset sends it back. Printed for each level, and for the calls without any bleed: the
word error rate of each leg against its own words, so that what is written twice counts; lines that come twice; and on how
many legs the transcript warns of bleed. A line that comes twice is three words or more in a row that lie outside of their
leg's turns, while the other leg says them.
"""

import argparse
import json
import subprocess
import wave
from pathlib import Path

import numpy as np

from recordings import legs_of, two_channel_calls
from scoring import ENGLISH, errors_by, heard_in, words_on

RATE_HZ = 16_000
# A word that far from every turn of its leg belongs to none; a turn's times are exact.
NEAR_MS = 400
LINE_WORDS = 3


def mixed(legs, level_db, late_ms):
    """Each leg with the other one in it; as it is where no level is given."""
    if level_db is None:
        return legs
    late = RATE_HZ * late_ms // 1_000
    echo = np.zeros_like(legs)
    echo[:, late:] = 10 ** (level_db / 20) * legs[::-1, : legs.shape[1] - late]
    return np.clip(legs + echo, -1.0, 1.0)


def write_wav(path, legs):
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes((legs.T * 32_767).astype("<i2").tobytes())


def write_set(options, rows, level_db, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "manifest.jsonl", "w", encoding="utf-8") as manifest:
        for row in rows:
            path = f"{Path(row['path']).stem}.wav"
            legs = legs_of(options.set / row["path"], RATE_HZ)
            write_wav(folder / path, mixed(legs, level_db, options.late_ms))
            manifest.write(json.dumps({"path": path, "kind": row["kind"], "language": "en"}) + "\n")


def transcribed(options, rows, folder):
    """What `transcribe_set` heard, by the path in the set."""
    out = folder / "heard.jsonl"
    subprocess.run(
        [options.transcribe_set, folder, options.model, out, options.recognizer, str(options.threads)], check=True
    )
    heard = heard_in(out)
    return {row["path"]: heard[f"{Path(row['path']).stem}.wav"] for row in rows}


def lines_twice(row, line):
    """Runs of words outside of their leg's turns that the other leg says, or is taken to say."""
    count = 0
    for channel in (0, 1):
        turns = [(1_000 * t["start"], 1_000 * t["end"]) for t in row["turns"] if t["channel"] == channel]
        said = " ".join(t["text"] for t in row["turns"] if t["channel"] != channel)
        written = " ".join(word["text"] for word in words_on(line, 1 - channel))
        other = [f" {ENGLISH(text)} " for text in (said, written)]
        run = []
        for word in [*words_on(line, channel), None]:
            if word is not None and is_outside(word, turns):
                run.append(word["text"])
                continue
            count += has_line(ENGLISH(" ".join(run)).split(), other)
            run = []
    return count


def is_outside(word, turns):
    middle = (word["start_ms"] + word["end_ms"]) / 2
    return not any(start - NEAR_MS < middle < end + NEAR_MS for start, end in turns)


def has_line(words, other):
    lines = (" ".join(words[at : at + LINE_WORDS]) for at in range(len(words) - LINE_WORDS + 1))
    return any(f" {line} " in text for line in lines for text in other)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--transcribe-set", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--recognizer", default="native")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--levels", default="-30,-20,-12")
    parser.add_argument("--late-ms", type=int, default=24)
    return parser.parse_args()


def main():
    options = arguments()
    rows = two_channel_calls(options.set)
    levels = [None, *(float(level) for level in options.levels.split(","))]
    print(f"{Path(options.model).stem}, {options.recognizer}, {len(rows)} calls:\n")
    print("| bleed, dB | WER % | lines that come twice | legs with a warning |")
    print("|---:|---:|---:|---:|")
    for level_db in levels:
        folder = options.work_dir / f"{level_db or 'none'}"
        write_set(options, rows, level_db, folder)
        heard = transcribed(options, rows, folder)
        texts = {path: line["channels"] for path, line in heard.items()}
        wrong, words = errors_by(lambda _: "all", rows, texts)["all"]
        twice = sum(lines_twice(row, heard[row["path"]]) for row in rows)
        warned = sum(warning["code"] == "bleed" for line in heard.values() for warning in line["warnings"])
        name = "none" if level_db is None else f"{level_db:g}"
        print(f"| {name} | {100 * wrong / words:.1f} | {twice} | {warned} of {2 * len(rows)} |", flush=True)


if __name__ == "__main__":
    main()
