//! The parameters of a frame, out of its bits: eight log area ratios, then four subframes. In: 33 bytes, the highest bit first,
//! or 65 bytes for two frames, the lowest bit first. Out: `None` for another number of bytes or a missing signature.

/// Bits of each log area ratio.
const AREA_RATIO_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];
/// The first four bits of a frame of 33 bytes.
const SIGNATURE: u8 = 0xd;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Frame {
    pub(super) area_ratios: [u8; 8],
    pub(super) subframes: [Subframe; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Subframe {
    pub(super) lag: u8,
    pub(super) gain: u8,
    pub(super) grid: u8,
    pub(super) block_maximum: u8,
    pub(super) pulses: [u8; 13],
}

pub(super) fn frame_of_33(bytes: &[u8]) -> Option<Frame> {
    let bytes: &[u8; 33] = bytes.try_into().ok()?;
    let mut at = 0u32;
    let mut take = |bits: u32| {
        let mut value = 0;
        for _ in 0..bits {
            let byte = bytes[(at / 8) as usize];
            value = value << 1 | (byte >> (7 - at % 8) & 1);
            at += 1;
        }
        value
    };
    (take(4) == SIGNATURE).then(|| frame(&mut take))
}

pub(super) fn pair_of_65(bytes: &[u8]) -> Option<[Frame; 2]> {
    let bytes: &[u8; 65] = bytes.try_into().ok()?;
    let mut at = 0u32;
    let mut take = |bits: u32| {
        let mut value = 0;
        for bit in 0..bits {
            let byte = bytes[(at / 8) as usize];
            value |= (byte >> (at % 8) & 1) << bit;
            at += 1;
        }
        value
    };
    Some([frame(&mut take), frame(&mut take)])
}

/// 260 bits in the order of the recommendation's table 1.1.
fn frame(take: &mut impl FnMut(u32) -> u8) -> Frame {
    Frame {
        area_ratios: AREA_RATIO_BITS.map(&mut *take),
        subframes: [(); 4].map(|()| Subframe {
            lag: take(7),
            gain: take(2),
            grid: take(2),
            block_maximum: take(6),
            pulses: [3; 13].map(&mut *take),
        }),
    }
}
