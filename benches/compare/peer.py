"""The peer: faster-whisper at its fastest on a CPU (int8, its voice activity detection, batches of 8).

usage: peer.py MODEL_DIR THREADS < {"path", "channels", "language"} lines > {"path", "channels": [text]} lines

Each channel of a recording is transcribed by itself, as a call's speakers are. The recording is decoded by faster-whisper;
one that it cannot decode is named on standard error and left out.
"""

import json
import sys

import av
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.audio import decode_audio

model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=int(sys.argv[2]))
pipeline = BatchedInferencePipeline(model)
for line in sys.stdin:
    call = json.loads(line)
    try:
        sound = decode_audio(call["path"], split_stereo=call["channels"] == 2)
    except (av.FFmpegError, IndexError) as error:
        print(f"{call['path']}: {error}", file=sys.stderr)
        continue
    texts = []
    for channel in sound if call["channels"] == 2 else [sound]:
        segments, _ = pipeline.transcribe(channel, language=call["language"], beam_size=1, batch_size=8)
        texts.append(" ".join(segment.text.strip() for segment in segments))
    print(json.dumps({"path": call["path"], "channels": texts}), flush=True)
