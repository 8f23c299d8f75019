//! Credentials for one tenant's jobs, got by AssumeRole with a policy that takes everybody else's data away. In: the role, and
//! whom a job is for. Out: a client whose every request is signed with them; the SDK renews them before they end. Fails at a
//! client's requests, with [`NotAssumed`]: a role that is refused for one tenant holds up no other.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Config, Credentials, IdentityCache, ProvideCredentials, SharedCredentialsProvider,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::types::Credentials as Granted;
use job_schema::TenantId;
use job_schema::job::BucketName;
use lru::LruCache;

use super::super::{Scope, StoreError};
use super::answer::unanswered;
use super::policy::session_policy;
use crate::config::RoleArn;
use crate::spec::sha256;

/// A client and its credentials are some KiB, and an evicted one costs a request to STS.
const MAX_CLIENTS: NonZeroUsize = NonZeroUsize::new(256).expect("more than none");
/// Of a session's name, as STS takes it.
const MAX_NAME_BYTES: usize = 64;
/// What STS says where it is this session that it does not grant, by its policy or its name. Other codes speak of the
/// worker's own keys.
const REFUSALS: [&str; 4] = [
    "AccessDenied",
    "MalformedPolicyDocument",
    "PackedPolicyTooLarge",
    "ValidationError",
];

/// Why there are no credentials for a tenant: STS's code, or what became of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAssumed {
    /// For this tenant: others were granted theirs.
    #[error("assume store.tenant_role: {0}")]
    ForTenant(String),
    #[error("assume store.tenant_role: {0}")]
    ForAnyone(String),
}

impl NotAssumed {
    pub(super) fn failed(&self, action: &'static str) -> StoreError {
        let reason = self.to_string();
        match self {
            NotAssumed::ForTenant(_) => StoreError::RoleRefused { action, reason },
            NotAssumed::ForAnyone(_) => StoreError::Unavailable { action, reason },
        }
    }
}

pub(super) struct Sessions {
    role: Role,
    /// What a client is made of beside its credentials.
    config: Config,
    /// How long getting credentials may take.
    patience: Duration,
    uses_keys: bool,
    clients: Mutex<LruCache<(TenantId, BucketName, BucketName), Client>>,
}

#[derive(Debug, Clone)]
struct Role {
    arn: RoleArn,
    sts: aws_sdk_sts::Client,
    /// Whether it was granted for anybody since this worker began.
    granted: Arc<AtomicBool>,
}

impl Sessions {
    pub(super) fn new(
        arn: RoleArn,
        sts: aws_sdk_sts::Client,
        config: Config,
        patience: Duration,
        uses_keys: bool,
    ) -> Self {
        Self {
            role: Role {
                arn,
                sts,
                granted: Arc::default(),
            },
            config,
            patience,
            uses_keys,
            clients: Mutex::new(LruCache::new(MAX_CLIENTS)),
        }
    }

    /// Asks for nothing yet: the credentials come with the client's first request.
    pub(super) fn client(&self, scope: Scope<'_>) -> Client {
        let key = (
            scope.tenant.clone(),
            scope.recordings.clone(),
            scope.results.clone(),
        );
        // What is in there is whole whatever a thread that panicked was doing.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.get_or_insert(key, || self.open(scope)).clone()
    }

    fn open(&self, scope: Scope<'_>) -> Client {
        let session = Session {
            role: self.role.clone(),
            name: session_name(scope.tenant),
            policy: session_policy(self.role.arn.partition(), scope, self.uses_keys),
        };
        // A cache of its own, which goes with the client.
        let cache = IdentityCache::lazy().load_timeout(self.patience).build();
        let config = self.config.to_builder().identity_cache(cache);
        let config = config.credentials_provider(SharedCredentialsProvider::new(session));
        Client::from_conf(config.build())
    }
}

#[derive(Debug)]
struct Session {
    role: Role,
    name: String,
    policy: String,
}

impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let granted = async {
            self.assume()
                .await
                .map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(granted)
    }
}

impl Session {
    async fn assume(&self) -> Result<Credentials, NotAssumed> {
        let request = self
            .role
            .sts
            .assume_role()
            .role_arn(self.role.arn.as_str())
            .role_session_name(&self.name)
            .policy(&self.policy);
        let answer = request.send().await.map_err(|e| self.refusal(&e))?;
        let nothing = || NotAssumed::ForAnyone("the answer holds no credentials".to_owned());
        let granted = answer.credentials.ok_or_else(nothing)?;
        self.role.granted.store(true, Ordering::Relaxed);
        Ok(credentials(granted))
    }

    fn refusal(&self, error: &SdkError<AssumeRoleError>) -> NotAssumed {
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code);
        match code {
            // Where nobody was granted it yet, it is more likely the role that is wrong.
            Some(code) if REFUSALS.contains(&code) && self.role.granted.load(Ordering::Relaxed) => {
                NotAssumed::ForTenant(code.to_owned())
            }
            Some(code) => NotAssumed::ForAnyone(code.to_owned()),
            None => NotAssumed::ForAnyone(unanswered(error)),
        }
    }
}

fn credentials(granted: Granted) -> Credentials {
    // A time that cannot be told is none: the store says when the keys have ended.
    let ends = SystemTime::try_from(granted.expiration).ok();
    Credentials::new(
        granted.access_key_id,
        granted.secret_access_key,
        Some(granted.session_token),
        ends,
        "store.tenant_role",
    )
}

/// Names the tenant in the store's own log. One too long for that ends in a digest, so that no two are the same.
fn session_name(tenant: &TenantId) -> String {
    let name = format!("earwitness@{tenant}");
    if name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let digest = sha256(tenant.as_str().as_bytes());
    let ending: String = digest.as_str().chars().take(16).collect();
    let begins: String = name
        .chars()
        .take(MAX_NAME_BYTES - 1 - ending.len())
        .collect();
    format!("{begins}={ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_name_holds_the_tenant_and_is_one_that_sts_takes() {
        let named = |tenant: &str| session_name(&tenant.parse().unwrap());
        assert_eq!(named("acme"), "earwitness@acme");
        let (long, longer) = ("t".repeat(54), "t".repeat(128));
        for tenant in ["a", "A.b_c-9", &"t".repeat(53), &long, &longer] {
            let name = named(tenant);
            let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
            assert!((2..=64).contains(&name.len()), "{name}");
            assert!(name.bytes().all(is_allowed), "{name}");
        }
        assert_ne!(named(&long), named(&longer));
    }
}
