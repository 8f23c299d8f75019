#!/usr/bin/env bash
# make.sh: write the encoded fixtures of this folder again, from tones that ffmpeg makes. Needs ffmpeg 5 or later and sox.
# Every file lasts 0.6 s. Left or only channel: a tone of 600 Hz from 0.2 to 0.3 s. Right channel: from 0.4 to 0.5 s.
set -euo pipefail
cd "$(dirname "$0")"

burst() { echo "0.5*sin(2*PI*600*t)*between(t,$1,$2)"; }

make() { # make FILE RATE CHANNELS ffmpeg-options…
  local file=$1 rate=$2 channels=$3 expression
  shift 3
  expression=$(burst 0.2 0.3)
  if [ "$channels" = 2 ]; then expression="$expression|$(burst 0.4 0.5)"; fi
  ffmpeg -v error -y -f lavfi -i "aevalsrc=exprs='$expression':s=$rate:d=0.6" \
    -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$file"
}

# Two recordings of one channel as the tracks of one file.
make_tracks() { # make_tracks FILE RATE ffmpeg-options…
  local file=$1 rate=$2
  shift 2
  ffmpeg -v error -y -f lavfi -i "aevalsrc=exprs='$(burst 0.2 0.3)':s=$rate:d=0.6" \
    -f lavfi -i "aevalsrc=exprs='$(burst 0.4 0.5)':s=$rate:d=0.6" -map 0 -map 1 \
    -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$file"
}

make mp3_8k.mp3 8000 1 -c:a libmp3lame -b:a 16k
make mp3_44k.mp3 44100 2 -c:a libmp3lame -b:a 48k
make mp2_16k.mp2 16000 1 -c:a mp2 -b:a 32k
make aac.m4a 8000 1 -c:a aac -b:a 16k
make aac.aac 16000 2 -c:a aac -b:a 24k
make alac.m4a 8000 1 -c:a alac
make vorbis.ogg 8000 2 -c:a libvorbis -q:a 0
make opus.ogg 48000 2 -c:a libopus -b:a 24k
make opus.webm 48000 1 -c:a libopus -b:a 16k
make flac.flac 8000 2 -c:a flac -metadata_header_padding 0
make flac.ogg 8000 1 -c:a flac
make alaw.caf 8000 1 -c:a pcm_alaw
make mulaw.aifc 8000 1 -f aiff -c:a pcm_mulaw
make s16.aiff 8000 1 -c:a pcm_s16be
make mulaw.au 8000 1 -c:a pcm_mulaw
make ima.wav 8000 2 -c:a adpcm_ima_wav
make ms.wav 8000 2 -c:a adpcm_ms
make g722.wav 16000 1 -c:a adpcm_g722
make g722.g722 16000 1 -c:a adpcm_g722
make alaw.alaw 8000 1 -f alaw
make mulaw.ulaw 8000 1 -f mulaw
make s16.sln 8000 1 -f s16le
make mp3.wav 8000 1 -c:a libmp3lame -b:a 16k

make_tracks tracks.mka 48000 -c:a libopus -b:a 16k
make_tracks tracks.m4a 8000 -c:a aac -b:a 16k

# The participant was away from 0.4 to 2.2 s, and the container says so by its packets' times alone.
ffmpeg -v error -y -f lavfi -i "aevalsrc=exprs='$(burst 0.2 0.3)+$(burst 2.4 2.5)':s=48000:d=2.6" \
  -af "asetnsamples=960,aselect='lt(t,0.4)+gte(t,2.2)'" \
  -map_metadata -1 -fflags +bitexact -flags:a +bitexact -c:a libopus -b:a 16k hole.mka

make plain.wav 8000 1 -c:a pcm_s16le
sox plain.wav -e gsm-full-rate gsm.wav
sox plain.wav gsm.gsm
rm plain.wav
