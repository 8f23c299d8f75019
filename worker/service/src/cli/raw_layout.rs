//! `--raw`: the layout of headerless recordings. In: `CODEC:RATE:CHANNELS`. Out: what a job says of it. Fails with what
//! was expected.

use job_schema::job::{RawAudio, RawCodec};

pub(super) fn parse(text: &str) -> Result<RawAudio, String> {
    let mut parts = text.split(':');
    let codec = match parts.next() {
        Some("mulaw" | "ulaw") => RawCodec::Mulaw,
        Some("alaw") => RawCodec::Alaw,
        Some("pcm_s16le") => RawCodec::PcmS16le,
        Some("g722") => RawCodec::G722,
        Some("gsm") => RawCodec::Gsm,
        _ => {
            return Err(
                "expected mulaw, alaw, pcm_s16le, g722 or gsm before the first colon".into(),
            );
        }
    };
    let number = |part: Option<&str>, default: u32| {
        part.map_or(Ok(default), |p| {
            p.parse().map_err(|_| format!("`{p}` is not a number"))
        })
    };
    let sample_rate_hz = number(parts.next(), 8_000)?;
    let channels = u8::try_from(number(parts.next(), 1)?).map_err(|_| "at most 8 channels")?;
    match parts.next() {
        None if (1..=8).contains(&channels) && (4_000..=384_000).contains(&sample_rate_hz) => {
            Ok(RawAudio {
                codec,
                sample_rate_hz,
                channels,
            })
        }
        _ => Err("expected CODEC:RATE:CHANNELS with 4000 to 384000 Hz and 1 to 8 channels".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_layout_is_codec_rate_and_channels() {
        let raw = |codec, sample_rate_hz, channels| {
            Ok(RawAudio {
                codec,
                sample_rate_hz,
                channels,
            })
        };
        assert_eq!(parse("mulaw"), raw(RawCodec::Mulaw, 8000, 1));
        assert_eq!(
            parse("pcm_s16le:16000:2"),
            raw(RawCodec::PcmS16le, 16000, 2)
        );
        for bad in [
            "",
            "mp3",
            "mulaw:1:1",
            "mulaw:8000:9",
            "mulaw:8000:1:x",
            "alaw:x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
