//! S3 inventories. In: the `manifest.json` of one, with gzip-compressed CSV files beside it. Out: items, newest versions only.
//! Fails where the inventory is not CSV, or a file of it is not as long as the manifest says.
//! Source: Amazon S3 User Guide, "Locating your inventory list".

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use flate2::bufread::MultiGzDecoder;
use job_schema::ObjectKey;
use job_schema::job::BucketName;
use serde::Deserialize;

use super::source::{Reader, SourceError, Wanted};
use crate::store::{BlobStore, Location, Pin};

const MAX_MANIFEST_BYTES: u64 = 16 << 20;
/// Amazon writes files of some 100 MB at most.
const MAX_FILE_BYTES: u64 = 1 << 30;
const MAX_TEXT_BYTES: u64 = 8 << 30;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    source_bucket: String,
    file_format: String,
    file_schema: String,
    files: Vec<InventoryFile>,
}

#[derive(Debug, Deserialize)]
struct InventoryFile {
    key: ObjectKey,
    size: u64,
}

/// Where the fields stand in each line.
struct Columns {
    key: usize,
    version_id: Option<usize>,
    is_latest: Option<usize>,
    is_delete_marker: Option<usize>,
    size: Option<usize>,
}

pub async fn inventory(
    store: &dyn BlobStore,
    at: &Location,
    reader: &mut Reader<'_>,
) -> Result<(), SourceError> {
    let wrong = |why: &str| SourceError::Inventory(why.to_owned());
    let bytes = store.get(at, MAX_MANIFEST_BYTES).await?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|_| wrong("its manifest.json does not parse"))?;
    if manifest.file_format != "CSV" {
        return Err(wrong(
            "it is not in CSV format: ORC and Parquet are not read",
        ));
    }
    let source: BucketName = manifest
        .source_bucket
        .parse()
        .map_err(|_| wrong("its source is no bucket"))?;
    let columns = Columns::read(&manifest.file_schema)?;
    let mut number = 0;
    for file in &manifest.files {
        let at = Location::new(at.bucket.clone(), file.key.clone());
        let (packed, size_bytes) = fetched(store, &at).await?;
        if size_bytes != file.size {
            return Err(wrong("a file is not as long as the manifest says"));
        }
        let mut text = MultiGzDecoder::new(BufReader::new(packed)).take(MAX_TEXT_BYTES);
        columns.lines(&mut text, &source, &mut number, reader)?;
        if text.limit() == 0 {
            return Err(wrong("a file holds more than 8 GiB of text"));
        }
    }
    Ok(())
}

/// Into a file without a name: at its limit one would fill a small machine's memory.
async fn fetched(store: &dyn BlobStore, at: &Location) -> Result<(File, u64), SourceError> {
    let mut file = tempfile::tempfile()?;
    let mut writer = tokio::fs::File::from_std(file.try_clone()?);
    let pin = Pin::default();
    let fetched = store.fetch(at, &pin, &mut writer, MAX_FILE_BYTES).await?;
    file.rewind()?;
    Ok((file, fetched.size_bytes))
}

impl Columns {
    fn read(schema: &str) -> Result<Self, SourceError> {
        let names: Vec<&str> = schema.split(',').map(str::trim).collect();
        let place = |name: &str| names.iter().position(|known| *known == name);
        let key =
            place("Key").ok_or_else(|| SourceError::Inventory("it has no keys".to_owned()))?;
        Ok(Self {
            key,
            version_id: place("VersionId"),
            is_latest: place("IsLatest"),
            is_delete_marker: place("IsDeleteMarker"),
            size: place("Size"),
        })
    }

    fn lines(
        &self,
        text: &mut impl Read,
        source: &BucketName,
        number: &mut u64,
        reader: &mut Reader<'_>,
    ) -> Result<(), SourceError> {
        let mut lines = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        for record in lines.records() {
            *number += 1;
            let record = record.map_err(std::io::Error::from)?;
            let field = |place: Option<usize>| place.and_then(|at| record.get(at));
            if field(self.is_latest) == Some("false")
                || field(self.is_delete_marker) == Some("true")
            {
                continue;
            }
            let Some(key) = unescaped(field(Some(self.key)).unwrap_or_default()) else {
                reader.add(*number, Err("the key is not URL-encoded UTF-8".to_owned()));
                continue;
            };
            let version_id = field(self.version_id).filter(|id| !id.is_empty());
            let wanted = Wanted {
                key,
                bucket: Some(source.to_string()),
                version_id: version_id.map(str::to_owned),
                size_bytes: field(self.size).and_then(|size| size.parse().ok()),
                ..Wanted::default()
            };
            reader.add(*number, Ok(wanted));
        }
        Ok(())
    }
}

/// Inventories write keys URL-encoded, a space as `+`.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
