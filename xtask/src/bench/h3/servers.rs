//! The servers of HTTP/3, alike in all that matters.

use super::load::answers;
use crate::bench::servers::{Place, Server, text, words};

/// All, ours first.
pub(super) const SERVERS: [Server; 3] = [
    Server {
        name: "sakigake",
        port: 24_111,
        is_bar: true,
        program: |place| place.ours.join("sakigake"),
        version: &[],
        config: |place, port| {
            let (site, cert, key) = (text(&place.site), place.cert(), place.key());
            format!(
                "listen = '127.0.0.1:{port}'\nlimits.connections_per_address = 16384\nlog.access = 'off'\n\
                 [hosts.localhost]\nfolder = '{site}'\ncertificate = '{cert}'\nkey = '{key}'\n"
            )
        },
        arguments: |_, _, config| words(&["run", &text(config)]).collect(),
        is_up: answers,
    },
    Server {
        name: "h3+quinn",
        port: 24_112,
        is_bar: true,
        program: |place| place.peers.program("peer-h3"),
        version: &[],
        config: |_, _| String::new(),
        arguments: |place, port, _| {
            vec![format!("127.0.0.1:{port}"), place.cert(), place.key(), text(&place.site)]
        },
        is_up: answers,
    },
    Server {
        name: "caddy",
        port: 24_113,
        is_bar: true,
        program: |_| "caddy".into(),
        version: &["version"],
        config: caddy,
        arguments: |_, _, config| {
            words(&["run", "--adapter", "caddyfile", "--config", &text(config)]).collect()
        },
        is_up: answers,
    },
];

fn caddy(place: &Place, port: u16) -> String {
    format!(
        "{{\n  admin off\n  auto_https off\n  log {{\n    output discard\n  }}\n  servers {{\n    \
         protocols h1 h2 h3\n    timeouts {{\n      idle 10m\n    }}\n  }}\n}}\nhttps://127.0.0.1:{port}, https://localhost:{port} {{\n  bind 127.0.0.1\n  \
         tls {} {} {{\n    protocols tls1.3\n  }}\n  root * {}\n  file_server\n}}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}
