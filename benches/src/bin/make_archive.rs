//! Writes an archive of made-up ten-minute calls for a whole run of `earwitness rescore`. In: a folder, a number of calls, and
//! the rules that they were scored with. Out: a directory store. Afterwards:
//! `EARWITNESS__STORE__KIND=dir EARWITNESS__STORE__DIR=… earwitness rescore --tenant acme --rules …`.

use std::path::Path;
use std::sync::Arc;

use analysis::RuleSet;
use anyhow::{Context, Result, bail};
use earwitness::results::Scoring;
use earwitness_benches::archive;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, count, rules] = arguments.as_slice() else {
        bail!("usage: make_archive DIR COUNT RULES.toml");
    };
    let text = std::fs::read_to_string(rules).context("read rules")?;
    let scoring = Scoring {
        rules: Some(Arc::new(RuleSet::parse(&text)?)),
        ..Scoring::default()
    };
    archive::write(Path::new(dir), count.parse().context("COUNT")?, &scoring)
}
