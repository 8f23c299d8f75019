//! One connection. In: the settings. Out: a connection with heartbeats, a name and no recovery of its own.
//! The URL holds a password, so no error here quotes it.

use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use secrecy::ExposeSecret;

use super::error::{BrokerError, answered};
use crate::config::{self, url};

pub(super) async fn open(settings: &config::Broker, name: &str) -> Result<Connection, BrokerError> {
    let uri = uri(settings)?;
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connecting = Connection::connect_uri(uri, properties);
    answered("connect to broker", settings.connect_timeout, connecting).await
}

pub(super) fn uri(settings: &config::Broker) -> Result<AMQPUri, BrokerError> {
    let refused = |reason: &str| BrokerError::Settings(reason.to_owned());
    let Some(text) = &settings.url else {
        return Err(refused("broker.url is not set"));
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
