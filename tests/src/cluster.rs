//! Three RabbitMQ nodes that are one broker. In: a directory. Out: [`Cluster`], whose nodes share a cookie and the first
//! one's port mapper, so that they find each other on this host and no other node does; all are stopped when dropped. Fails
//! when a node does not start or join.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

use crate::node::Node;

/// Quorum queues have as many members by default.
const NODES: usize = 3;

#[derive(Debug)]
pub struct Cluster {
    pub nodes: Vec<Node>,
}

impl Cluster {
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        let mut nodes = Vec::<Node>::new();
        for n in 0..NODES {
            let home = dir.join(n.to_string());
            write_cookie(&home)?;
            if n > 0 {
                share_port_mapper(&dir.join("0"), &home)?;
            }
            let node = Node::start(&home, "").await?;
            if let Some(first) = nodes.first() {
                let name = first.name()?;
                node.control(&["stop_app"]).await?;
                node.control(&["join_cluster", &name]).await?;
                node.control(&["start_app"]).await?;
            }
            nodes.push(node);
        }
        Ok(Self { nodes })
    }

    /// Of each queue with this prefix: the node that leads it, and how many hold it.
    pub async fn queues(&self, prefix: &str) -> anyhow::Result<Vec<(String, usize)>> {
        let last = self.nodes.last().context("a cluster has nodes")?;
        let list = [
            "list_queues",
            "--no-table-headers",
            "name",
            "leader",
            "members",
        ];
        let answer = last.control(&list).await?;
        let own = answer.lines().filter(|line| line.starts_with(prefix));
        let rows = own.map(|line| {
            let mut fields = line.split('\t').skip(1);
            let leader = fields.next().unwrap_or_default().to_owned();
            let members = fields.next().unwrap_or_default();
            (leader, members.split(',').count())
        });
        Ok(rows.collect())
    }
}

/// What nodes know each other by.
fn write_cookie(home: &Path) -> anyhow::Result<()> {
    let folder = home.join("rabbitmq");
    std::fs::create_dir_all(&folder)?;
    let cookie = folder.join(".erlang.cookie");
    std::fs::write(&cookie, "EARWITNESSTESTCLUSTER")?;
    // Erlang refuses one that others may read.
    std::fs::set_permissions(&cookie, std::fs::Permissions::from_mode(0o400))?;
    Ok(())
}

fn share_port_mapper(first: &Path, home: &Path) -> anyhow::Result<()> {
    for file in ["epmd.pid", "epmd.port"] {
        std::fs::copy(first.join(file), home.join(file))?;
    }
    Ok(())
}
