//! What lies in the results bucket at the end, read from the store's directory and not through its API: nothing that a
//! proxy or a client does can hide something. In: the bucket's directory. Out: every manifest, with what does not agree with it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use earwitness::spec::sha256;
use job_schema::manifest::Manifest;

use super::checker::Result as Found;
use super::producer::TENANTS;

/// All results, and how many folders of a result have no manifest.
pub(super) fn results(bucket: &Path) -> anyhow::Result<(Vec<Found>, u64)> {
    let (mut found, mut orphans_count) = (Vec::new(), 0);
    for tenant in TENANTS {
        for call in folders(&bucket.join(tenant).join("calls"))? {
            for result in folders(&call)? {
                let objects = objects(&result)?;
                match objects.get("manifest.json") {
                    Some(bytes) => found.push(result_of(bytes, &objects)?),
                    None if objects.is_empty() => {}
                    None => orphans_count += 1,
                }
            }
        }
    }
    Ok((found, orphans_count))
}

fn result_of(bytes: &[u8], objects: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Found> {
    let manifest: Manifest = serde_json::from_slice(bytes).context("a manifest does not parse")?;
    let mut defects = Vec::new();
    for listed in &manifest.objects {
        match objects.get(&listed.name) {
            None => defects.push(format!("{} is missing", listed.name)),
            Some(bytes) if sha256(bytes) != listed.sha256 => {
                defects.push(format!("{} differs", listed.name));
            }
            Some(_) => {}
        }
    }
    // A checkpoint that could not be deleted is a little space and no defect.
    let own = ["manifest.json", "checkpoint.json"];
    let listed: Vec<&str> = manifest.objects.iter().map(|o| o.name.as_str()).collect();
    let strays = objects
        .keys()
        .filter(|name| !own.contains(&name.as_str()) && !listed.contains(&name.as_str()));
    defects.extend(strays.map(|name| format!("{name} is not listed")));
    Ok(Found {
        job: manifest.job_id,
        call: format!("{}/{}", manifest.tenant, manifest.call),
        manifest_sha256: sha256(bytes),
        recording_sha256: manifest.recording_sha256,
        defects,
    })
}

fn objects(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut objects = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            objects.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(objects)
}

fn folders(of: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(of).with_context(|| format!("list {}", of.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}
