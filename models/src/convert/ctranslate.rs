//! Reads a CTranslate2 model file, binary version 6. In: its bytes. Out: 16-bit variables by name, borrowed. Fails:
//! [`WeightsFault`] with the byte. Source: CTranslate2's `model_spec.py`.

use std::collections::HashMap;

use super::WeightsFault;

const VERSION: u32 = 6;
/// CTranslate2's number for 16-bit floats.
const FLOAT16: u8 = 4;

/// Raw little-endian 16-bit floats by variable name.
pub(super) struct Variables<'a> {
    by_name: HashMap<&'a str, &'a [u8]>,
}

impl<'a> Variables<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WeightsFault> {
        let mut cursor = Cursor { bytes, at: 0 };
        let found = cursor.u32("header")?;
        if found != VERSION {
            return Err(WeightsFault::Version { found });
        }
        cursor.name("header")?;
        let _revision = cursor.u32("header")?;
        let count = cursor.u32("header")?;
        let mut by_name = HashMap::new();
        for _ in 0..count {
            let name = cursor.name("variables")?;
            let [rank] = cursor.array("variables")?;
            // The layout of each tensor is known from the model: sizes are checked where it is used.
            cursor.take(4 * usize::from(rank), "variables")?;
            let [kind] = cursor.array("variables")?;
            let size = cursor.u32("variables")?;
            let data = cursor.take(usize::try_from(size).unwrap_or(usize::MAX), "variables")?;
            if kind == FLOAT16 {
                by_name.insert(name, data);
            }
        }
        Ok(Self { by_name })
    }

    pub(super) fn get(&self, name: &str) -> Result<&'a [u8], WeightsFault> {
        let known = self.by_name.get(name).copied();
        known.ok_or_else(|| WeightsFault::Missing {
            name: name.to_owned(),
        })
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize, part: &'static str) -> Result<&'a [u8], WeightsFault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((taken, _)) = rest.split_at_checked(count) else {
            let at_byte = self.bytes.len();
            return Err(WeightsFault::Truncated { part, at_byte });
        };
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], WeightsFault> {
        let taken = self.take(N, part)?;
        Ok(taken.try_into().expect("take gives what was asked for"))
    }

    fn u32(&mut self, part: &'static str) -> Result<u32, WeightsFault> {
        Ok(u32::from_le_bytes(self.array(part)?))
    }

    /// A length of 16 bits, then text that ends in NUL.
    fn name(&mut self, part: &'static str) -> Result<&'a str, WeightsFault> {
        let length = u16::from_le_bytes(self.array(part)?);
        let at_byte = self.at;
        let text = self.take(usize::from(length), part)?;
        let text = std::str::from_utf8(text).map_err(|_| WeightsFault::Name { at_byte })?;
        Ok(text.trim_end_matches('\0'))
    }
}
