//! Codec names as ffmpeg writes them, since those are the ones people search for. In: the library's ids. Cannot fail.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::*;

pub(super) fn of(id: AudioCodecId) -> &'static str {
    match id {
        CODEC_ID_AAC => "aac",
        CODEC_ID_AC3 => "ac3",
        CODEC_ID_AC4 => "ac4",
        CODEC_ID_ADPCM_G722 => "g722",
        CODEC_ID_ADPCM_G726 | CODEC_ID_ADPCM_G726LE => "g726",
        CODEC_ID_ADPCM_IMA_QT => "adpcm_ima_qt",
        CODEC_ID_ADPCM_IMA_WAV => "adpcm_ima_wav",
        CODEC_ID_ADPCM_MS => "adpcm_ms",
        CODEC_ID_ALAC => "alac",
        CODEC_ID_DCA => "dts",
        CODEC_ID_EAC3 => "eac3",
        CODEC_ID_FLAC => "flac",
        CODEC_ID_MONKEYS_AUDIO => "ape",
        CODEC_ID_MP1 => "mp1",
        CODEC_ID_MP2 => "mp2",
        CODEC_ID_MP3 => "mp3",
        CODEC_ID_MUSEPACK => "musepack",
        CODEC_ID_OPUS => "opus",
        CODEC_ID_PCM_ALAW => "pcm_alaw",
        CODEC_ID_PCM_F32BE => "pcm_f32be",
        CODEC_ID_PCM_F32LE => "pcm_f32le",
        CODEC_ID_PCM_F64BE => "pcm_f64be",
        CODEC_ID_PCM_F64LE => "pcm_f64le",
        CODEC_ID_PCM_MULAW => "pcm_mulaw",
        CODEC_ID_PCM_S16BE => "pcm_s16be",
        CODEC_ID_PCM_S16LE => "pcm_s16le",
        CODEC_ID_PCM_S24BE => "pcm_s24be",
        CODEC_ID_PCM_S24LE => "pcm_s24le",
        CODEC_ID_PCM_S32BE => "pcm_s32be",
        CODEC_ID_PCM_S32LE => "pcm_s32le",
        CODEC_ID_PCM_S8 => "pcm_s8",
        CODEC_ID_PCM_U8 => "pcm_u8",
        CODEC_ID_SPEEX => "speex",
        CODEC_ID_TRUEHD => "truehd",
        CODEC_ID_TTA => "tta",
        CODEC_ID_VORBIS => "vorbis",
        CODEC_ID_WAVPACK => "wavpack",
        CODEC_ID_WMA => "wma",
        _ => "unknown",
    }
}
