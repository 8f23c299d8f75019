//! One connection. In: the settings. Out: a connection with heartbeats, a name and no recovery of its own, encrypted unless
//! the broker is on this host. The URL holds a password, so no error here quotes it.

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, runtime};
use secrecy::ExposeSecret;

use super::error::{BrokerError, answered};
use crate::config::{self, url};
use crate::trust::{BAD_CERTIFICATE, authorities};

const ACTION: &str = "connect to broker";

pub(super) async fn open(settings: &config::Broker, name: &str) -> Result<Connection, BrokerError> {
    let uri = uri(settings)?;
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let tls = trust(settings)?;
    let connecting = async {
        let runtime = runtime::default_runtime()?;
        Connection::connect_uri_with_config(uri, properties, tls, runtime).await
    };
    let connected = answered(ACTION, settings.connect_timeout, connecting).await;
    connected.map_err(|error| match error {
        BrokerError::Failed { reason, .. } if reason.contains(BAD_CERTIFICATE) => {
            BrokerError::Untrusted { reason }
        }
        other => other,
    })
}

/// The authorities to trust beside the system's.
pub(super) fn trust(settings: &config::Broker) -> Result<OwnedTLSConfig, BrokerError> {
    let own = settings.ca_file.as_deref().map(authorities).transpose();
    let own = own.map_err(|e| BrokerError::Settings(format!("broker.ca_file: {e}")))?;
    Ok(OwnedTLSConfig {
        identity: None,
        cert_chain: own.map(|certificates| certificates.concat()),
    })
}

pub(super) fn uri(settings: &config::Broker) -> Result<AMQPUri, BrokerError> {
    let refused = |reason: &str| BrokerError::Settings(reason.to_owned());
    let Some(text) = &settings.url else {
        return Err(refused("broker.url is not set: set it, or AMQP_URL"));
    };
    let text = text.expose_secret();
    let shape = || refused("broker.url is not an AMQP URL");
    let authority = url::authority(text).ok_or_else(shape)?;
    if authority.scheme == "amqp" && !authority.is_loopback() && !settings.allow_plaintext {
        return Err(refused(
            "amqp:// to another host is readable on the way: use amqps://",
        ));
    }
    let mut uri: AMQPUri = text.parse().map_err(|_| shape())?;
    uri.query.heartbeat = Some(settings.heartbeat_s);
    Ok(uri)
}
