//! The recommendation's 16-bit operations (4.1): every result saturates, products are rounded to 15 bits.

use std::cmp::Ordering;

pub(super) fn add(a: i16, b: i16) -> i16 {
    a.saturating_add(b)
}

pub(super) fn sub(a: i16, b: i16) -> i16 {
    a.saturating_sub(b)
}

/// a × b with both as fractions of 32768, rounded.
pub(super) fn mult_r(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 16_384) >> 15;
    // Only −1 × −1 leaves the range.
    i16::try_from(product).unwrap_or(match product.cmp(&0) {
        Ordering::Less => i16::MIN,
        _ => i16::MAX,
    })
}
