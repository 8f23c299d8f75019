//! As much of a URL as the settings need: scheme and host, and a form without the password.

use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority<'a> {
    pub scheme: &'a str,
    pub host: &'a str,
}

impl Authority<'_> {
    /// Whether the bytes stay on this host, so that nobody can read along.
    pub fn is_loopback(&self) -> bool {
        let is_local_address = |ip: IpAddr| ip.is_loopback();
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse().is_ok_and(is_local_address)
    }
}

/// Scheme and host of `scheme://user:password@host:port/path`; `None` where it is not of that shape.
pub fn authority(url: &str) -> Option<Authority<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let host = match host_port.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => host_port.split(':').next()?,
    };
    (!host.is_empty()).then_some(Authority { scheme, host })
}

/// The URL with its password as `***` and its query gone, for people to read.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.is_empty() { "" } else { "***" }.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // An unescaped `/` or `@` in a password is a mistake, but must not be printed either.
    match rest.rsplit_once('@') {
        Some((user_info, host)) => {
            let user = user_info.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_behind_user_and_port() {
        for (url, host, local) in [
            ("amqp://guest:guest@127.0.0.1:5672/%2f", "127.0.0.1", true),
            ("amqps://u:p%40@mq.example.com", "mq.example.com", false),
            ("http://[::1]:9000/x", "::1", true),
            ("http://LOCALHOST", "LOCALHOST", true),
            (
                "http://localhost.evil.example",
                "localhost.evil.example",
                false,
            ),
            ("http://127.0.0.1@evil.example/", "evil.example", false),
        ] {
            let found = authority(url).unwrap();
            assert_eq!((found.host, found.is_loopback()), (host, local), "{url}");
        }
        for url in [
            "",
            "localhost:5672",
            "amqp://",
            "amqp://u@:5/",
            "http://[::1",
        ] {
            assert_eq!(authority(url), None, "{url}");
        }
    }

    #[test]
    fn a_printed_url_has_no_password() {
        for (url, printed) in [
            ("amqp://u:secret@h:1/v", "amqp://u:***@h:1/v"),
            ("amqp://u:sec/ret@h/v", "amqp://u:***@h/v"),
            ("amqp://u:sec@ret@h/v", "amqp://u:***@h/v"),
            ("http://h/?token=secret", "http://h/"),
            ("secret", "***"),
            ("", ""),
        ] {
            assert_eq!(redacted(url), printed, "{url}");
        }
    }
}
