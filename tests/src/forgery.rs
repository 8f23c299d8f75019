//! Jobs as somebody would alter them who may publish and has seen a good one, but has no key. In: a signed job and a
//! number. Out: a body that is another job, or none.

use serde_json::{Value, json};

use crate::media::mutate::Random;

/// Kinds of alteration: each number below it is one.
pub const KINDS: usize = 22;

/// The numbers that make bodies the worker cannot even read as a job of one tenant; the rest lack a good signature.
pub fn is_no_job(kind: usize) -> bool {
    kind < 5
}

/// One alteration. `other` is a good job of another tenant.
pub fn forge(genuine: &Value, other: &Value, kind: usize, random: &mut Random) -> Vec<u8> {
    let mut job = genuine.clone();
    let name = format!("x{:x}", random.number());
    match kind {
        0 => job["tenant"] = other["tenant"].clone(),
        1 => job["recording"]["key"] = other["recording"]["key"].clone(),
        2 => {
            job["recording"]["key"] = json!(format!("acme/../{}", text(&other["recording"]["key"])))
        }
        3 => {
            let more = format!(",\"tenant\":{}}}", other["tenant"]);
            let body = job.to_string();
            return [body.trim_end_matches('}'), "}", &more]
                .concat()
                .into_bytes();
        }
        4 => job[name] = json!(1),
        5 => {
            job["tenant"] = other["tenant"].clone();
            job["recording"] = other["recording"].clone();
        }
        6 => job["call"] = json!(name),
        7 => job["recording"]["key"] = json!(format!("acme/{name}.wav")),
        8 => job["recording"]["bucket"] = json!("results"),
        9 => job["lane"] = json!("interactive"),
        10 => job["options"] = json!({ "vocabulary": [name] }),
        11 => job["options"] = json!({ "model": name }),
        12 => job["not_after"] = json!(format!("20{}-01-01T00:00:00Z", 30 + random.below(60))),
        13 => remove(&mut job, "not_after"),
        14 => remove(&mut job, "signature"),
        15 => job["signature"]["mac"] = json!(digits(random)),
        16 => job["signature"]["key_id"] = json!(name),
        17 => job["signature"]["nonce"] = json!(name),
        18 => job["signature"]["baa"] = json!(true),
        19 => job["signature"] = other["signature"].clone(),
        20 => job["recording"]["sha256"] = json!(digits(random)),
        _ => {
            // A good job of the other tenant, with this one's call and recording.
            job = other.clone();
            job["call"] = genuine["call"].clone();
            job["recording"]["etag"] = json!(name);
        }
    }
    job.to_string().into_bytes()
}

fn remove(job: &mut Value, field: &str) {
    if let Some(fields) = job.as_object_mut() {
        fields.remove(field);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// As a digest is written.
fn digits(random: &mut Random) -> String {
    (0..4)
        .map(|_| format!("{:016x}", random.number()))
        .collect()
}
