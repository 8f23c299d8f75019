//! Where everything lies in the results bucket. Every key begins with the tenant that owns it, or with a name of the
//! fleet's own such as `_cancelled/`; `_` cannot begin a tenant's name, so the two never meet. Tombstones are of the second kind, as
//! they outlive a tenant's prefix.
//! Keys are made from checked ids only.

use job_schema::job::Lane;
use job_schema::{CallId, JobId, ObjectKey, Sha256, TenantId};

use crate::spec::sha256;

/// A lane's name below it says that nobody takes from it.
pub const PAUSES_PREFIX: &str = "_control/paused/";
/// Days below it, and calls that are due on them.
pub const RETENTION_PREFIX: &str = "_retention/";
const TOMBSTONES_PREFIX: &str = "_tombstones/";
const TENANT_TOMBSTONES_PREFIX: &str = "_tenant_tombstones/";
const CANCELLATIONS_PREFIX: &str = "_cancelled/";
const RECEIPTS_PREFIX: &str = "_receipts/";
pub const SWEEP_TURNS_PREFIX: &str = "_control/sweeps/";
/// Workers announce themselves below it.
pub const WORKERS_PREFIX: &str = "_workers/";

const MANIFEST_ENDING: &str = "/manifest.json";

/// The objects of one call under one spec.
#[derive(Debug, Clone)]
pub struct ResultKeys {
    prefix: String,
}

impl ResultKeys {
    pub fn new(tenant: &TenantId, call: &CallId, spec: &Sha256) -> Self {
        Self {
            prefix: format!("{tenant}/calls/{call}/{spec}"),
        }
    }

    pub fn object(&self, name: &str) -> ObjectKey {
        key(format!("{}/{name}", self.prefix))
    }

    pub fn manifest(&self) -> ObjectKey {
        self.object("manifest.json")
    }

    pub fn checkpoint(&self) -> ObjectKey {
        self.object("checkpoint.json")
    }
}

/// Whether a result is found by this key.
pub fn is_manifest(key: &ObjectKey) -> bool {
    key.as_str().ends_with(MANIFEST_ENDING)
}

/// Objects of an analysis made later, beside the result that a manifest lists.
#[derive(Debug, Clone)]
pub struct RescoredKeys {
    pub analysis: ObjectKey,
    /// Written last by a job, as a manifest is. Its name differs from a manifest's: a listing of results must not find it.
    pub done: ObjectKey,
}

/// `None` where `manifest` is no manifest's key. `name` says by what was scored.
pub fn rescored(manifest: &ObjectKey, name: &str) -> Option<RescoredKeys> {
    let prefix = manifest.as_str().strip_suffix(MANIFEST_ENDING)?;
    let key = |file: &str| ObjectKey::try_from(format!("{prefix}/rescored/{name}/{file}")).ok();
    Some(RescoredKeys {
        analysis: key("analysis.json")?,
        done: key("rescored.json")?,
    })
}

/// The manifest of the result that an analysis is of, made with it or later. `None` for any other key, redacted copies too.
pub fn manifest_of_analysis(key: &ObjectKey) -> Option<ObjectKey> {
    let folder = key.as_str().strip_suffix("/analysis.json")?;
    match folder.split('/').collect::<Vec<_>>()[..] {
        [tenant, "calls", call, spec] | [tenant, "calls", call, spec, "rescored", _] => {
            ObjectKey::try_from(format!("{tenant}/calls/{call}/{spec}{MANIFEST_ENDING}")).ok()
        }
        _ => None,
    }
}

/// Reviews of a call with one form, `ID@VERSION`. They are of the call and no single result: a new transcript keeps them.
pub fn reviews_prefix(tenant: &TenantId, call: &CallId, form: &str) -> String {
    format!("{tenant}/calls/{call}/reviews/{form}/")
}

/// Ids sort by the time at which they were made.
pub fn review(tenant: &TenantId, call: &CallId, form: &str, id: JobId) -> ObjectKey {
    key(format!("{}{id}.json", reviews_prefix(tenant, call, form)))
}

/// The call that an object is a review of, with this form.
pub fn reviewed_call(key: &ObjectKey, tenant: &TenantId, form: &str) -> Option<CallId> {
    let (call, rest) = key.as_str().strip_prefix(&calls(tenant))?.split_once('/')?;
    let id = rest.strip_prefix("reviews/")?.strip_prefix(form)?;
    id.starts_with('/').then(|| call.parse().ok()).flatten()
}

pub fn calls(tenant: &TenantId) -> String {
    format!("{tenant}/calls/")
}

pub fn status(tenant: &TenantId, job: JobId) -> ObjectKey {
    key(format!("{tenant}/jobs/{job}.json"))
}

pub fn tombstones(tenant: &TenantId) -> String {
    format!("{TOMBSTONES_PREFIX}{tenant}/")
}

pub fn tombstone(tenant: &TenantId, call: &CallId) -> ObjectKey {
    key(format!("{}{call}", tombstones(tenant)))
}

/// For all of a tenant's calls, now and to come.
pub fn tenant_tombstone(tenant: &TenantId) -> ObjectKey {
    key(format!("{TENANT_TOMBSTONES_PREFIX}{tenant}"))
}

pub fn cancellations(tenant: &TenantId) -> String {
    format!("{CANCELLATIONS_PREFIX}{tenant}/")
}

/// Says that a job is to come to nothing.
pub fn cancellation(tenant: &TenantId, job: JobId) -> ObjectKey {
    key(format!("{}{job}", cancellations(tenant)))
}

pub fn pause(lane: Lane) -> ObjectKey {
    key(format!("{PAUSES_PREFIX}{lane}"))
}

pub fn retention_mark(day: &str, tenant: &TenantId, call: &CallId) -> ObjectKey {
    key(format!("{RETENTION_PREFIX}{day}/{tenant}/{call}"))
}

/// Numbers sort as they count.
pub fn sweep_turn(number: u64) -> ObjectKey {
    key(format!("{SWEEP_TURNS_PREFIX}{number:020}"))
}

/// Written to see when the store says that it was, and erased.
pub fn clock_probe(id: JobId) -> ObjectKey {
    key(format!("_control/clock/{id}"))
}

/// A worker's name may be any text, so its digest stands for it.
pub fn worker(name: &str) -> ObjectKey {
    let digest = sha256(name.as_bytes());
    let short: String = digest.as_str().chars().take(32).collect();
    key(format!("{WORKERS_PREFIX}{short}.json"))
}

/// What a deletion leaves of what it removed.
pub fn receipt(tenant: &TenantId, id: JobId) -> ObjectKey {
    key(format!("{RECEIPTS_PREFIX}{tenant}/{id}.json"))
}

/// Everything that was made of one call, or of all.
pub fn calls_prefix(tenant: &TenantId, call: Option<&CallId>) -> String {
    match call {
        Some(call) => format!("{tenant}/calls/{call}/"),
        None => format!("{tenant}/calls/"),
    }
}

pub fn statuses_prefix(tenant: &TenantId) -> String {
    format!("{tenant}/jobs/")
}

/// May match more than the call's own: see [`is_upload_of`].
pub fn uploads_prefix(tenant: &TenantId, call: Option<&CallId>) -> String {
    match call {
        Some(call) => format!("{tenant}/uploads/{call}"),
        None => format!("{tenant}/uploads/"),
    }
}

/// Whether [`upload`] made this key for the call, or for any call of the tenant.
pub fn is_upload_of(key: &str, tenant: &TenantId, call: Option<&CallId>) -> bool {
    let Some(rest) = key.strip_prefix(&uploads_prefix(tenant, call)) else {
        return false;
    };
    let ending = rest.strip_prefix('.').unwrap_or_default();
    let is_ending =
        |e: &str| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
    call.is_none() || rest.is_empty() || is_ending(ending)
}

/// Where `submit` puts a local file.
pub fn upload(tenant: &TenantId, call: &CallId, extension: Option<&str>) -> ObjectKey {
    let extension = extension
        .filter(|e| !e.is_empty() && e.len() <= 8 && e.bytes().all(|b| b.is_ascii_alphanumeric()));
    key(match extension {
        Some(extension) => format!("{tenant}/uploads/{call}.{extension}"),
        None => format!("{tenant}/uploads/{call}"),
    })
}

/// Whether an object is the tenant's: under its prefix, or a mark that stands for it elsewhere.
pub fn is_tenants(key: &ObjectKey, tenant: &TenantId) -> bool {
    is_all_tenants(key.as_str(), tenant) || *key == tenant_tombstone(tenant)
}

/// Whether every object whose key begins with `prefix` is the tenant's.
pub fn is_all_tenants(prefix: &str, tenant: &TenantId) -> bool {
    let is_below = |rest: &str| {
        let rest = rest.strip_prefix(tenant.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let marks = [TOMBSTONES_PREFIX, CANCELLATIONS_PREFIX, RECEIPTS_PREFIX];
    let of_day = prefix.strip_prefix(RETENTION_PREFIX);
    is_below(prefix)
        || (marks.iter()).any(|marks| prefix.strip_prefix(marks).is_some_and(is_below))
        || (of_day.and_then(|rest| rest.split_once('/'))).is_some_and(|(_, rest)| is_below(rest))
}

fn key(text: String) -> ObjectKey {
    ObjectKey::try_from(text)
        .expect("checked names of at most 128 bytes joined by slashes make a valid key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_still_make_valid_keys_under_their_tenant() {
        let tenant: TenantId = "t".repeat(128).parse().unwrap();
        let call: CallId = "c".repeat(128).parse().unwrap();
        let spec: Sha256 = "0".repeat(64).parse().unwrap();
        let keys = ResultKeys::new(&tenant, &call, &spec);
        for key in [
            keys.manifest(),
            keys.checkpoint(),
            status(&tenant, JobId::generate()),
            upload(&tenant, &call, Some("wav")),
        ] {
            assert!(key.belongs_to(&tenant), "{key}");
        }
        assert!(!tombstone(&tenant, &call).belongs_to(&tenant));
        assert!(!tenant_tombstone(&tenant).belongs_to(&tenant));
        assert!(!receipt(&tenant, JobId::generate()).belongs_to(&tenant));
    }

    #[test]
    fn what_is_a_tenants_is_told_from_what_is_anothers_or_everybodys() {
        let (tenant, call): (TenantId, CallId) = ("t".parse().unwrap(), "c".parse().unwrap());
        let job = JobId::generate();
        let own = [
            status(&tenant, job),
            upload(&tenant, &call, None),
            tombstone(&tenant, &call),
            tenant_tombstone(&tenant),
            cancellation(&tenant, job),
            receipt(&tenant, job),
            retention_mark("2026-11-29", &tenant, &call),
        ];
        for key in own {
            assert!(is_tenants(&key, &tenant), "{key}");
            for other in ["c", "t2", "2026-11-29", "T"] {
                assert!(!is_tenants(&key, &other.parse().unwrap()), "{key}");
            }
        }
        for key in [
            pause(Lane::Batch),
            sweep_turn(1),
            clock_probe(job),
            worker("t"),
            "_tombstones/t".parse().unwrap(),
            "_retention/t/c".parse().unwrap(),
            "u/_tombstones/t/c".parse().unwrap(),
            "_tenant_tombstones/t/c".parse().unwrap(),
        ] {
            assert!(!is_tenants(&key, &tenant), "{key}");
        }
        for (prefix, is_own) in [
            ("t/", true),
            ("t/uploads/c", true),
            ("_tombstones/t/", true),
            ("_retention/2026-11-29/t/", true),
            ("", false),
            ("t", false),
            ("t2/", false),
            ("_tombstones/", false),
            ("_tombstones/t", false),
            ("_tenant_tombstones/t", false),
            ("_retention/t/", false),
        ] {
            assert_eq!(is_all_tenants(prefix, &tenant), is_own, "{prefix}");
        }
    }

    #[test]
    fn a_review_leads_to_its_call_and_an_analysis_to_its_manifest() {
        let tenant: TenantId = "t".parse().unwrap();
        for (key, call) in [
            ("t/calls/c1/reviews/form@1/0.json", Some("c1")),
            ("t/calls/c1/reviews/form@10/0.json", None),
            ("t/calls/c1/spec/analysis.json", None),
            ("u/calls/c1/reviews/form@1/0.json", None),
        ] {
            let found = reviewed_call(&key.parse().unwrap(), &tenant, "form@1");
            assert_eq!(found.as_ref().map(CallId::as_str), call, "{key}");
        }
        for (key, manifest) in [
            (
                "t/calls/c/s/analysis.json",
                Some("t/calls/c/s/manifest.json"),
            ),
            (
                "t/calls/c/s/rescored/r@1/analysis.json",
                Some("t/calls/c/s/manifest.json"),
            ),
            (
                "t/calls/rescored/s/analysis.json",
                Some("t/calls/rescored/s/manifest.json"),
            ),
            ("t/calls/c/s/redacted/analysis.json", None),
            ("t/calls/c/s/transcript.json", None),
        ] {
            let found = manifest_of_analysis(&key.parse().unwrap());
            assert_eq!(found.as_ref().map(ObjectKey::as_str), manifest, "{key}");
        }
    }

    #[test]
    fn an_upload_is_known_by_its_whole_name() {
        let (tenant, call): (TenantId, CallId) = ("t".parse().unwrap(), "c1".parse().unwrap());
        for (key, of_call, of_tenant) in [
            ("t/uploads/c1", true, true),
            ("t/uploads/c1.wav", true, true),
            ("t/uploads/c10.wav", false, true),
            ("t/uploads/c1.b.wav", false, true),
            ("u/uploads/c1.wav", false, false),
        ] {
            assert_eq!(is_upload_of(key, &tenant, Some(&call)), of_call, "{key}");
            assert_eq!(is_upload_of(key, &tenant, None), of_tenant, "{key}");
        }
    }

    #[test]
    fn a_files_ending_cannot_shape_the_key() {
        let (tenant, call): (TenantId, CallId) = ("t".parse().unwrap(), "c".parse().unwrap());
        for ending in ["../x", "a/b", "", "ä", "waytoolongending"] {
            assert_eq!(upload(&tenant, &call, Some(ending)).as_str(), "t/uploads/c");
        }
    }
}
