//! Whose a bucket has to be. In: an account. Out: every request says it in a signed header, and S3 refuses those to a bucket
//! of anybody else's, as one whose name was given up and taken over. Stores that do not know the header ignore it.
//! Source: the S3 user guide, "Verifying bucket ownership with bucket owner condition".

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

use crate::config::AccountId;

const HEADER: &str = "x-amz-expected-bucket-owner";

#[derive(Debug)]
pub(super) struct ExpectedOwner(pub(super) AccountId);

impl Intercept for ExpectedOwner {
    fn name(&self) -> &'static str {
        "ExpectedOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert(HEADER, self.0.as_str().to_owned())?;
        Ok(())
    }
}
