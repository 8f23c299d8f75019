//! The SDK's answers and errors in our words. Its own texts may quote the request, so only codes are taken over.

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::DateTime;
use jiff::Timestamp;

use super::super::{Readiness, StoreError};
use super::sessions::NotAssumed;
use crate::trust::BAD_CERTIFICATE;

const UNTRUSTED: &str =
    "check the certificate's host and dates; for an authority of your own set store.ca_file";

pub(super) fn failed<E>(action: &'static str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(not_assumed) = not_assumed(error) {
        return not_assumed.failed(action);
    }
    let status = error.raw_response().map(|r| r.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    match (status, code) {
        (_, Some("InvalidObjectState")) => StoreError::Archived {
            tier: "restore it first".to_owned(),
        },
        (Some(404 | 405 | 410), _) => StoreError::NotFound { action },
        // Other codes with this status say that our keys or our clock are wrong, not the object's policy.
        (Some(403), None | Some("AccessDenied" | "AllAccessDisabled" | "Forbidden")) => {
            StoreError::Forbidden { action }
        }
        (Some(412 | 416), _) => StoreError::Changed,
        (Some(status), code) => StoreError::Unavailable {
            action,
            reason: format!("status {status} {}", code.unwrap_or("without a code")),
        },
        (None, _) => StoreError::Unavailable {
            action,
            reason: unanswered(error),
        },
    }
}

/// Whether nothing was sent for want of a tenant's credentials.
fn not_assumed<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a NotAssumed> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| cause.downcast_ref())
}

pub(super) fn unanswered<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || "request could not be sent".to_owned(),
            |connector| {
                let reason = format!("connect: {}", DisplayErrorContext(connector));
                match reason.contains(BAD_CERTIFICATE) {
                    true => format!("{reason}: {UNTRUSTED}"),
                    false => reason,
                }
            },
        ),
        SdkError::ConstructionFailure(_) => {
            "request could not be made (are there credentials?)".to_owned()
        }
        _ => "the answer could not be read".to_owned(),
    }
}

pub(super) fn length(action: &'static str, bytes: Option<i64>) -> Result<u64, StoreError> {
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| StoreError::Unavailable {
            action,
            reason: "the store gave no length".to_owned(),
        })
}

pub(super) fn readiness(output: &HeadObjectOutput) -> Readiness {
    let class = output.storage_class.as_ref().map(|class| class.as_str());
    let tier = output.archive_status.as_ref().map(|tier| tier.as_str());
    // `ongoing-request="false"`: a copy was restored and can be read for some days.
    let restored = output
        .restore
        .as_deref()
        .is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    match (tier, class) {
        _ if restored => Readiness::Ready,
        (Some(tier), _) => Readiness::Archived(tier.to_owned()),
        (None, Some(class @ ("GLACIER" | "DEEP_ARCHIVE"))) => Readiness::Archived(class.to_owned()),
        (None, _) => Readiness::Ready,
    }
}

pub(super) fn timestamp(at: DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}
