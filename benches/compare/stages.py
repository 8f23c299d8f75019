"""Where the processor time of `earwitness transcribe` goes, by stage of the pipeline.

usage: stages.py SET_DIR --earwitness BINARY --models-dir DIR --model NAME --work-dir DIR [--threads 2]

Every call of SET_DIR as one job each, native recogniser, sampled by `perf record` with its stacks, the engine process
included. A sample belongs to the first stage below that any function on its stack matches. Printed are each stage's share and its
milliseconds a second of channel audio. Needs Linux's perf and leave to use it; BINARY needs its debug information.
"""

import argparse
import collections
import os
import subprocess
import tempfile
from pathlib import Path

from scoring import rows_of

RULES = Path(__file__).resolve().parents[2] / "rules" / "call-quality@1.toml"
HERTZ = 199
STAGES = {
    "start: check and load the model": ["NativeModel::load", "child::digest", "models::store"],
    "encoder: convolutions": ["encoder::convolve"],
    "encoder: attention": ["attention::Attention"],
    "keys and values of the sound": ["decoder::Sequence::new"],
    "word times: alignment": ["align::"],
    "decoder": ["decoder::step", "generate::write_down"],
    "encoder: weights, normalisation, GELU": ["encoder::encode"],
    "mel": ["mel::Spectrograph"],
    "voice activity": ["voice::VoiceActivity", "earshot::"],
    "sound labels": ["sound::SoundMeter"],
    "resample": ["resample::", "rubato::"],
    "decode and peaks": ["decode::", "peaks::", "symphonia"],
    "legs compared": ["legs::", "echo::"],
    "judgement, edges of words": ["look::", "loudness::", "vocabulary::"],
    "rules, formats, writing": ["results::compose", "analysis::", "assemble::", "cli::transcribe"],
}
REST = "everything else"


def record(options, files, data):
    command = ["perf", "record", "--quiet", f"--freq={HERTZ}", "--call-graph=dwarf,32768", f"--output={data}", "--"]
    with tempfile.TemporaryDirectory() as out:
        command += [options.earwitness, "transcribe", "--json", "--out", out, "--language", "en"]
        command += ["--model", options.model, "--rules", RULES, *files]
        settings = {
            "EARWITNESS__ENGINE__RECOGNIZER": "native",
            "EARWITNESS__ENGINE__MODELS_DIR": options.models_dir,
            "EARWITNESS__ENGINE__SLOTS": str(options.threads),
        }
        subprocess.run(list(map(str, command)), env=os.environ | settings, stdout=subprocess.DEVNULL, check=True)


def stacks(data):
    """The functions of each sample, as one text."""
    command = ["perf", "script", "--fields=comm,ip,sym", f"--input={data}"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout:
            if line.strip():
                lines.append(line)
            elif lines:
                yield "".join(lines)
                lines = []
    if process.returncode:
        raise SystemExit(f"perf script: exit status {process.returncode}")


def stage_of(stack):
    for stage, functions in STAGES.items():
        if any(function in stack for function in functions):
            return stage
    return REST


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--earwitness", required=True)
    parser.add_argument("--models-dir", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    rows = [row for row in rows_of(options.set) if row["kind"] in ("call_constructed", "call")]
    audio_s = sum(row["duration_s"] * (row["channels"] or 1) for row in rows)
    options.work_dir.mkdir(parents=True, exist_ok=True)
    data = options.work_dir / f"{options.model}.perf"
    record(options, [options.set / row["path"] for row in rows], data)
    counts = collections.Counter(map(stage_of, stacks(data)))
    total = sum(counts.values())
    print(f"{options.model}: {len(rows)} calls, {audio_s:.0f} s of channel audio, {total / HERTZ:.1f} processor s\n")
    print("| part | share | ms a second of channel audio |")
    print("|---|---:|---:|")
    for stage in [*STAGES, REST]:
        milliseconds = 1000 * counts[stage] / HERTZ / audio_s
        print(f"| {stage} | {100 * counts[stage] / total:.1f} % | {milliseconds:.2f} |")


if __name__ == "__main__":
    main()
