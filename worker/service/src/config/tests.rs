use std::path::Path;

use super::*;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    list.iter().map(owned).collect()
}

fn row<'a>(loaded: &'a Loaded, key: &str) -> &'a Row {
    loaded.rows.iter().find(|row| row.key == key).unwrap()
}

#[test]
fn the_defaults_are_complete_and_valid() {
    let loaded = assemble(None, &[], &[]).unwrap();
    assert!(loaded.rows.iter().all(|row| row.origin == Origin::Default));
    assert_eq!(loaded.config.limits, job_schema::engine::Limits::default());
    assert!(loaded.config.broker.url.is_none());
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let file = "[broker]\nprefix = \"file\"\nheartbeat_s = 30\n[retry]\ndelays_s = [1, 2]\n";
    let environment = pairs(&[
        ("EARWITNESS__BROKER__PREFIX", "env"),
        ("EARWITNESS__WORKER__LANES", "batch, standard"),
        ("UNRELATED", "x"),
    ]);
    let flags = [("broker.prefix", "flag".to_owned())];
    let path = Path::new("earwitness.toml");
    let loaded = assemble(Some((path, file)), &environment, &flags).unwrap();
    assert_eq!(loaded.config.broker.prefix, "flag");
    assert_eq!(row(&loaded, "broker.prefix").origin, Origin::Flag);
    assert_eq!(loaded.config.broker.heartbeat_s, 30);
    assert_eq!(
        row(&loaded, "broker.heartbeat_s").origin,
        Origin::File(path.into())
    );
    let lanes = Origin::Environment("EARWITNESS__WORKER__LANES".to_owned());
    assert_eq!(row(&loaded, "worker.lanes").origin, lanes);
    assert_eq!(loaded.config.worker.lanes.len(), 2);
    assert_eq!(loaded.config.retry.delays_s, [1, 2]);
}

#[test]
fn our_own_variable_wins_over_the_standard_one() {
    let environment = pairs(&[
        ("EARWITNESS__STORE__REGION", "ours"),
        ("AWS_REGION", "standard"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2"),
        ("RUST_LOG", ""),
    ]);
    let store = assemble(None, &environment, &[]).unwrap().config.store;
    assert_eq!(store.region.as_deref(), Some("ours"));
    assert_eq!(store.endpoint.as_deref(), Some("http://127.0.0.1:2"));
}

#[test]
fn no_secret_is_ever_printed() {
    let environment = pairs(&[
        ("AMQP_URL", "amqp://u:hush@127.0.0.1/v"),
        ("EARWITNESS__STORE__ACCESS_KEY_ID", "hush"),
        ("EARWITNESS__STORE__SECRET_ACCESS_KEY", "hush"),
    ]);
    let loaded = assemble(None, &environment, &[]).unwrap();
    assert_eq!(row(&loaded, "broker.url").value, "amqp://u:***@127.0.0.1/v");
    assert_eq!(row(&loaded, "store.secret_access_key").value, "***");
    assert!(!format!("{loaded:?}").contains("hush"));
}

#[test]
fn no_url_is_shown_with_its_password() {
    let environment = pairs(&[
        ("AMQP_URL", "amqp://u:hush@127.0.0.1/v"),
        ("AWS_ENDPOINT_URL", "https://u:hush@s3.example"),
        (
            "EARWITNESS__STORE__STS_ENDPOINT",
            "https://u:hush@sts.example",
        ),
    ]);
    let loaded = assemble(None, &environment, &[]).unwrap();
    let urls: Vec<&Row> = loaded
        .rows
        .iter()
        .filter(|row| row.value.contains("://"))
        .collect();
    assert_eq!(urls.len(), 3);
    for Row { key, value, .. } in urls {
        assert!(value.contains("u:***@") && !value.contains("hush"), "{key}");
    }
}

#[test]
fn amazons_own_store_is_known_by_its_host() {
    for (endpoint, is_amazons) in [
        ("", true),
        ("https://s3.eu-west-1.amazonaws.com", true),
        (
            "https://bucket.vpce-1-2.s3.eu-west-1.vpce.amazonaws.com:443/",
            true,
        ),
        ("https://s3.cn-north-1.amazonaws.com.cn", true),
        ("https://s3.example", false),
        ("https://amazonaws.com.example", false),
    ] {
        let flags = [("store.endpoint", endpoint.to_owned())];
        let store = assemble(None, &[], &flags).unwrap().config.store;
        assert_eq!(store.is_amazons(), is_amazons, "{endpoint}");
    }
}

#[test]
fn a_mistake_is_named_with_its_key_and_origin() {
    for (file, message) in [
        (
            "[broker]\nprefx = \"x\"",
            "unknown setting `broker.prefx` (f.toml), did you mean `broker.prefix`?",
        ),
        (
            "[zebra]\ncrossing = 1",
            "unknown setting `zebra.crossing` (f.toml)",
        ),
        ("broker = 1", "unknown setting `broker` (f.toml)"),
        (
            "[broker]\nheartbeat_s = \"20\"",
            "setting `broker.heartbeat_s` (f.toml): expected a whole number",
        ),
        (
            "[broker]\nheartbeat_s = 1",
            "setting `broker.heartbeat_s` (f.toml): 1 is not within 5 to 60",
        ),
        (
            "[worker]\nlanes = [\"fast\"]",
            "setting `worker.lanes` (f.toml): unknown variant",
        ),
        (
            "[worker]\nmax_hold_s = 1800",
            "setting `worker.max_hold_s` (f.toml): 1800 is not within",
        ),
        (
            "[worker]\ncheckpoint_interval_s = 0",
            "setting `worker.checkpoint_interval_s` (f.toml): must be above 0",
        ),
        (
            "[engine]\ndeadline_base_s = 0",
            "setting `engine.deadline_base_s` (f.toml): must be above 0",
        ),
        (
            "[broker]\nurl = \"amqp://u:hush@mq.example/\"",
            "setting `broker.url` (f.toml): amqp:// to another host",
        ),
        (
            "[store]\nendpoint = \"ftp://h\"",
            "setting `store.endpoint` (f.toml): expected http:// or https://host",
        ),
        (
            "[store]\nkind = \"dir\"",
            "setting `store.dir` (default): must be set",
        ),
        (
            "[retry]\ndelays_s = [30, 30]",
            "setting `retry.delays_s` (f.toml): at least one delay",
        ),
        (
            "[admin]\nlisten = \"here\"",
            "setting `admin.listen` (f.toml): expected ADDRESS:PORT",
        ),
        ("[broker]\nurl = \"hush", "read settings f.toml: "),
    ] {
        refused(file, message);
    }
}

fn refused(file: &str, message: &str) {
    let error = assemble(Some((Path::new("f.toml"), file)), &[], &[]).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(message), "{file}: {text}");
    assert!(!format!("{error:?}{text}").contains("hush"), "{text}");
}

#[test]
fn what_a_worker_would_refuse_is_refused_when_it_is_read() {
    for (file, message) in [
        (
            "[limits]\nmax_channels = 9",
            "setting `limits.max_channels` (f.toml): 9 is not within 1 to 8",
        ),
        (
            "[limits]\nmax_duration_ms = 0",
            "setting `limits.max_duration_ms` (f.toml): must be above 0",
        ),
        (
            "[limits]\nmin_sample_rate_hz = 0",
            "setting `limits.min_sample_rate_hz` (f.toml): must be above 0",
        ),
        (
            "[limits]\nmax_sample_rate_hz = 3999",
            "setting `limits.max_sample_rate_hz` (f.toml): is below limits.min_sample_rate_hz",
        ),
        ("[log]\nlevel = \"a=b=c\"", "setting `log.level` (f.toml): "),
        (
            "[security]\nsigning_keys = \"k1:hush\"",
            "setting `security.signing_keys` (f.toml): key 1: 32 to 64 bytes",
        ),
    ] {
        refused(file, message);
    }
}

#[test]
fn what_cannot_be_an_account_or_the_way_to_a_role_is_refused() {
    for (file, message) in [
        (
            "[store]\nbucket_owner = \"12345678901\"",
            "setting `store.bucket_owner` (f.toml): expected an account's number: 12 digits",
        ),
        (
            "[store]\ntenant_role = \"jobs\"",
            "setting `store.tenant_role` (f.toml): expected a role's ARN",
        ),
        (
            "[store]\nsts_endpoint = \"http://sts.example\"",
            "setting `store.sts_endpoint` (f.toml): http:// to another host",
        ),
        (
            "[store]\nendpoint = \"https://s3.example\"\ntenant_role = \"arn:aws:iam::123456789012:role/jobs\"",
            "setting `store.sts_endpoint` (default): must be set",
        ),
        (
            "[store]\nkind = \"dir\"\ndir = \"x\"\ntenant_role = \"arn:aws:iam::123456789012:role/jobs\"",
            "setting `store.tenant_role` (f.toml): a directory has no roles",
        ),
    ] {
        refused(file, message);
    }
}
