//! Which key of its key service the store encrypts an object under. In: the setting `store.kms_keys`, and an object's key. Out: the
//! key of the tenant whose the object is. Fails: a setting that cannot be read, with what was expected.
//! Where a tenant's key is taken from the service, nothing of it can be read any more, in backups neither.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::types::ServerSideEncryption;
use job_schema::{ObjectKey, TenantId};

use crate::config::by_tenant;

const EXPECTED: &str = "expected TENANT=KEY, separated by commas";

#[derive(Debug, Clone, Default)]
pub struct TenantKeys(BTreeMap<TenantId, String>);

impl TenantKeys {
    /// `TENANT=KEY`, separated by commas; a key is an id, an alias or an ARN.
    pub fn read(setting: &str) -> Result<Self, String> {
        let key = |text: &str| match text.trim() {
            "" => Err("a tenant's key is empty".to_owned()),
            key => Ok(key.to_owned()),
        };
        by_tenant(setting, EXPECTED, key).map(Self)
    }

    /// What lies under a tenant's prefix is the tenant's.
    fn of(&self, key: &ObjectKey) -> Option<&str> {
        let owner = |tenant: &&TenantId| key.belongs_to(tenant);
        let tenant = self.0.keys().find(owner)?;
        self.0.get(tenant).map(String::as_str)
    }

    /// The store's own default stays for whoever has no key.
    pub(super) fn applied(
        &self,
        request: PutObjectFluentBuilder,
        key: &ObjectKey,
    ) -> PutObjectFluentBuilder {
        match self.of(key) {
            Some(id) => request
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(id),
            None => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_encrypted_under_the_key_of_the_tenant_it_lies_under() {
        let keys =
            TenantKeys::read("acme=arn:aws:kms:eu-west-1:1:key/a, globex=alias/globex").unwrap();
        for (key, id) in [
            (
                "acme/calls/c/s/transcript.json",
                Some("arn:aws:kms:eu-west-1:1:key/a"),
            ),
            ("globex/jobs/1.json", Some("alias/globex")),
            ("acme-2/calls/c/s/transcript.json", None),
            ("_workers/1.json", None),
        ] {
            assert_eq!(keys.of(&key.parse().unwrap()), id, "{key}");
        }
        for bad in ["acme", "acme=", "acme=1,acme=2"] {
            assert!(TenantKeys::read(bad).is_err(), "{bad}");
        }
    }
}
