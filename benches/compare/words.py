"""Word error rates by kind, and words written where nobody speaks.

usage: words.py SET_DIR NAME=HEARD.jsonl…

SET_DIR holds recordings and a manifest.jsonl; HEARD.jsonl is what `transcribe_set` or peer.py wrote of it. English by
kind, after Whisper's own normaliser, then other languages, if a side heard them, after its basic one; each channel of a
call is scored by itself. A recording that a side left out counts as one on which it heard nothing, and is told.
"""

import argparse
from pathlib import Path

from quality import is_trusted, named_path
from scoring import WITHOUT_BLANKS, errors_by, heard_in, normaliser, rows_of

GROUPS = {
    "read": "read speech",
    "noisy_speech": "read speech",
    "ivr_prompt": "telephone prompts",
    "call_constructed": "two-channel calls",
    "call": "real calls",
    "short_utterance": "short, padded with silence",
    "silence_padded": "short, padded with silence",
    "codec_matrix": "codecs",
    "longform_constructed": "long",
}


def texts_in(path):
    return {name: line["channels"] for name, line in heard_in(path).items()}


def invented(rows, texts):
    """How many words in how many recordings, told."""
    normal = normaliser("en")
    counts = [len(normal(" ".join(texts.get(row["path"], []))).split()) for row in rows]
    files = sum(count > 0 for count in counts)
    return f"{sum(counts)} words" + (f" in {files} files" if files else "")


def language_of(row):
    unit = ", characters" if row["language"] in WITHOUT_BLANKS else ""
    return row["language"] + unit + ("" if is_trusted(row) else ", reference not checked")


def table(first, rows, group_of, groups, sides):
    """A row for each group that has recordings, with errors in % of words for each side."""
    print(f"| {first} | words | " + " | ".join(sides) + " |")
    print("|---|" + "---:|" * (len(sides) + 1))
    errors = [errors_by(group_of, rows, texts) for texts in sides.values()]
    for group in groups:
        pairs = [of_side[group] for of_side in errors if group in of_side]
        if pairs:
            cells = " | ".join(f"{100 * wrong / max(1, words):.2f}" for wrong, words in pairs)
            print(f"| {group} | {pairs[0][1]:,} | {cells} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("heard", nargs="+", type=named_path)
    options = parser.parse_args()
    rows = rows_of(options.set)
    spoken = [row for row in rows if row["kind"] in GROUPS and row["language"] == "en" and row["reference"]]
    silent = [row for row in rows if row["kind"] == "nonspeech" and row["reference"] == ""]
    sides = {name: texts_in(path) for name, path in options.heard}
    table("WER %", spoken, lambda row: GROUPS[row["kind"]], dict.fromkeys(GROUPS.values()), sides)
    cells = " | ".join(invented(silent, texts) for texts in sides.values())
    print(f"| nothing spoken, {len(silent)} files | 0 | {cells} |")
    foreign = [row for row in rows if row["language"] not in ("en", None) and row["reference"] and row["kind"] != "hostile"]
    heard = set().union(*sides.values())
    foreign = sorted((row for row in foreign if row["path"] in heard), key=lambda row: (not is_trusted(row), row["language"]))
    if foreign:
        print()
        table("WER %, language", foreign, language_of, dict.fromkeys(map(language_of, foreign)), sides)
    for name, texts in sides.items():
        missing = [row["path"] for row in spoken + silent + foreign if row["path"] not in texts]
        if missing:
            print(f"\n{name} left out {len(missing)}: {', '.join(missing)}")


if __name__ == "__main__":
    main()
