//! Authorities of one's own, for TLS with a broker or store whose certificate no public authority signed. In: a file of PEM
//! certificates. Out: each one alone, known to be usable: one client ignores what it cannot read, and the other panics.
//! Fails: no file, no certificate in it, or one that is none.

use std::io::ErrorKind;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How rustls begins to say that it does not believe the other side; what it is otherwise, two clients wrap differently.
pub const BAD_CERTIFICATE: &str = "invalid peer certificate";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("{0}")]
    Read(ErrorKind),
    #[error("it holds no PEM certificate")]
    Empty,
    #[error("its certificate {number} is damaged")]
    Damaged { number: usize },
}

/// The certificates of the file, as PEM.
///
/// # Errors
/// [`TrustError`], which names the file's setting and not what it holds.
pub fn authorities(path: &Path) -> Result<Vec<String>, TrustError> {
    let text = std::fs::read_to_string(path).map_err(|e| TrustError::Read(e.kind()))?;
    let mut usable = RootCertStore::empty();
    let mut found = Vec::new();
    for (index, block) in text.split(BEGIN).skip(1).enumerate() {
        let damaged = TrustError::Damaged { number: index + 1 };
        let pem = format!("{BEGIN}{block}");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| damaged.clone())?;
        usable.add(der).map_err(|_| damaged)?;
        found.push(pem);
    }
    if found.is_empty() {
        return Err(TrustError::Empty);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_with_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let end = "-----END CERTIFICATE-----\n";
        for (text, error) in [
            (String::new(), TrustError::Empty),
            (key.to_owned(), TrustError::Empty),
            (BEGIN.to_owned(), TrustError::Damaged { number: 1 }),
            (
                format!("{BEGIN}\nAAAA\n{end}"),
                TrustError::Damaged { number: 1 },
            ),
            (
                format!("{BEGIN}\n!\n{end}"),
                TrustError::Damaged { number: 1 },
            ),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(authorities(&path), Err(error), "{text}");
        }
        let absent = authorities(&dir.path().join("none.pem"));
        assert_eq!(absent, Err(TrustError::Read(ErrorKind::NotFound)));
    }
}
