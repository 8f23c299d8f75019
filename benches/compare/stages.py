"""Where the processor time of the pipeline goes, by stage.

usage: stages.py SET_DIR --transcribe-set BINARY --model FILE --work-dir DIR [--recognizer native] [--threads 2]

The calls of SET_DIR are transcribed, as many at once as there are slots, sampled by `perf record` with its stacks. A sample
belongs to the first stage below that a function on its stack matches. Printed are each stage's share and its milliseconds a
second of channel audio. Needs Linux's perf and leave to use it; BINARY needs its debug information. Whole jobs also start processes, score and
write: scale.py and compare.py have those.
"""

import argparse
import collections
import subprocess
from pathlib import Path

from scoring import rows_of

HERTZ = 199
KINDS = ["call_constructed", "call"]
STAGES = {
    "load the model": ["NativeModel::load", "WhisperModel::load"],
    "encoder: convolutions": ["encoder::convolve", "gemm"],
    "encoder: attention": ["attention::Attention"],
    "keys and values of the sound": ["decoder::Sound::new"],
    "word times": ["align::", "order::medians"],
    "decoder": ["decoder::step", "generate::write_down"],
    "encoder: weights, normalisation, GELU": ["encoder::encode"],
    "mel": ["mel::Spectrograph"],
    "voice activity": ["voice::VoiceActivity", "earshot::"],
    "labels of what is no speech": ["sound::", "nonspeech::"],
    "legs compared": ["legs::", "echo::"],
    "resample": ["resample::", "rubato::"],
    "decode and peaks": ["decode::", "peaks::", "symphonia", "source::Source"],
    "choice of texts": ["generate::", "beam::", "order::highest", "recognize_all"],
    "judgement, edges of words": ["look::", "loudness::", "vocabulary::"],
}
REST = "everything else"


def record(options, data):
    command = ["perf", "record", "--quiet", f"--freq={HERTZ}", "--call-graph=dwarf,8192", f"--output={data}", "--"]
    command += [options.transcribe_set, options.set, options.model, options.work_dir / "heard.jsonl"]
    command += [options.recognizer, options.threads, ",".join(KINDS)]
    subprocess.run(list(map(str, command)), check=True)


def stacks(data):
    """The functions of each sample, as one text."""
    command = ["perf", "script", "--fields=comm,ip,sym", "--no-inline", f"--input={data}"]
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
    parser.add_argument("--transcribe-set", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--recognizer", default="native")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    rows = [row for row in rows_of(options.set) if row["kind"] in KINDS]
    audio_s = sum(row["duration_s"] * (row["channels"] or 1) for row in rows)
    options.work_dir.mkdir(parents=True, exist_ok=True)
    data = options.work_dir / f"{options.model.stem}.perf"
    record(options, data)
    counts = collections.Counter(map(stage_of, stacks(data)))
    total = sum(counts.values())
    print(f"{options.model.stem}, {options.recognizer}: {len(rows)} calls, {audio_s:.0f} s of channel audio, {total / HERTZ:.1f} processor s\n")
    print("| part | share | ms a second of channel audio |")
    print("|---|---:|---:|")
    for stage in [*STAGES, REST]:
        milliseconds = 1000 * counts[stage] / HERTZ / audio_s
        print(f"| {stage} | {100 * counts[stage] / total:.1f} % | {milliseconds:.2f} |")


if __name__ == "__main__":
    main()
