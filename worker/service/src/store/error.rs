//! What a store can answer besides the object, and whom to blame for it.

use job_schema::{ErrorCode, Failure};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{action}: no such object")]
    NotFound { action: &'static str },
    #[error("{action}: access denied")]
    Forbidden { action: &'static str },
    /// Nothing was asked of the store.
    #[error("{action}: the key is not the tenant's")]
    NotTheTenants { action: &'static str },
    #[error("fetch object: it is not the one asked for, or was replaced meanwhile")]
    Changed,
    #[error("fetch object: archived ({tier})")]
    Archived { tier: String },
    #[error("fetch object: {size_bytes} bytes, the limit is {limit_bytes}")]
    TooLarge { size_bytes: u64, limit_bytes: u64 },
    #[error("fetch object: got {got_bytes} bytes of {expected_bytes} after {tries_count} tries")]
    Damaged {
        expected_bytes: u64,
        got_bytes: u64,
        tries_count: u32,
    },
    #[error("fetch object: read twice, and not the same")]
    Garbled,
    #[error("fetch object: its content is not the one asked for")]
    OtherContent,
    /// Network, overload, wrong credentials, a store's own error. `reason` holds codes and names, never a key.
    #[error("{action}: {reason}")]
    Unavailable {
        action: &'static str,
        reason: String,
    },
    /// The store's role was not to be had for this tenant, and was for others.
    #[error("{action}: {reason}")]
    RoleRefused {
        action: &'static str,
        reason: String,
    },
    /// The object was read, and could not be written down here.
    #[error("write fetched object: {0}")]
    Destination(std::io::Error),
    /// The file that was to be stored could not be read here.
    #[error("read file to store: {0}")]
    Source(std::io::Error),
    #[error("open store: {0}")]
    Settings(String),
}

impl StoreError {
    /// As a failure of the store: results, checkpoints, manifests.
    pub fn failure(&self) -> Failure {
        let code = match self {
            StoreError::RoleRefused { .. } => {
                let code = ErrorCode::StoreUnavailable;
                return Failure::at(code, "/tenant", self.to_string());
            }
            StoreError::Damaged { .. } | StoreError::Garbled => ErrorCode::TransferDamaged,
            StoreError::Destination(_) | StoreError::Source(_) => ErrorCode::HostExhausted,
            StoreError::NotTheTenants { .. } => ErrorCode::TenantMismatch,
            StoreError::NotFound { .. }
            | StoreError::Forbidden { .. }
            | StoreError::Changed
            | StoreError::OtherContent
            | StoreError::Archived { .. }
            | StoreError::TooLarge { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Settings(_) => ErrorCode::StoreUnavailable,
        };
        Failure::new(code, self.to_string())
    }

    /// As a failure to get the job's recording, which may be the job's own fault.
    pub fn recording_failure(&self) -> Failure {
        let (code, pointer) = match self {
            StoreError::NotFound { .. } => (ErrorCode::RecordingNotFound, "/recording/key"),
            StoreError::Forbidden { .. } => (ErrorCode::RecordingForbidden, "/recording/bucket"),
            StoreError::Changed => (ErrorCode::RecordingChanged, "/recording/etag"),
            StoreError::OtherContent => (ErrorCode::RecordingChanged, "/recording/sha256"),
            StoreError::Archived { .. } => (ErrorCode::RecordingNotReadable, "/recording/key"),
            StoreError::TooLarge { .. } => (ErrorCode::RecordingTooLarge, "/recording/key"),
            StoreError::Damaged { .. }
            | StoreError::Garbled
            | StoreError::NotTheTenants { .. }
            | StoreError::RoleRefused { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Destination(_)
            | StoreError::Source(_)
            | StoreError::Settings(_) => return self.failure(),
        };
        Failure::at(code, pointer, self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use job_schema::Class;

    use super::*;

    #[test]
    fn only_a_recording_can_be_at_fault_itself() {
        let missing = StoreError::NotFound {
            action: "fetch object",
        };
        assert_eq!(missing.failure().class(), Class::Infra);
        assert_eq!(missing.recording_failure().class(), Class::Permanent);
        let down = StoreError::Unavailable {
            action: "fetch object",
            reason: "connect: timed out".to_owned(),
        };
        assert_eq!(down.recording_failure().code, ErrorCode::StoreUnavailable);
        let refused = StoreError::RoleRefused {
            action: "fetch object",
            reason: "assume store.tenant_role: AccessDenied".to_owned(),
        };
        let failure = refused.recording_failure();
        assert_eq!(failure.code, ErrorCode::StoreUnavailable);
        assert_eq!(failure.pointer.as_deref(), Some("/tenant"));
    }
}
