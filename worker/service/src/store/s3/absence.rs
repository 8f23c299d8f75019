//! Whether an object is not there, for whoever may list only below a prefix. In: a location and a refusal. Out: the refusal, or that
//! there is no such object. Fails as a listing does. Who may list a whole bucket is told by the store itself: 404 and not 403.
//! Source: the S3 API reference, HeadObject, "Permissions".

use super::S3Store;
use crate::store::{BlobStore, Location, StoreError};

impl S3Store {
    pub(super) async fn is_listed(&self, at: &Location) -> Result<bool, StoreError> {
        let page = self.list(&at.bucket, at.key.as_str(), None, 1).await?;
        Ok(page
            .objects
            .first()
            .is_some_and(|first| first.key == at.key))
    }

    /// What a refusal means, after a look whether there is anything to be refused.
    pub(super) async fn explained(&self, at: &Location, refused: StoreError) -> StoreError {
        let StoreError::Forbidden { action } = refused else {
            return refused;
        };
        if !self.is_restricted {
            return refused;
        }
        match self.is_listed(at).await {
            Ok(false) => StoreError::NotFound { action },
            Ok(true) | Err(StoreError::Forbidden { .. }) => refused,
            Err(other) => other,
        }
    }
}
