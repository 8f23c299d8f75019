//! Identifiers, checked when they are made: an id that exists is safe in an object key, a header and a log line.
//! In: strings from outside. Out: newtypes. Fails: [`InvalidId`], which says what was wrong without repeating the value.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Longest object key that S3 accepts.
pub const MAX_KEY_BYTES: usize = 1024;
/// Tenants, calls and rule sets are path segments of keys, so they stay well below [`MAX_KEY_BYTES`].
pub const MAX_NAME_BYTES: usize = 128;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("is empty")]
    Empty,
    #[error("is {bytes} bytes long, the limit is {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("contains U+{code:04X} at byte {at}; allowed are {allowed}")]
    Character {
        code: u32,
        at: usize,
        allowed: &'static str,
    },
    #[error("contains the path segment `{0}`")]
    Segment(&'static str),
    #[error("is not {0}")]
    Shape(&'static str),
}

macro_rules! string_id {
    ($(#[doc = $doc:literal])+ $name:ident, $check:path, $pattern:expr, $max:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                $check(&value)?;
                Ok(Self(value))
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::try_from(value.to_owned())
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": concat!($($doc),+).trim(),
                    "minLength": 1,
                    "maxLength": $max,
                    "pattern": $pattern,
                })
            }
        }
    };
}

string_id!(
    /// A customer account. Its name is the first segment of every key that belongs to it.
    TenantId, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// One phone call of a tenant, as the telephony side names it.
    CallId, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// A rule set's name; together with a version it never changes meaning.
    RuleSetId, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// A person who reviews calls, by an id of the portal's that says no name.
    ReviewerId, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// Names one of the fleet's signing keys.
    KeyId, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// A name that is used once: a UUID, or as many random characters.
    Nonce, check_name, NAME_PATTERN, MAX_NAME_BYTES
);
string_id!(
    /// An object's key: relative, no `.` or `..` segment, no control character, no backslash.
    ObjectKey, check_key, KEY_PATTERN, MAX_KEY_BYTES
);
string_id!(
    /// A SHA-256 digest in lower-case hexadecimal.
    Sha256, check_sha256, "^[0-9a-f]{64}$", 64
);

const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";
/// First that no segment is empty, `.` or `..`; then that no character is a control character or a backslash.
const KEY_PATTERN: &str = r"^(?!(?:.*/)?\.{0,2}(?:/|$))[^\\\u0000-\u001f\u007f-\u009f]+$";

impl ObjectKey {
    /// Whether the key lies under `tenant/`. Compared byte by byte: no decoding, no case folding, no normalisation.
    pub fn belongs_to(&self, tenant: &TenantId) -> bool {
        self.0
            .strip_prefix(tenant.as_str())
            .is_some_and(|rest| rest.starts_with('/') && rest.len() > 1)
    }
}

fn check_name(value: &str) -> Result<(), InvalidId> {
    const ALLOWED: &str = "ASCII letters, digits, `.`, `_` and `-`, the first a letter or digit";
    check_length(value, MAX_NAME_BYTES)?;
    for (at, c) in value.char_indices() {
        let fits = c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '.' | '_' | '-'));
        if !fits {
            return Err(InvalidId::Character {
                code: c as u32,
                at,
                allowed: ALLOWED,
            });
        }
    }
    Ok(())
}

fn check_key(value: &str) -> Result<(), InvalidId> {
    const ALLOWED: &str = "printable characters except backslash";
    check_length(value, MAX_KEY_BYTES)?;
    for (at, c) in value.char_indices() {
        if c.is_control() || c == '\\' {
            return Err(InvalidId::Character {
                code: c as u32,
                at,
                allowed: ALLOWED,
            });
        }
    }
    for segment in value.split('/') {
        match segment {
            "" => return Err(InvalidId::Segment("")),
            "." => return Err(InvalidId::Segment(".")),
            ".." => return Err(InvalidId::Segment("..")),
            _ => {}
        }
    }
    Ok(())
}

fn check_sha256(value: &str) -> Result<(), InvalidId> {
    let hex = value.len() == 64
        && value
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hex {
        Ok(())
    } else {
        Err(InvalidId::Shape("64 lower-case hexadecimal digits"))
    }
}

fn check_length(value: &str, limit: usize) -> Result<(), InvalidId> {
    match value.len() {
        0 => Err(InvalidId::Empty),
        bytes if bytes > limit => Err(InvalidId::TooLong { bytes, limit }),
        _ => Ok(()),
    }
}

/// A job's identity, by which its status and events name it. Version 7, so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl JobId {
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = InvalidId;
    /// Only the hyphenated form: an id that is written in two ways is two ids to every log search.
    fn from_str(value: &str) -> Result<Self, InvalidId> {
        Hyphenated::from_str(value)
            .map(|id| Self(id.into_uuid()))
            .map_err(|_| InvalidId::Shape("a UUID of 36 characters"))
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_could_leave_their_tenant_are_refused() {
        let refused = [
            "", "/a", "a//b", "a/../b", "..", "a/.", "a\\b", "a\0b", "a\r\nb", "a/b/", "a\u{7f}",
            "a\u{85}b",
        ];
        for key in refused {
            assert!(ObjectKey::from_str(key).is_err(), "accepted {key:?}");
        }
        for key in [
            "acme/2026/11/call 1.wav",
            "acme/ü/😀.mp3",
            "acme/%2e%2e/x",
            "a/..b/c",
        ] {
            assert!(ObjectKey::from_str(key).is_ok(), "refused {key:?}");
        }
        assert!(ObjectKey::from_str(&"k".repeat(MAX_KEY_BYTES + 1)).is_err());
    }

    #[test]
    fn a_key_belongs_to_the_tenant_that_is_its_whole_first_segment() {
        let acme: TenantId = "acme".parse().unwrap();
        let key = |k: &str| k.parse::<ObjectKey>().unwrap();
        assert!(key("acme/a.wav").belongs_to(&acme));
        for other in ["acme2/a.wav", "Acme/a.wav", "b/acme/a.wav", "acme"] {
            assert!(!key(other).belongs_to(&acme), "{other}");
        }
    }

    #[test]
    fn names_are_plain_path_segments() {
        for name in ["acme", "A-1_b.c", "0"] {
            assert!(TenantId::from_str(name).is_ok(), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".a",
            "-a",
            "a/b",
            "a b",
            "ä",
            "a\n",
            &"n".repeat(129),
        ] {
            assert!(TenantId::from_str(name).is_err(), "{name:?}");
        }
    }
}
