//! What whoever submits a job claims of it, and how long it is good for. In: flags and settings. Out: the keys to sign with and
//! the claims. Fails when something is claimed and no key can say so.

use jiff::Timestamp;

use crate::config::Config;
use crate::exit::{self, Exit};
use crate::signing::{self, KeyRing, Promise};

#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct PromiseArgs {
    /// The call holds health information; part of the signature.
    #[arg(long)]
    phi: bool,
    /// There is an agreement with the tenant that lets such calls be processed; part of the signature.
    #[arg(long)]
    baa: bool,
}

impl PromiseArgs {
    pub(super) fn promise(self) -> Promise {
        Promise {
            phi: self.phi,
            baa: self.baa,
        }
    }

    pub(super) fn ring(self, config: &Config) -> Result<KeyRing, Exit> {
        let ring = signing::keys(&config.security).map_err(|e| Exit::new(exit::CONFIG, e))?;
        if self.promise() != Promise::default() && ring.is_empty() {
            let error = anyhow::anyhow!(
                "--phi and --baa are claims, which only a signature carries: set security.signing_keys"
            );
            return Err(Exit::new(exit::CONFIG, error));
        }
        Ok(ring)
    }
}

/// When the job is no longer to be run.
pub(super) fn end(
    config: &Config,
    ring: &KeyRing,
    not_after: Option<Timestamp>,
) -> Option<Timestamp> {
    if ring.is_empty() || not_after.is_some() {
        return not_after;
    }
    // A signed job that never ends could be sent again for ever.
    let lifetime = config.security.signature_lifetime;
    Timestamp::now().checked_add(lifetime).ok()
}
