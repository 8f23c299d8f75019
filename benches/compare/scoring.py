"""What was said and what was heard: the references of a set of recordings, and the words of a hypothesis beside them.

In: rows of a manifest.jsonl (path, kind, language, channels, reference, turns) and lines that `transcribe_set` wrote. Both
sides go through Whisper's own English normaliser, other languages through its basic one; a language without blanks between
words is scored by characters.
"""

import difflib
import json

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

ENGLISH, BASIC = EnglishTextNormalizer(), BasicTextNormalizer(remove_diacritics=True)
CHARACTERS = BasicTextNormalizer(remove_diacritics=True, split_letters=True)
WITHOUT_BLANKS = ("ja", "zh", "yue", "th", "lo", "my")


def rows_of(folder):
    with open(folder / "manifest.jsonl", encoding="utf-8") as manifest:
        return [json.loads(line) for line in manifest]


def heard_in(path):
    """What `transcribe_set` wrote, by recording."""
    with open(path, encoding="utf-8") as lines:
        return {line["path"]: line for line in map(json.loads, lines)}


def normaliser(language):
    if language in WITHOUT_BLANKS:
        return CHARACTERS
    return ENGLISH if language in ("en", None) else BASIC


def references(row):
    """(channel, text) of each channel, where the reference tells them apart; otherwise (None, text) for all."""
    turns, channels = row.get("turns") or [], row.get("channels") or 1
    if channels > 1 and turns and all("channel" in turn for turn in turns):
        return [(c, " ".join(t["text"] for t in turns if t["channel"] == c)) for c in range(channels)]
    return [(None, row["reference"])]


def whole(channels, normal):
    """The text of a recording whose reference does not tell channels apart: what two channels both say was said once."""
    return " ".join({normal(text): text for text in channels}.values())


def words_on(line, channel):
    """The words of one channel, or of all, with times and confidences."""
    spans = [span for span in line["spans"] if channel is None or span["channel"] == channel]
    return [word for span in spans for segment in span["segments"] for word in segment["words"]]


def errors(reference, hypothesis):
    """(errors, words of the reference) of two normalised texts."""
    if not reference:
        return len(hypothesis.split()), 0
    result = jiwer.process_words(reference, hypothesis)
    return result.substitutions + result.deletions + result.insertions, len(reference.split())


def errors_by(group_of, rows, texts):
    """(errors, words) by group. `texts` has those of each channel, by recording; what it lacks was not heard."""
    totals = {}
    for row in rows:
        normal, channels = normaliser(row["language"]), texts.get(row["path"], [])
        for channel, reference in references(row):
            text = whole(channels, normal) if channel is None else "".join(channels[channel : channel + 1])
            wrong, words = errors(normal(reference), normal(text))
            so_far = totals.get(group_of(row), (0, 0))
            totals[group_of(row)] = (so_far[0] + wrong, so_far[1] + words)
    return totals


def judged(words, reference, normal):
    """(word, whether it is right) for each word of a hypothesis that the normaliser leaves anything of.

    A text is normalised as a whole, since "twenty five" becomes "25": words that do so together are right together.
    """
    whole, wanted = normal(" ".join(word["text"] for word in words)).split(), normal(reference).split()
    right = [False] * len(whole)
    if whole and wanted:
        for chunk in jiwer.process_words(" ".join(wanted), " ".join(whole)).alignments[0]:
            if chunk.type == "equal":
                right[chunk.hyp_start_idx : chunk.hyp_end_idx] = [True] * (chunk.hyp_end_idx - chunk.hyp_start_idx)
    alone = [(token, at) for at, word in enumerate(words) for token in normal(word["text"]).split()]
    verdicts = [[] for _ in words]
    matcher = difflib.SequenceMatcher(None, [token for token, _ in alone], whole, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        for offset in range(end - start):
            same = slice(first + offset, first + offset + 1) if kind == "equal" else slice(first, last)
            verdicts[alone[start + offset][1]].extend(right[same])
    return [(word, all(verdict)) for word, verdict in zip(words, verdicts) if verdict]
