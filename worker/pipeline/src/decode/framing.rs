//! Frames of MPEG audio and ADTS. In: bytes that begin like one. Out: whether another one of the same stream begins where it ends.
//! Cannot fail. The sign of such a frame is eleven or twelve set bits, and a quiet line in µ-law or 16 bits begins so too.
//! Source: ISO/IEC 11172-3 2.4.2.3 and 13818-3 for MPEG, 13818-7 6.2 for ADTS.

/// Thousands of bits a second of MPEG-1's layers, then of the lower rates'; index 0 is a free rate.
const KBPS: [[u32; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const MPEG_1_HZ: [u32; 3] = [44_100, 48_000, 32_000];
/// Set bits, version, layer and sample rate: what all frames of a stream share.
const MPEG_SHARED: u32 = 0xfffe_0c00;
/// Set bits, version, layer, profile, sample rate and channels.
const ADTS_SHARED: u32 = 0xfff6_fdc0;
/// Without a checksum.
const ADTS_HEADER_BYTES: usize = 7;

pub(super) fn mpeg_goes_on(head: &[u8]) -> bool {
    let length = word(head, 0).and_then(mpeg_bytes);
    length.is_some_and(|length| is_shared(head, length, MPEG_SHARED))
}

pub(super) fn adts_goes_on(head: &[u8]) -> bool {
    adts_bytes(head).is_some_and(|length| is_shared(head, length, ADTS_SHARED))
}

fn is_shared(head: &[u8], at: usize, bits: u32) -> bool {
    match (word(head, 0), word(head, at)) {
        (Some(first), Some(next)) => first & bits == next & bits,
        _ => false,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// `None` for headers that no encoder writes, and for free rates, whose length is not told.
fn mpeg_bytes(header: u32) -> Option<usize> {
    let field = |shift: u32, bits: u32| (header >> shift & ((1 << bits) - 1)) as usize;
    let (version, layer) = (field(19, 2), field(17, 2));
    let is_first = version == 3;
    let table = match (is_first, layer) {
        (_, 0) => return None,
        (true, layer) => 3 - layer,
        (false, 3) => 3,
        (false, _) => 4,
    };
    let bits_per_second = 1_000 * KBPS[table].get(field(12, 4)).filter(|rate| **rate > 0)?;
    let slower = match version {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let rate_hz = MPEG_1_HZ.get(field(10, 2))? / slower;
    let padding = u32::from(field(9, 1) > 0);
    let bytes = match layer {
        3 => (12 * bits_per_second / rate_hz + padding) * 4,
        1 if !is_first => 72 * bits_per_second / rate_hz + padding,
        _ => 144 * bits_per_second / rate_hz + padding,
    };
    Some(bytes as usize)
}

fn adts_bytes(head: &[u8]) -> Option<usize> {
    let length = word(head, 3)? >> 13 & 0x1fff;
    Some(length as usize).filter(|length| *length > ADTS_HEADER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_long_as_their_headers_say() {
        for (header, bytes) in [
            // MPEG-1: layer 3 of 128 kbit/s at 44.1 kHz, the same padded, layer 2 of 192 at 48, layer 1 of 160 at 44.1.
            (0xfffb_9064, Some(417)),
            (0xfffb_9264, Some(418)),
            (0xfffd_a400, Some(576)),
            (0xffff_5000, Some(172)),
            // MPEG-2 and 2.5: layer 3 of 16 kbit/s at 16 and at 8 kHz, layer 2 of 32 at 16.
            (0xfff3_28c4, Some(72)),
            (0xffe3_28c4, Some(144)),
            (0xfff5_48c4, Some(288)),
            // A rate of its own, a rate that there is not, a version and a layer that there are not.
            (0xfffb_0064, None),
            (0xfffb_f064, None),
            (0xffeb_9064, None),
            (0xfff9_9064, None),
        ] {
            assert_eq!(mpeg_bytes(header), bytes, "{header:x}");
        }
    }

    #[test]
    fn a_quiet_line_is_no_stream() {
        let mulaw = [0xff, 0xfe, 0x7e, 0xff].repeat(1_000);
        let words = [0xff, 0xff, 0x00, 0x00, 0x01, 0x00].repeat(600);
        for line in [mulaw, words, vec![0xff, 0xf1, 0x7e]] {
            assert!(!mpeg_goes_on(&line) && !adts_goes_on(&line));
        }
    }
}
