//! The `earwitness` binary.

fn main() -> std::process::ExitCode {
    earwitness::cli::main()
}
