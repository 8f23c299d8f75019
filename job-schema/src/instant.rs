//! Instants in what others send us. In: text. Out: a timestamp. Fails: anything but RFC 3339 with date, time, seconds and
//! offset; jiff alone would take more forms than the schema's `date-time`, and its message would repeat the text.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};

use crate::ids::InvalidId;

const SHAPE: &[u8] = b"0000-00-00T00:00:00";

pub(crate) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse(&text))
        .transpose()
        .map_err(de::Error::custom)
}

fn parse(text: &str) -> Result<Timestamp, InvalidId> {
    const EXPECTED: InvalidId = InvalidId::Shape("an instant like 2026-11-24T10:00:00Z");
    if !is_rfc3339(text.as_bytes()) {
        return Err(EXPECTED);
    }
    text.parse().map_err(|_| EXPECTED)
}

fn is_rfc3339(text: &[u8]) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(SHAPE.len()) else {
        return false;
    };
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    let offset_fits = match offset {
        b"Z" => true,
        [b'+' | b'-', clock @ ..] => has_shape(clock, b"00:00"),
        _ => false,
    };
    offset_fits && has_shape(date_time, SHAPE)
}

/// Each 0 of the shape stands for a digit, everything else for itself.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_date_time_seconds_and_offset() {
        for text in [
            "2026-11-24T10:00:00Z",
            "2026-11-24T10:00:00.123456789Z",
            "2026-11-24T12:00:00+02:00",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-11-24",
            "2026-11-24T10:00Z",
            "2026-11-24T10:00:00",
            "2026-11-24 10:00:00Z",
            "2026-11-24T10:00:00.Z",
            "2026-11-24T10:00:00+0200",
            "2026-11-24T10:00:00Z[UTC]",
            "2026-13-24T10:00:00Z",
            "20261124T100000Z",
            "２026-11-24T10:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
