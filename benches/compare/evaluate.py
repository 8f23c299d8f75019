"""All figures of recognition, part by part, each into its place in a results file as soon as it is measured.

usage: evaluate.py SET_DIR --bin-dir DIR --nothing-spoken FILE --models-dir DIR --work-dir DIR --results FILE
                   [--only PART,…] [--rounds 3] [--recognizer native]

--bin-dir holds release builds of earwitness and transcribe_set, --nothing-spoken is the command of that name, --work-dir
faster-whisper's models in tiny.en/ and base/. A part is a function below: what it returns goes between the marks of its
name. --recognizer is the one that speed is measured with; quality is measured with both, but for bleed and nothing spoken,
which are the native one's.
"""

import argparse
import hashlib
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

from results import digest, measured_on, rewrite
from scoring import rows_of

HERE = Path(__file__).resolve().parent
MODELS = ["tiny.en", "base"]
RECOGNIZERS = {"native": "native", "whisper.cpp": "whisper_cpp"}
SLOTS = 2
LANGUAGES = ["de", "es", "fr", "it", "pt", "ru", "en"]


class Evaluation:
    """What the parts share: where things are, and what was heard already."""

    def __init__(self, options):
        self.options, self.set = options, options.set.resolve()
        self.earwitness, self.transcribe_set = options.bin_dir / "earwitness", options.bin_dir / "transcribe_set"
        # Another build, another set, another manifest, another model or other arguments are heard anew.
        heard_by = [self.transcribe_set.read_bytes(), bytes(self.set), (self.set / "manifest.jsonl").read_bytes()]
        self.heard_dir = options.work_dir / "heard" / hashlib.sha256(b"\0".join(heard_by)).hexdigest()[:16]

    def model_file(self, model):
        return self.options.models_dir / f"ggml-{model}.bin"

    def script(self, name, *arguments):
        """Runs a script beside this one; what it prints is shown as it comes and returned."""
        command = [sys.executable, HERE / name, *map(str, arguments)]
        lines = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            raise SystemExit(f"{name}: exit status {process.returncode}")
        return "".join(lines)

    def heard(self, recognizer, model, name="", *arguments):
        """What a recogniser of ours hears in the set; heard once by each build for all parts, on another day too."""
        given = [digest(self.options.models_dir, model), str(SLOTS), *arguments]
        key = hashlib.sha256("\0".join(given).encode()).hexdigest()[:8]
        out = self.heard_dir / f"{recognizer}-{model}{name}-{key}.jsonl"
        if not out.exists():
            print(f"{recognizer}, {model}{name}: hearing the set", file=sys.stderr)
            out.parent.mkdir(parents=True, exist_ok=True)
            unfinished = out.with_suffix(".part")
            command = [self.transcribe_set, self.set, self.model_file(model), unfinished, RECOGNIZERS[recognizer], SLOTS]
            subprocess.run([*map(str, command), *arguments], check=True)
            unfinished.rename(out)
        return out

    def invented(self, model):
        """What native writes of generated sound without speech: invented lines, if there are any, and a table."""
        command = [self.options.nothing_spoken, self.model_file(model), "--slots", SLOTS, "--recognizer", "native"]
        heard = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True)
        print(heard.stdout, end="", flush=True)
        lines = heard.stdout.splitlines()
        written = [f"- {line}" for line in lines if not line.startswith("|")]
        table = [line for line in lines if line.startswith("|")]
        # 1 says that words were written, which the table says too; an error has the same status, and no table.
        if heard.returncode not in (0, 1) or not table:
            raise SystemExit(f"nothing-spoken: exit status {heard.returncode}")
        return "\n".join([*written, *([""] if written else []), *table]) + "\n"

    def heard_by_all(self):
        pairs = [(model, recognizer) for model in MODELS for recognizer in RECOGNIZERS]
        return [f"{model} {recognizer}={self.heard(recognizer, model)}" for model, recognizer in pairs]

    def heard_by_peer(self, model):
        """The same recordings, one at a time: its words do not depend on its speed."""
        out = self.heard_dir / f"faster-whisper-{model}.jsonl"
        ours = {json.loads(line)["path"] for line in self.heard("native", model).read_text().splitlines()}
        asked = [
            {"path": row["path"], "channels": row.get("channels") or 1, "language": row["language"] or "en"}
            for row in rows_of(self.set)
            if row["path"] in ours
        ]
        command = [sys.executable, HERE / "peer.py", (self.options.work_dir / model).resolve(), str(SLOTS)]
        lines = "".join(json.dumps(call) + "\n" for call in asked)
        print(f"faster-whisper, {model}: hearing the set", file=sys.stderr)
        with open(out, "w", encoding="utf-8") as heard:
            subprocess.run(command, input=lines, text=True, stdout=heard, cwd=self.set, check=True)
        return out


def versions():
    """Of what measures and of the peer, as they are installed."""
    names = ["jiwer", "whisper-normalizer", "faster-whisper", "ctranslate2"]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def peer(own):
    options, parts = own.options, []
    for model in MODELS:
        arguments = ["--earwitness", own.earwitness, "--models-dir", options.models_dir, "--model", model]
        arguments += ["--peer-model", options.work_dir / model, "--threads", SLOTS]
        arguments += ["--recognizer", options.recognizer, "--rounds", options.rounds]
        parts.append(own.script("compare.py", own.set, *arguments))
    return "\n".join(parts)


def words(own):
    parts = []
    for model in MODELS:
        sides = [f"{recognizer}={own.heard(recognizer, model)}" for recognizer in RECOGNIZERS]
        sides.append(f"faster-whisper={own.heard_by_peer(model)}")
        parts.append(f"{model}:\n\n" + own.script("words.py", own.set, *sides))
    return "\n".join(parts)


def unspoken(own):
    parts = [f"{model}, native, generated:\n\n{own.invented(model)}" for model in MODELS]
    sides = [f"{model}, native={own.heard('native', model)}" for model in MODELS]
    return "\n".join([*parts, own.script("quality.py", "suppression", own.set, *sides)])


def times(own):
    return own.script("quality.py", "times", own.set, *own.heard_by_all())


def confidence(own):
    names = {"native": "native", "whisper.cpp": "whisper"}
    pairs = [(recognizer, model) for recognizer in RECOGNIZERS for model in MODELS]
    sides = [f"{names[r]}/{model.partition('.')[0]}={own.heard(r, model)}" for r, model in pairs]
    return own.script("quality.py", "confidence", own.set, *sides)


def languages(own):
    kinds, sides = "ivr_prompt,multilingual", []
    among = {row["path"] for row in rows_of(own.set) if row["language"] in LANGUAGES}
    for recognizer in RECOGNIZERS:
        sides.append(f"{recognizer}={own.heard(recognizer, 'base', '-any', kinds, '--no-hints')}")
        flags = [kinds, "--among", ",".join(LANGUAGES)]
        heard = own.heard(recognizer, "base", "-among", *flags).read_text().splitlines(keepends=True)
        spoken = own.heard_dir / f"{recognizer}-base-spoken.jsonl"
        spoken.write_text("".join(line for line in heard if json.loads(line)["path"] in among))
        sides.append(f"{recognizer}, among {' '.join(LANGUAGES)}={spoken}")
    return own.script("quality.py", "languages", own.set, *sides)


def vocabulary(own):
    parts = []
    for model, recognizer in [("tiny.en", "native"), ("base", "native"), ("tiny.en", "whisper.cpp")]:
        arguments = ["--transcribe-set", own.transcribe_set, "--model", own.model_file(model)]
        arguments += ["--recognizer", RECOGNIZERS[recognizer], "--threads", SLOTS]
        parts.append(own.script("vocabulary.py", own.set, *arguments))
    return "\n".join(parts)


def bleed(own):
    parts = []
    for model in MODELS:
        arguments = ["--transcribe-set", own.transcribe_set, "--model", own.model_file(model)]
        arguments += ["--work-dir", own.options.work_dir / "bleed", "--threads", SLOTS, "--recognizer", "native"]
        parts.append(own.script("bleed.py", own.set, *arguments))
    return "\n".join(parts)


def scale(own):
    options, parts = own.options, []
    for model in MODELS:
        arguments = ["--earwitness", own.earwitness, "--models-dir", options.models_dir, "--model", model]
        arguments += ["--work-dir", options.work_dir / "scale", "--recognizer", options.recognizer]
        parts.append(own.script("scale.py", own.set, *arguments, "--rounds", options.rounds))
    return "\n".join(parts)


PARTS = [peer, words, unspoken, times, confidence, languages, vocabulary, bleed, scale]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    for name in ("--bin-dir", "--nothing-spoken", "--models-dir", "--work-dir", "--results"):
        parser.add_argument(name, type=Path, required=True)
    names = [part.__name__ for part in PARTS]
    parser.add_argument("--only", default=",".join(names), type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recognizer", default="native")
    options = parser.parse_args()
    unknown = set(options.only) - set(names)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


def main():
    options = arguments()
    own = Evaluation(options)
    flags = f"release build, {SLOTS} slots, {options.recognizer} where one recogniser is named; {versions()}"
    for part in (part for part in PARTS if part.__name__ in options.only):
        print(f"== {part.__name__}", file=sys.stderr)
        place = measured_on(own.earwitness, options.models_dir, MODELS, flags)
        rewrite(options.results, part.__name__, f"{place}\n\n{part(own)}")


if __name__ == "__main__":
    main()
