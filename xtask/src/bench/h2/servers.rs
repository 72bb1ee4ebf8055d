//! The servers of HTTP/2, alike in all that matters.

use crate::bench::servers::{Place, Server, listens, text, words};

/// All, ours first.
pub(super) const SERVERS: [Server; 5] = [
    Server {
        name: "sakigake",
        port: 24_101,
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
        is_up: listens,
    },
    Server {
        name: "h2o",
        port: 24_102,
        is_bar: true,
        program: |_| "h2o".into(),
        version: &["--version"],
        config: h2o,
        arguments: |_, _, config| words(&["-c", &text(config)]).collect(),
        is_up: listens,
    },
    Server {
        name: "nginx",
        port: 24_103,
        is_bar: true,
        program: |_| "nginx".into(),
        version: &["-v"],
        config: nginx,
        arguments: |place, _, config| words(&["-p", &text(&place.folder), "-c", &text(config)]).collect(),
        is_up: listens,
    },
    Server {
        name: "hyper",
        port: 24_104,
        is_bar: false,
        program: |place| place.peers.program("peer-hyper-h2"),
        version: &[],
        config: |_, _| String::new(),
        arguments: |place, port, _| {
            vec![format!("127.0.0.1:{port}"), place.cert(), place.key(), text(&place.site)]
        },
        is_up: listens,
    },
    Server {
        name: "caddy",
        port: 24_105,
        is_bar: false,
        program: |_| "caddy".into(),
        version: &["version"],
        config: caddy,
        arguments: |_, _, config| {
            words(&["run", "--adapter", "caddyfile", "--config", &text(config)]).collect()
        },
        is_up: listens,
    },
];

fn h2o(place: &Place, port: u16) -> String {
    format!(
        "user: root\nnum-threads: 1\nmax-connections: 16384\nhttp2-idle-timeout: 600\n\
         listen:\n  host: 127.0.0.1\n  port: {port}\n  ssl:\n    certificate-file: {}\n    key-file: {}\n    \
         minimum-version: TLSv1.2\nhosts:\n  default:\n    paths:\n      /:\n        file.dir: {}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}

fn nginx(place: &Place, port: u16) -> String {
    format!(
        "daemon off;\nuser root;\nworker_processes 1;\nworker_rlimit_nofile 20000;\npid nginx.pid;\n\
         error_log stderr error;\nevents {{ worker_connections 16384; }}\nhttp {{\n  access_log off;\n  \
         client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;\n  \
         sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600;\n  \
         open_file_cache max=1000;\n  ssl_protocols TLSv1.3;\n  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;\n  \
         server {{\n    listen 127.0.0.1:{port} ssl http2;\n    ssl_certificate {};\n    ssl_certificate_key {};\n    \
         root {};\n  }}\n}}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}

fn caddy(place: &Place, port: u16) -> String {
    format!(
        "{{\n  admin off\n  auto_https off\n  log {{\n    output discard\n  }}\n  servers {{\n    \
         protocols h1 h2\n    timeouts {{\n      idle 10m\n    }}\n  }}\n}}\nhttps://127.0.0.1:{port}, https://localhost:{port} {{\n  bind 127.0.0.1\n  \
         tls {} {} {{\n    protocols tls1.3\n  }}\n  root * {}\n  file_server\n}}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}
