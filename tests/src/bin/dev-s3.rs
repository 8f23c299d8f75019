//! The development S3 API: a directory served on one address until the process is stopped.
//! Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use earwitness_tests::s3::{ACCESS_KEY_ID, S3Server, SECRET_ACCESS_KEY};

/// An S3 API over a directory, for development and tests.
#[derive(Debug, Parser)]
#[command(name = "dev-s3")]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Where the objects are kept.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A bucket to make if it is not there; may be repeated.
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    #[arg(long, env = "AWS_ACCESS_KEY_ID", default_value = ACCESS_KEY_ID)]
    access_key_id: String,
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", default_value = SECRET_ACCESS_KEY, hide_env_values = true)]
    secret_access_key: String,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command: its output is its answer")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let data = &arguments.data;
    std::fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
    let buckets: Vec<&str> = arguments.buckets.iter().map(String::as_str).collect();
    let keys = (
        arguments.access_key_id.as_str(),
        arguments.secret_access_key.as_str(),
    );
    let server = S3Server::listen(arguments.listen, data, &buckets, keys).await?;
    println!("{}", server.endpoint());
    tokio::select! {
        served = server.wait() => served,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("wait for Ctrl-C"),
    }
}
