//! What a fleet's processes are told. In: the fleet's folder and servers. Out: settings as environment variables, each fleet with
//! queues under a name of its own. Nothing fails.

use std::path::Path;

use uuid::Uuid;

use super::{RECORDINGS, RESULTS};
use crate::process::Setting;
use crate::s3::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY};

/// Everything that waits is short: a test should not.
pub(crate) fn settings(dir: &Path, broker: &str, store: &str) -> Vec<Setting> {
    let path = |name: &str| dir.join(name).display().to_string();
    let prefix = format!("fleet-{}", Uuid::now_v7().simple());
    [
        ("broker.url", broker.to_owned()),
        ("broker.prefix", prefix),
        ("store.endpoint", store.to_owned()),
        ("store.region", REGION.to_owned()),
        ("store.path_style", "true".to_owned()),
        ("store.access_key_id", ACCESS_KEY_ID.to_owned()),
        ("store.secret_access_key", SECRET_ACCESS_KEY.to_owned()),
        ("store.recordings_bucket", RECORDINGS.to_owned()),
        ("store.results_bucket", RESULTS.to_owned()),
        ("engine.recognizer", "scripted".to_owned()),
        ("engine.script", path("script.json")),
        ("engine.slots", "1".to_owned()),
        ("worker.checkpoint_interval_s", "1".to_owned()),
        ("worker.poll_interval_ms", "50".to_owned()),
        ("rules.dir", path("rules")),
        ("admin.listen", "127.0.0.1:0".to_owned()),
        ("log.format", "json".to_owned()),
        ("retry.delays_s", "1".to_owned()),
    ]
    .map(|(key, value)| variable(key, &value))
    .to_vec()
}

pub(crate) fn variable(key: &str, value: &str) -> Setting {
    let name = format!("EARWITNESS__{}", key.replace('.', "__").to_uppercase());
    (name, value.to_owned())
}
