//! A Ceph cluster of one monitor and one daemon that keeps objects in memory, with its S3 gateway: a store that none of us
//! wrote and that many run. In: Debian's packages `ceph-mon`, `ceph-osd`, `ceph-common` and `radosgw`; bucket names. Out:
//! [`Ceph`], whose processes are killed when it is dropped, or nothing where the packages are not installed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::moto;
use crate::process::{free_port, output_of};
use crate::s3::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::signals::until;

pub const PACKAGES: &str = "ceph-mon, ceph-osd, ceph-common and radosgw";
const PROGRAMS: [&str; 5] = ["ceph-mon", "ceph-osd", "ceph", "radosgw", "radosgw-admin"];

#[derive(Debug)]
pub struct Ceph {
    dir: TempDir,
    gateway_port: u16,
    processes: Vec<Child>,
}

impl Ceph {
    /// A cluster with these buckets; `None` where it cannot be had.
    ///
    /// # Errors
    /// A part of it does not start.
    pub async fn start(buckets: &[&str]) -> anyhow::Result<Option<Self>> {
        if PROGRAMS.iter().any(|program| !is_installed(program))
            || moto::installed().await?.is_none()
        {
            return Ok(None);
        }
        let (monitor_port, gateway_port) = (free_port()?, free_port()?);
        let mut ceph = Self {
            dir: tempfile::tempdir()?,
            gateway_port,
            processes: Vec::new(),
        };
        let fsid = Uuid::now_v7().to_string();
        ceph.configure(&fsid, monitor_port)?;
        ceph.start_monitor(&fsid, monitor_port).await?;
        ceph.start_daemon().await?;
        ceph.start_gateway().await?;
        for bucket in buckets {
            ceph.make_bucket(bucket).await?;
        }
        Ok(Some(ceph))
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.gateway_port))
    }

    fn configure(&self, fsid: &str, monitor_port: u16) -> anyhow::Result<()> {
        for folder in ["mon", "osd", "run", "rgw"] {
            std::fs::create_dir(self.dir.path().join(folder))?;
        }
        let dir = self.dir.path().display();
        let gateway_port = self.gateway_port;
        let text = format!(
            "[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor_port}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr1 = false
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
mon max pg per osd = 1000
mon allow pool size one = true
mon data avail crit = 1
mon data = {dir}/mon
osd data = {dir}/osd
rgw data = {dir}/rgw
admin socket = {dir}/run/$name.asok
pid file = {dir}/run/$name.pid
log file = {dir}/$name.log
[client.admin]
rgw frontends = beast endpoint=127.0.0.1:{gateway_port}
rgw run sync thread = false
rgw s3 auth use sts = true
rgw sts key = sixteen-letters.
"
        );
        Ok(std::fs::write(self.file("ceph.conf"), text)?)
    }

    async fn start_monitor(&mut self, fsid: &str, port: u16) -> anyhow::Result<()> {
        let map = self.file("monmap").display().to_string();
        let address = format!("[v2:127.0.0.1:{port}]");
        self.run(
            "monmaptool",
            &["--create", "--fsid", fsid, "--addv", "a", &address, &map],
        )
        .await?;
        self.run("ceph-mon", &["-i", "a", "--mkfs", "--monmap", &map])
            .await?;
        self.spawn("ceph-mon", &["-f", "-i", "a"])?;
        until("the monitor to answer", async || {
            Ok(self
                .run("ceph", &["--connect-timeout", "5", "mon", "stat"])
                .await
                .ok())
        })
        .await?;
        Ok(())
    }

    async fn start_daemon(&mut self) -> anyhow::Result<()> {
        let id = Uuid::now_v7().to_string();
        self.run("ceph", &["osd", "new", &id]).await?;
        self.run("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", &id])
            .await?;
        let place = [
            "osd",
            "crush",
            "add",
            "osd.0",
            "1.0",
            "root=default",
            "host=here",
        ];
        self.run("ceph", &place).await?;
        self.spawn("ceph-osd", &["-f", "-i", "0"])?;
        until("the daemon to be up", async || {
            let stat = self.run("ceph", &["osd", "stat"]).await?;
            Ok(stat.contains("1 up").then_some(()))
        })
        .await
    }

    async fn start_gateway(&mut self) -> anyhow::Result<()> {
        let user = [
            "user",
            "create",
            "--uid=earwitness",
            "--display-name=earwitness",
            &format!("--access-key={ACCESS_KEY_ID}"),
            &format!("--secret-key={SECRET_ACCESS_KEY}"),
        ];
        self.run("radosgw-admin", &user).await?;
        self.spawn("radosgw", &["-f", "-n", "client.admin", "--no-mon-config"])?;
        let address = ("127.0.0.1", self.gateway_port);
        until("the gateway to listen", async || {
            Ok(tokio::net::TcpStream::connect(address).await.ok().map(drop))
        })
        .await
    }

    /// A role that may do anything with every bucket, and that the user of [`ACCESS_KEY_ID`] may assume at the gateway. Returns
    /// its ARN.
    pub async fn make_role(&self, name: &str) -> anyhow::Result<String> {
        let role = format!("--role-name={name}");
        let trust = r#"--assume-role-policy-doc={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/earwitness"]},"Action":["sts:AssumeRole"]}]}"#;
        let rights = r#"--policy-doc={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}"#;
        self.run("radosgw-admin", &["role", "create", &role, trust])
            .await?;
        let put = ["role-policy", "put", &role, "--policy-name=all", rights];
        self.run("radosgw-admin", &put).await?;
        Ok(format!("arn:aws:iam:::role/{name}"))
    }

    /// By the client that moto brings along: our own makes no buckets.
    async fn make_bucket(&self, bucket: &str) -> anyhow::Result<()> {
        const MAKE: &str = "s3.create_bucket(Bucket=sys.argv[4])";
        let keys = (ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        moto::boto(&self.endpoint(), keys, MAKE, &[bucket])
            .await
            .map(drop)
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        output_of(self.command(program, arguments), program).await
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = self.command(program, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command
            .spawn()
            .with_context(|| format!("start {program}"))?;
        self.processes.push(process);
        Ok(())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("CEPH_CONF", self.file("ceph.conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
