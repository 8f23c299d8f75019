//! `earwitness --version [--verbose]`.

use std::process::ExitCode;

use super::out;

pub(super) fn print(verbose: bool) -> ExitCode {
    out::line(format_args!("earwitness {}", env!("CARGO_PKG_VERSION")));
    if verbose {
        out::line(format_args!(
            "engine      {}",
            models::whisper::engine_version()
        ));
        out::line(format_args!(
            "native      {}, {}",
            models::native::engine_version(),
            models::native::instructions()
        ));
        out::line(format_args!(
            "cpu         {}",
            models::whisper::system_info().trim()
        ));
        out::line(format_args!("tls         rustls with ring"));
    }
    ExitCode::SUCCESS
}
