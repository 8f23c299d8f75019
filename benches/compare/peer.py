"""The peer: faster-whisper on a CPU, with int8, its voice activity detection and batches of 8.

usage: peer.py MODEL_DIR THREADS [--at-once N] < {"path", "channels", "language"} lines > {"path", "channels": [text]} lines

Each channel of a recording is transcribed by itself, as a call's speakers are. So many recordings as --at-once says are
worked on at the same time, by one model that has as many workers and shares THREADS out among them. Lines are written in
the order they were asked for. The recording is decoded by faster-whisper; one that it cannot decode is named on standard
error and left out.
"""

import argparse
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import av
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.audio import decode_audio


class Peer:
    def __init__(self, options):
        threads = max(1, options.threads // options.at_once)
        # "When transcribe() is called from multiple Python threads, having multiple workers enables true parallelism."
        self.model = WhisperModel(
            options.model_dir, device="cpu", compute_type="int8", cpu_threads=threads, num_workers=options.at_once
        )
        self.own = threading.local()

    def pipeline(self):
        """One for each thread over the same model, since a pipeline remembers where it last heard speech."""
        if not hasattr(self.own, "pipeline"):
            self.own.pipeline = BatchedInferencePipeline(self.model)
        return self.own.pipeline

    def transcribe(self, call):
        """The texts by channel, or why there are none."""
        try:
            sound = decode_audio(call["path"], split_stereo=call["channels"] == 2)
        except (av.FFmpegError, IndexError) as error:
            return None, error
        texts = []
        for channel in sound if call["channels"] == 2 else [sound]:
            segments, _ = self.pipeline().transcribe(channel, language=call["language"], beam_size=1, batch_size=8)
            texts.append(" ".join(segment.text.strip() for segment in segments))
        return texts, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir")
    parser.add_argument("threads", type=int)
    parser.add_argument("--at-once", type=int, default=1)
    options = parser.parse_args()
    peer, calls = Peer(options), list(map(json.loads, sys.stdin))
    with ThreadPoolExecutor(options.at_once) as workers:
        for call, (texts, error) in zip(calls, workers.map(peer.transcribe, calls)):
            if error:
                print(f"{call['path']}: {error}", file=sys.stderr)
            else:
                print(json.dumps({"path": call["path"], "channels": texts}), flush=True)


if __name__ == "__main__":
    main()
