//! The fault bench in its short form: every kind of fault but the alarms. `scripts/soak` is the long one.

use std::time::Duration;

use earwitness::broker::Broker;
use earwitness::config;
use earwitness::topology::Topology;
use earwitness_tests::chaos::schedule::Wanted;
use earwitness_tests::chaos::weather::Rates;
use earwitness_tests::node::Node;
use earwitness_tests::rabbit::PlainClient;
use earwitness_tests::soak::{self, Options};

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost_and_no_effect_comes_twice_under_faults() {
    let options = Options {
        jobs: 60,
        limit: Duration::from_secs(180),
        seed: 1,
        workers: 2,
        slots: 4,
        wanted: Wanted {
            worker_kills: 3,
            broker_kills: 1,
            connection_cuts: 2,
            alarms: 0,
        },
        rates: Rates::PROMISED,
        talk: false,
    };
    let report = soak::run(options).await.unwrap();
    assert!(soak::held(&report.verdict), "{report}");
    assert_eq!(report.verdict.manifests_count, 60, "{report}");
    assert!(report.has_store_faults(), "{report}");
}

/// A queue that RabbitMQ 3.10 has lost the name of takes messages and never confirms one.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_a_new_queue_has_confirmed_outlives_a_kill_of_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), "").await.unwrap();
    let flags = [("broker.url", node.broker().url().to_owned())];
    let settings = config::assemble(None, &[], &flags).unwrap().config.broker;
    let topology = Topology::new("test".to_owned(), [Duration::from_secs(3_600)]);
    let broker = Broker::connect(&settings, topology.clone(), "test")
        .await
        .unwrap();
    broker.declare().await.unwrap();
    let plain = PlainClient::connect(node.broker()).await.unwrap();
    for queue in topology.queues() {
        let before = [b"before".to_vec()];
        plain.publish_all("", &queue.name, &before).await.unwrap();
    }
    node.kill().await.unwrap();
    node.start_again().await.unwrap();
    let plain = PlainClient::connect(node.broker()).await.unwrap();
    for queue in topology.queues() {
        let after = [b"after".to_vec()];
        let confirmed = plain.publish_all("", &queue.name, &after);
        let confirmed = tokio::time::timeout(CONFIRM_LIMIT, confirmed).await;
        confirmed.expect(&queue.name).unwrap();
        let first = plain.take(&queue.name).await.unwrap().unwrap();
        assert_eq!(first.body, b"before", "{}", queue.name);
    }
}
