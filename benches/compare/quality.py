"""How true the parts of a transcript are, beside its words: confidences, languages, times and what was suppressed.

usage: quality.py confidence SET_DIR RECOGNIZER/FAMILY=HEARD.jsonl…
       quality.py languages SET_DIR NAME=HEARD.jsonl…
       quality.py times SET_DIR NAME=HEARD.jsonl…
       quality.py suppression SET_DIR NAME=HEARD.jsonl…

SET_DIR holds recordings and a manifest.jsonl; HEARD.jsonl is what `transcribe_set` wrote of it, whose confidences are the
model's own probabilities.

confidence   fits the mapping from a word's probability p to its confidence, whose log odds are
             low * log(p) - high * log(1 - p) + offset (beta calibration: Kull, Silva Filho, Flach 2017), on one half of
             the recordings and tests it on the other: prints the constants of models/src/confidence.rs, the expected
             calibration error in ten bins before and after, by kind, and the reliability table. Recordings that share
             the text of a turn, such as a call and the sentence that was put into it, are in the same half, and so is what
             shares one with either. Long recordings that were put together of the others are left out: they would tie
             nearly all into one half. FAMILY is tiny, base, small, medium or large; a recogniser's default is fitted on
             all its families together.
languages    tells which language was detected in the recordings of each; HEARD.jsonl was written with --no-hints.
times        on constructed calls, whose turns have exact times: how far a turn's first word begins, and its last word
             ends, from the turn's; in milliseconds, the median and what 95 % stay within. Words lie within 400 ms of
             their turn. Also counts words without length and words that begin before the one before has ended.
suppression  what it costs that text is suppressed, by kind of recording: words of the reference that are missing, and word
             error rate, with what was suppressed put back in its place and without it. Where nothing was said, words
             written and words suppressed.
"""

import argparse
import collections
import hashlib
import math
from pathlib import Path

import jiwer

from scoring import WITHOUT_BLANKS, heard_in, judged, normaliser, references, rows_of, words_on

BINS = 10
# Turns of fewer words, such as "yes, please", are alike by chance.
TURN_WORDS = 4
NEAR_MS = 400
# Beyond these a probability is as good as certain. The code that applies the mapping holds it to the same.
LEAST, MOST = 1e-4, 1 - 1e-4


def is_trusted(row):
    """The reference was checked against the sound, which some manifests' notes deny."""
    notes = row.get("reference_quality") or ""
    return "not checked" not in notes and "checked only" not in notes


def is_judged(row):
    """Its words can be right or wrong one by one: a text without blanks has none."""
    has_text = row.get("reference") is not None and row["kind"] not in ("hostile", "longform_constructed")
    return has_text and row["language"] not in WITHOUT_BLANKS and is_trusted(row)


def halves(rows):
    """0 or 1 by recording: by the first of all texts that it shares with others, directly or through them."""
    earlier = {}

    def first(text):
        while earlier.setdefault(text, text) != text:
            text = earlier[text]
        return text

    for row in rows:
        for text in texts_of(row):
            before, after = sorted([first(text), first(texts_of(row)[0])])
            earlier[after] = before
    hashes = {row["path"]: hashlib.sha256(first(texts_of(row)[0]).encode()) for row in rows}
    return {path: found.digest()[-1] & 1 for path, found in hashes.items()}


def texts_of(row):
    """Of the whole recording, and of each turn that is long enough to be told by it."""
    normal = normaliser(row["language"])
    turns = [normal(turn["text"]) for turn in row.get("turns") or []]
    return [normal(row["reference"]), *(text for text in turns if len(text.split()) >= TURN_WORDS)]


def points_of(rows, heard):
    """(half, kind, language, probability, whether the word is right) for each word."""
    points, half_of = [], halves(rows)
    for row in (row for row in rows if row["path"] in heard):
        line = heard[row["path"]]
        for channel, reference in references(row):
            for word, right in judged(words_on(line, channel), reference, normaliser(row["language"])):
                points.append((half_of[row["path"]], row["kind"], row["language"], word["confidence"], right))
    return points


def features(probability):
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded), -math.log(1 - bounded), 1.0


def mapped(constants, probability):
    score = sum(constant * feature for constant, feature in zip(constants, features(probability)))
    return 1 / (1 + math.exp(-score))


def fit(points):
    """The constants of greatest likelihood, by Newton's method."""
    constants = [1.0, 1.0, 0.0]
    for _ in range(30):
        gradient, curvature = [0.0] * 3, [[0.0] * 3 for _ in range(3)]
        for *_, probability, right in points:
            at, guess = features(probability), mapped(constants, probability)
            for i in range(3):
                gradient[i] += (guess - right) * at[i]
                for j in range(3):
                    curvature[i][j] += guess * (1 - guess) * at[i] * at[j]
        step = solved(curvature, gradient)
        constants = [constant - s for constant, s in zip(constants, step)]
    if min(constants[:2]) <= 0:
        raise SystemExit(f"the mapping would not rise with the probability: {constants}")
    return [round(constant, 3) for constant in constants]


def solved(matrix, vector):
    """Gaussian elimination; the matrix is symmetric and positive, so nothing needs exchanging."""
    rows = [[*row, value] for row, value in zip(matrix, vector)]
    for at, pivot in enumerate(rows):
        pivot[:] = [value / pivot[at] for value in pivot]
        for row in rows:
            if row is not pivot:
                row[:] = [value - row[at] * p for value, p in zip(row, pivot)]
    return [row[-1] for row in rows]


def binned(pairs):
    """(words, mean confidence, share of right words) of each bin; words alone where it is empty."""
    bins = [[] for _ in range(BINS)]
    for confidence, right in pairs:
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, right))
    mean = lambda values: sum(values) / len(values)
    return [(len(b), mean([c for c, _ in b]), mean([r for _, r in b])) if b else (0, 0.0, 0.0) for b in bins]


def calibration_error(pairs):
    """Over bins of confidence: how far its mean is from the share of right words, weighed by words."""
    return sum(count * abs(mean - right) for count, mean, right in binned(pairs)) / max(1, len(pairs))


def before_and_after(points, constants):
    raw = [(probability, right) for *_, probability, right in points]
    return calibration_error(raw), calibration_error([(mapped(constants, p), right) for p, right in raw])


def confidence(folder, sets):
    rows = list(filter(is_judged, rows_of(folder)))
    points = {name: points_of(rows, heard_in(path)) for name, path in sets}
    recognizers = dict.fromkeys(name.split("/")[0] for name in points)
    for recognizer in recognizers:
        own = [name for name in points if name.split("/")[0] == recognizer]
        points[f"{recognizer}/default"] = [point for name in own for point in points[name]]
    fitted, tested = {}, {}
    print("| mapping | low | high | offset | words to fit | to test | right | ECE before | after |")
    print("|---|" + "---:|" * 8)
    for name, all_points in points.items():
        learnt, tested[name] = ([point for point in all_points if point[0] == number] for number in (0, 1))
        fitted[name] = fit(learnt)
        right = sum(point[-1] for point in tested[name]) / len(tested[name])
        before, after = before_and_after(tested[name], fitted[name])
        low, high, offset = fitted[name]
        counts = f"{len(learnt)} | {len(tested[name])} | {100 * right:.1f} %"
        print(f"| {name} | {low:.3f} | {high:.3f} | {offset:.3f} | {counts} | {before:.3f} | {after:.3f} |")
    by_kind(tested, fitted)
    reliability(tested, fitted)


def by_kind(tested, fitted):
    """Before and after, with the number of words, for each kind and for what is not English."""
    groups = sorted({point[1] for points in tested.values() for point in points}) + ["not English"]
    print("\n| words of the half to test | " + " | ".join(tested) + " |")
    print("|---|" + "---:|" * len(tested))
    for group in groups:
        cells = []
        for name, points in tested.items():
            own = [p for p in points if (p[2] != "en" if group == "not English" else p[1] == group)]
            before, after = before_and_after(own, fitted[name])
            cells.append(f"{before:.3f} → {after:.3f} of {len(own)}" if own else "")
        print(f"| {group} | " + " | ".join(cells) + " |")


def reliability(tested, fitted):
    """Mean confidence and share of right words, in each bin of confidence."""
    print("\n| confidence | " + " | ".join(tested) + " |")
    print("|---|" + "---:|" * len(tested))
    tables = [binned([(mapped(fitted[name], p), right) for *_, p, right in tested[name]]) for name in tested]
    for number in range(BINS):
        cells = [f"{mean:.2f}, {right:.2f} of {count}" if count else "" for count, mean, right in (t[number] for t in tables)]
        print(f"| {number / BINS:.1f} to {(number + 1) / BINS:.1f} | " + " | ".join(cells) + " |")


def languages(folder, sets):
    """Channels with speech by the language they are in, and what was detected."""
    rows = {row["path"]: row for row in rows_of(folder)}
    print("| | " + " | ".join(name for name, _ in sets) + " |")
    print("|---|" + "---|" * len(sets))
    tables = []
    for _, path in sets:
        table = collections.defaultdict(collections.Counter)
        for line in heard_in(path).values():
            detected = [channel["language"]["code"] for channel in line["facts"] if channel["language"]]
            table[rows[line["path"]]["language"]].update(detected)
        tables.append(table)
    for language in sorted({language for table in tables for language in table if language}):
        cells = []
        for table in tables:
            found = table[language]
            others = ", ".join(f"{count} {code}" for code, count in found.most_common() if code != language)
            cells.append(f"{found[language]} of {found.total()}" + (f"; {others}" if others else ""))
        print(f"| {language} | " + " | ".join(cells) + " |")


def times(folder, sets):
    print("| | turns | first word: median | 95 % | last word: median | 95 % | words out of order |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    rows = {row["path"]: row for row in rows_of(folder) if row["kind"] == "call_constructed"}
    for name, path in sets:
        starts, ends, disorder, words_count = [], [], 0, 0
        for line in (line for line in heard_in(path).values() if line["path"] in rows):
            row = rows[line["path"]]
            for channel in range(row["channels"]):
                words = words_on(line, channel)
                words_count += len(words)
                disorder += sum(word["end_ms"] <= word["start_ms"] for word in words)
                disorder += sum(word["end_ms"] > after["start_ms"] for word, after in zip(words, words[1:]))
                for turn in (turn for turn in row["turns"] if turn["channel"] == channel):
                    start, end = 1000 * turn["start"], 1000 * turn["end"]
                    middle = lambda word: (word["start_ms"] + word["end_ms"]) / 2
                    own = [w for w in words if start - NEAR_MS < middle(w) < end + NEAR_MS]
                    if own:
                        starts.append(abs(own[0]["start_ms"] - start))
                        ends.append(abs(own[-1]["end_ms"] - end))
        within = lambda errors, share: f"{sorted(errors)[int(len(errors) * share)]:.0f}"
        figures = [within(errors, share) for errors in (starts, ends) for share in (0.5, 0.95)]
        print(f"| {name} | {len(starts)} | " + " | ".join(figures) + f" | {disorder} of {words_count} |")


def text_on(line, channel, with_suppressed):
    """What a transcript without or with the suppressed text says on one channel, or on all."""
    spans = [span for span in line["spans"] if channel is None or span["channel"] == channel]
    pieces = []
    for segment in (segment for span in spans for segment in span["segments"]):
        pieces.append((segment["start_ms"], " ".join(word["text"] for word in segment["words"])))
    if with_suppressed:
        pieces += [(text["start_ms"], text["text"]) for span in spans for text in span["suppressed"]]
    return " ".join(text for _, text in sorted(pieces))


def suppression(folder, sets):
    rows = [row for row in rows_of(folder) if row.get("reference") is not None or row["kind"] == "nonspeech"]
    for name, path in sets:
        heard = heard_in(path)
        told = collections.defaultdict(lambda: {True: collections.Counter(), False: collections.Counter()})
        for row in (row for row in rows if row["path"] in heard and row["kind"] != "hostile"):
            normal = normaliser(row["language"])
            for channel, reference in references({**row, "reference": row["reference"] or ""}):
                wanted = normal(reference)
                for with_suppressed, counts in told[row["kind"]].items():
                    text = normal(text_on(heard[row["path"]], channel, with_suppressed))
                    counts["written"] += len(text.split())
                    counts["said"] += len(wanted.split())
                    if wanted:
                        found = jiwer.process_words(wanted, text)
                        counts["missing"] += found.deletions
                        counts["wrong"] += found.substitutions + found.deletions + found.insertions
        print(f"\n| {name} | words said | missing: nothing suppressed | as written | more by | WER: nothing suppressed | as written |")
        print("|---|" + "---:|" * 6)
        for kind, counts in sorted(told.items()):
            whole, kept = counts[True], counts[False]
            if not kept["said"]:
                print(f"| {kind} | 0 | {whole['written']} words written | {kept['written']} words | | | |")
                continue
            percent = lambda count: f"{100 * count / kept['said']:.2f}"
            cells = [percent(c) for c in (whole["missing"], kept["missing"], kept["missing"] - whole["missing"])]
            cells += [percent(c) for c in (whole["wrong"], kept["wrong"])]
            print(f"| {kind} | {kept['said']} | " + " | ".join(cells) + " |")


def named_path(text):
    name, _, path = text.partition("=")
    if not path:
        raise argparse.ArgumentTypeError("expected NAME=FILE")
    return name, Path(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run in (confidence, languages, times, suppression):
        command = commands.add_parser(run.__name__)
        command.add_argument("set", type=Path)
        command.add_argument("heard", nargs="+", type=named_path)
        command.set_defaults(run=run)
    options = parser.parse_args()
    options.run(options.set, options.heard)


if __name__ == "__main__":
    main()
