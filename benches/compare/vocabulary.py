"""What names in a job's vocabulary do to recognition: how many more are written, and whether any is that nobody said.

usage: vocabulary.py SET_DIR --transcribe-set BINARY --model FILE [--recognizer native] [--kinds KIND,…] [--threads 2]
                     [--names FILE] [--wrong 20] [--seed 1]

SET_DIR holds a manifest.jsonl as compare.py describes it. Every recording is transcribed four times: without names, with those
of names.txt that its reference has, with as many as --wrong says that it has not, and with both, in a seeded order. Printed for
each: recall of the names that were said, names written that were not said, spans that were heard again for a name, and word
error rate after Whisper's own normaliser.
"""

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path

import jiwer

from scoring import ENGLISH as NORMAL
from scoring import whole


def reference(row):
    """Texts by channel where turns have channels, else one text."""
    turns = row.get("turns") or []
    if (row.get("channels") or 1) > 1 and turns and all("channel" in turn for turn in turns):
        channels = range(row["channels"])
        return [" ".join(t["text"] for t in turns if t["channel"] == c) for c in channels]
    return [row.get("reference") or ""]


def folded(text):
    """For counting names: letters and digits of each word, without what belongs to somebody."""
    words = (word.removesuffix("'s") for word in text.lower().replace("\u2019", "'").split())
    letters = ("".join(c for c in word if c.isalnum()) for word in words)
    return f" {' '.join(word for word in letters if word)} "


def times_written(text, name):
    """In any spelling of its blanks: `Fire fox` is no `Firefox`, but `Unc' Billy` is `Unc Billy`."""
    return folded(text).replace(" ", "  ").count(folded(name).replace(" ", "  "))


def rows_of(folder, kinds):
    with open(folder / "manifest.jsonl", encoding="utf-8") as manifest:
        rows = [json.loads(line) for line in manifest]
    return [row for row in rows if row["kind"] in kinds and row.get("language") == "en" and any(reference(row))]


def transcribe(args, rows, terms_of):
    """Texts by path, with the terms that each recording is given."""
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "manifest.jsonl", "w", encoding="utf-8") as manifest:
            for row, terms in zip(rows, terms_of):
                path = str((args.set_dir / row["path"]).resolve())
                line = {"path": path, "kind": row["kind"], "language": "en", "vocabulary": terms}
                manifest.write(json.dumps(line) + "\n")
        out = Path(folder) / "out.jsonl"
        kinds = ",".join(args.kinds)
        command = [args.transcribe_set, folder, args.model, out, args.recognizer, str(args.threads), kinds]
        subprocess.run(command, check=True)
        heard = {}
        with open(out, encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                heard[line["path"]] = line
    return [heard[str((args.set_dir / row["path"]).resolve())] for row in rows]


def measure(rows, heard, names):
    said, recalled, invented, errors, words = 0, 0, [], 0, 0
    for row, result in zip(rows, heard):
        references, texts = reference(row), result["channels"]
        if len(references) == 1:
            texts = [whole(texts, NORMAL)]
        for wanted, text in zip(references, texts):
            for name in names:
                spoken, written = times_written(wanted, name), times_written(text, name)
                said += spoken
                recalled += min(spoken, written)
                invented += [name] * max(0, written - spoken)
            wanted, text = NORMAL(wanted), NORMAL(text)
            words += len(wanted.split())
            if wanted:
                found = jiwer.process_words(wanted, text)
                errors += found.substitutions + found.deletions + found.insertions
            else:
                errors += len(text.split())
    spans = [span for result in heard for span in result["spans"]]
    again = sum(any(term["fed"] for term in span.get("vocabulary", [])) for span in spans)
    return said, recalled, invented, f"{again} of {len(spans)}", 100 * errors / max(1, words)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set_dir", type=Path)
    parser.add_argument("--transcribe-set", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--recognizer", default="native")
    parser.add_argument("--kinds", default="read,call_constructed", type=lambda text: text.split(","))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--names", type=Path, default=Path(__file__).resolve().parent / "names.txt")
    parser.add_argument("--wrong", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    lines = args.names.read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    rows = rows_of(args.set_dir, args.kinds)
    chance = random.Random(args.seed)
    right, wrong, both = [], [], []
    for row in rows:
        text = " ".join(reference(row))
        spoken = [name for name in names if times_written(text, name)]
        others = chance.sample([name for name in names if name not in spoken], args.wrong)
        right.append(spoken)
        wrong.append(others)
        both.append(chance.sample(spoken + others, len(spoken) + len(others)))
    print(f"{len(rows)} recordings, {Path(args.model).stem}, {args.recognizer}:\n")
    print("| names given | recall | written, not said | spans heard again | word error rate |")
    print("|---|---|---|---|---|")
    nothing = [[] for _ in rows]
    for what, terms in [("none", nothing), ("right", right), (f"{args.wrong} wrong", wrong), ("both", both)]:
        said, recalled, invented, again, rate = measure(rows, transcribe(args, rows, terms), names)
        told = f"{len(invented)}" + (f" ({', '.join(sorted(invented))})" if invented else "")
        print(f"| {what} | {recalled} of {said} | {told} | {again} | {rate:.2f} % |", flush=True)


if __name__ == "__main__":
    main()
