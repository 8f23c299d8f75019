//! Servers, faults and processes for the integration tests, and the development S3 API.

pub mod canaries;
pub mod ceph;
pub mod chaos;
pub mod cluster;
pub mod fleet;
pub mod forgery;
mod keeper;
pub mod listen;
pub mod media;
pub mod moto;
pub mod node;
pub mod nonspeech;
pub mod process;
pub mod rabbit;
pub mod recordings;
pub mod s3;
pub mod seed;
pub mod signals;
pub mod soak;
pub mod tap;
pub mod tls;

/// Asked for when it runs: a target directory may outlive the checkout it was built in. Without cargo, as scripts run, from the
/// repository's root.
pub(crate) fn package_dir() -> std::path::PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|| "tests".into())
        .into()
}
