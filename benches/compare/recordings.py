"""Long recordings made of short calls. In: the two-channel constructed calls of a set. Out: two-channel WAV files, mu-law
at 8 kHz, of any length: calls one after the other in a seeded order, with pauses, each order followed by another. Shorter
ones are the beginning of longer ones. A file is named by the set's manifest and the seed, so that another set or seed has
another file. Fails where a set has no such calls.
"""

import hashlib
import random
import struct
from pathlib import Path

import numpy as np
from faster_whisper.audio import decode_audio

from scoring import rows_of

RATE_HZ = 8_000
PAUSE_S = (1.0, 4.0)
MULAW = 7


def two_channel_calls(folder):
    rows = [row for row in rows_of(folder) if row["kind"] == "call_constructed" and row["channels"] == 2]
    if not rows:
        raise SystemExit(f"no constructed calls of two channels in {folder}")
    return rows


def legs_of(path, rate_hz):
    """The two channels of a call as rows of f32, of one length."""
    left, right = decode_audio(str(path), sampling_rate=rate_hz, split_stereo=True)
    length = min(len(left), len(right))
    return np.stack([left[:length], right[:length]])


def mulaw(samples):
    """ITU-T G.711, from f32 in -1..1."""
    bias, clip = 0x84, 32_635
    pcm = np.clip(samples * 32_768, -clip, clip).astype(np.int32)
    magnitude = np.abs(pcm) + bias
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)


def long_recording(folder, into, minutes, seed=1):
    """The path of a recording of so many minutes, which is written if it is not there yet."""
    made_from = hashlib.sha256((folder / "manifest.jsonl").read_bytes() + f"seed {seed}".encode())
    path = into / f"{minutes}min-{made_from.hexdigest()[:12]}.wav"
    if not path.exists():
        write_long(folder, path, 60 * minutes, seed)
    return path


def write_long(folder, path, seconds, seed):
    chance, rows, calls = random.Random(seed), two_channel_calls(folder), {}
    left = RATE_HZ * seconds
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb") as out:
        out.write(header(2 * left))
        while left:
            for row in chance.sample(rows, len(rows)):
                if row["path"] not in calls:
                    calls[row["path"]] = mulaw(legs_of(folder / row["path"], RATE_HZ).T)
                pause = np.full((round(RATE_HZ * chance.uniform(*PAUSE_S)), 2), 0xFF, np.uint8)
                frames = np.concatenate([calls[row["path"]], pause])[:left]
                out.write(frames.tobytes())
                left -= len(frames)
    unfinished.rename(path)


def header(data_bytes):
    chunk = struct.pack("<HHIIHHH", MULAW, 2, RATE_HZ, 2 * RATE_HZ, 2, 8, 0)
    body = b"WAVEfmt " + struct.pack("<I", len(chunk)) + chunk + b"data" + struct.pack("<I", data_bytes)
    return b"RIFF" + struct.pack("<I", len(body) + data_bytes) + body


def write_silence(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    silence = b"\xff" * (2 * RATE_HZ * seconds)
    Path(path).write_bytes(header(len(silence)) + silence)
