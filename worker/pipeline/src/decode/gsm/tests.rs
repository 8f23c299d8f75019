use super::{Decoder, FRAME_SAMPLES, Packing};

#[test]
fn whole_frames_only() {
    assert_eq!(Decoder::new(Packing::Frames33).decode(&[0xd0; 32]), None);
    assert_eq!(Decoder::new(Packing::Pairs65).decode(&[0; 64]), None);
}

#[test]
fn a_frame_without_its_signature_is_damaged() {
    assert_eq!(Decoder::new(Packing::Frames33).decode(&[0; 33]), None);
}

#[test]
fn both_packings_hold_as_many_samples_as_frames() {
    let mut bytes = [0; 66];
    (bytes[0], bytes[33]) = (0xd0, 0xd0);
    let samples = Decoder::new(Packing::Frames33).decode(&bytes).unwrap();
    assert_eq!(samples.len(), 2 * FRAME_SAMPLES);
    let samples = Decoder::new(Packing::Pairs65).decode(&[0; 130]).unwrap();
    assert_eq!(samples.len(), 4 * FRAME_SAMPLES);
}

#[test]
fn any_bits_decode_without_overflow() {
    let mut state = 1u32;
    let mut decoder = Decoder::new(Packing::Pairs65);
    for _ in 0..2_000 {
        let block: [u8; 65] = std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        assert_eq!(decoder.decode(&block).unwrap().len(), 2 * FRAME_SAMPLES);
    }
}
