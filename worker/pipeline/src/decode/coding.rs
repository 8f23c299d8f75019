//! How samples are written down where a header tells it: names, and the library's ids for those that it decodes. Cannot fail.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known as id;

/// How one sample, or one block of samples, is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    U8,
    S8,
    S16Le,
    S16Be,
    S24Le,
    S24Be,
    S32Le,
    S32Be,
    F32Le,
    F32Be,
    F64Le,
    F64Be,
    Alaw,
    Mulaw,
    AdpcmIma,
    AdpcmImaQt,
    AdpcmMs,
    G722,
    /// Frames of 33 bytes.
    Gsm,
    /// Pairs of frames in 65 bytes, as WAV has them.
    GsmMs,
}

impl Coding {
    /// The names that ffmpeg uses, since those are the ones people search for.
    pub(super) fn name(self) -> &'static str {
        match self {
            Coding::U8 => "pcm_u8",
            Coding::S8 => "pcm_s8",
            Coding::S16Le => "pcm_s16le",
            Coding::S16Be => "pcm_s16be",
            Coding::S24Le => "pcm_s24le",
            Coding::S24Be => "pcm_s24be",
            Coding::S32Le => "pcm_s32le",
            Coding::S32Be => "pcm_s32be",
            Coding::F32Le => "pcm_f32le",
            Coding::F32Be => "pcm_f32be",
            Coding::F64Le => "pcm_f64le",
            Coding::F64Be => "pcm_f64be",
            Coding::Alaw => "pcm_alaw",
            Coding::Mulaw => "pcm_mulaw",
            Coding::AdpcmIma => "adpcm_ima_wav",
            Coding::AdpcmImaQt => "adpcm_ima_qt",
            Coding::AdpcmMs => "adpcm_ms",
            Coding::G722 => "g722",
            Coding::Gsm => "gsm",
            Coding::GsmMs => "gsm_ms",
        }
    }

    /// `None` where the decoder is not the library's.
    pub(super) fn library_id(self) -> Option<AudioCodecId> {
        Some(match self {
            Coding::U8 => id::CODEC_ID_PCM_U8,
            Coding::S8 => id::CODEC_ID_PCM_S8,
            Coding::S16Le => id::CODEC_ID_PCM_S16LE,
            Coding::S16Be => id::CODEC_ID_PCM_S16BE,
            Coding::S24Le => id::CODEC_ID_PCM_S24LE,
            Coding::S24Be => id::CODEC_ID_PCM_S24BE,
            Coding::S32Le => id::CODEC_ID_PCM_S32LE,
            Coding::S32Be => id::CODEC_ID_PCM_S32BE,
            Coding::F32Le => id::CODEC_ID_PCM_F32LE,
            Coding::F32Be => id::CODEC_ID_PCM_F32BE,
            Coding::F64Le => id::CODEC_ID_PCM_F64LE,
            Coding::F64Be => id::CODEC_ID_PCM_F64BE,
            Coding::Alaw => id::CODEC_ID_PCM_ALAW,
            Coding::Mulaw => id::CODEC_ID_PCM_MULAW,
            Coding::AdpcmIma => id::CODEC_ID_ADPCM_IMA_WAV,
            Coding::AdpcmImaQt => id::CODEC_ID_ADPCM_IMA_QT,
            Coding::AdpcmMs => id::CODEC_ID_ADPCM_MS,
            Coding::G722 | Coding::Gsm | Coding::GsmMs => return None,
        })
    }
}
