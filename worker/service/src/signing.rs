//! Signed jobs: a message on a queue says who its tenant is, and a signature proves that somebody entitled said so. In: keys
//! and a job. Out: a signed job, or whether one may be run. Fails with `bad_signature` or `baa_required`, before anything
//! is fetched. Keys have no Debug and appear in no error.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use job_schema::ids::{KeyId, Nonce};
use job_schema::signature::{Signature, signed_text};
use job_schema::{ErrorCode, Failure, Job, Sha256};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use uuid::Uuid;

use crate::config::{self, Config, RequireSignatures};

/// HMAC gains nothing from a longer key than its block, and loses from a shorter one than its digest.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("key {number}: expected KEY_ID:HEX")]
    Shape { number: usize },
    #[error("key {number}: the id {reason}")]
    Id { number: usize, reason: String },
    #[error("key {number}: 32 to 64 bytes in hexadecimal are wanted")]
    Secret { number: usize },
    #[error("key {number}: its id was there before")]
    Twice { number: usize },
    #[error("read security.signing_keys_file: {0}")]
    Read(std::io::ErrorKind),
    #[error(
        "security.signing_keys is not set: jobs from a broker on another host have to be signed"
    )]
    Missing,
}

/// The fleet's keys. The first one signs; all of them verify, so that an old one can be phased out.
#[derive(Debug, Default)]
pub struct KeyRing {
    first: Option<KeyId>,
    keys: BTreeMap<KeyId, SecretSlice<u8>>,
}

impl KeyRing {
    /// Reads `KEY_ID:HEX`, separated by commas or white space.
    pub fn read(text: &SecretString) -> Result<Self, KeyError> {
        let mut ring = Self::default();
        let entries = text
            .expose_secret()
            .split(|c: char| c == ',' || c.is_whitespace());
        for (index, entry) in entries.filter(|entry| !entry.is_empty()).enumerate() {
            let number = index + 1;
            let (id, secret) = entry.split_once(':').ok_or(KeyError::Shape { number })?;
            let id: KeyId = id.parse().map_err(|e| KeyError::Id {
                number,
                reason: format!("{e}"),
            })?;
            let secret = hex::decode(secret).map_err(|_| KeyError::Secret { number })?;
            if !KEY_BYTES.contains(&secret.len()) {
                return Err(KeyError::Secret { number });
            }
            ring.first.get_or_insert_with(|| id.clone());
            if ring.keys.insert(id, secret.into()).is_some() {
                return Err(KeyError::Twice { number });
            }
        }
        Ok(ring)
    }

    /// The ids, that of the signing key first.
    pub fn ids(&self) -> Vec<&KeyId> {
        let others = self
            .keys
            .keys()
            .filter(|id| Some(*id) != self.first.as_ref());
        self.first.iter().chain(others).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Signs with the first key; without a key the job stays as it is.
    pub fn sign(&self, job: &mut Job, promise: Promise) {
        let Some(key_id) = self.first.clone() else {
            return;
        };
        let unsigned = Signature {
            key_id,
            nonce: nonce(),
            phi: promise.phi,
            baa: promise.baa,
            mac: hexadecimal(&[0; 32]),
        };
        let Some(mac) = self.mac(job, &unsigned) else {
            return;
        };
        let mac = hexadecimal(&mac.finalize().into_bytes());
        job.signature = Some(Signature { mac, ..unsigned });
    }

    /// The comparison takes the same time wherever the two differ.
    fn verify(&self, job: &Job, signature: &Signature) -> Result<(), &'static str> {
        let Some(mac) = self.mac(job, signature) else {
            return Err("its key is none of this worker's");
        };
        let given = hex::decode(signature.mac.as_str()).unwrap_or_default();
        mac.verify_slice(&given)
            .map_err(|_| "the job is not what was signed")
    }

    fn mac(&self, job: &Job, signature: &Signature) -> Option<Hmac<sha2::Sha256>> {
        let key = self.keys.get(&signature.key_id)?;
        let mut mac = Hmac::new_from_slice(key.expose_secret()).ok()?;
        mac.update(signed_text(job, signature).as_bytes());
        Some(mac)
    }
}

/// What the signer vouches for beside the job itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promise {
    pub phi: bool,
    pub baa: bool,
}

/// What a worker asks of a job before it believes a word of it.
#[derive(Debug)]
pub struct Gate {
    pub ring: KeyRing,
    /// Off only in development: see `security.require_signatures`.
    pub required: bool,
}

impl Gate {
    /// Reads the keys that the settings name. Signatures are required unless the broker is on this host and there is no key.
    pub fn open(config: &Config) -> Result<Self, KeyError> {
        let ring = keys(&config.security)?;
        let required = config.security.require_signatures == RequireSignatures::Always
            || !ring.is_empty()
            || !is_on_this_host(&config.broker);
        if required && ring.is_empty() {
            return Err(KeyError::Missing);
        }
        Ok(Self { ring, required })
    }

    /// Whether the job is its tenant's. Nothing of it may be used before this: not its tenant, not its keys.
    pub fn check(&self, job: &Job) -> Result<(), Failure> {
        let refused = |why: &str| Failure::at(ErrorCode::BadSignature, "/signature", why);
        let Some(signature) = &job.signature else {
            return if self.required {
                Err(refused("the job has none"))
            } else {
                Ok(())
            };
        };
        // A signature that is there is looked at even where none is needed.
        self.ring.verify(job, signature).map_err(refused)?;
        if job.not_after.is_none() {
            let why = "a signed job says until when it is valid";
            return Err(Failure::at(ErrorCode::BadSignature, "/not_after", why));
        }
        Ok(())
    }

    /// Of a job that is known to be its tenant's.
    pub fn check_agreement(job: &Job) -> Result<(), Failure> {
        match &job.signature {
            Some(signature) if signature.phi && !signature.baa => Err(Failure::at(
                ErrorCode::BaaRequired,
                "/signature/baa",
                "the tenant's agreement is not claimed",
            )),
            _ => Ok(()),
        }
    }
}

/// Of the setting itself, or of the file that it names.
pub fn keys(settings: &config::Security) -> Result<KeyRing, KeyError> {
    match (&settings.signing_keys, &settings.signing_keys_file) {
        (Some(text), _) => KeyRing::read(text),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|e| KeyError::Read(e.kind()))?;
            KeyRing::read(&SecretString::from(text))
        }
        (None, None) => Ok(KeyRing::default()),
    }
}

/// Development: whoever can reach such a broker is on this host already.
fn is_on_this_host(broker: &config::Broker) -> bool {
    broker.url.as_ref().is_none_or(|url| {
        let authority = config::url::authority(url.expose_secret());
        authority.is_some_and(|authority| authority.is_loopback())
    })
}

fn nonce() -> Nonce {
    let text = Uuid::now_v7().to_string();
    text.parse().expect("a UUID is letters, digits and dashes")
}

fn hexadecimal(bytes: &[u8]) -> Sha256 {
    Sha256::try_from(hex::encode(bytes)).expect("32 bytes are 64 hexadecimal digits")
}
