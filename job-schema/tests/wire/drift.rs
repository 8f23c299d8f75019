//! The committed schemas and catalogue are what the types say now.

use std::path::Path;

use job_schema::schema;

#[test]
fn committed_schemas_are_what_the_types_say() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    let mut stale = Vec::new();
    for (path, text) in schema::render_all() {
        let file = crate_root.join(&path);
        if std::fs::read_to_string(&file).is_ok_and(|committed| committed == text) {
            continue;
        }
        if update {
            std::fs::write(&file, text).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(
        stale.is_empty(),
        "{stale:?} differ from the types. If the change is meant: `earwitness schema print --write job-schema`, \
         or UPDATE_SCHEMAS=1 cargo test -p job-schema --test wire; then commit the files with it."
    );
}
