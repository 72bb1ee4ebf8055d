//! Plain HTTP: a listener that sends everybody to HTTPS and answers nothing else.

use super::worker::{Here, Worker};
use crate::{
    files::{Ask, error_reply},
    handler::{Answer, Dispatched, Handler, Served},
    hosts::Hosts,
    http1,
    redirect::Redirect,
    service::Peer,
};
use std::{net::SocketAddr, rc::Rc, time::SystemTime};
use tokio::net::TcpStream;

/// A connection's life; `port` is where HTTPS is.
pub(super) async fn connection(worker: &Rc<Worker>, stream: TcpStream, client: SocketAddr, port: u16) {
    worker.shard.cleartext();
    let limits = worker.here().site.http1;
    let front = Rc::new(Upgrade { worker: worker.clone(), client, port });
    // What a client does wrong here it will do again over HTTPS, where it is logged.
    let _ = http1::serve(stream, front, Peer::new(client, None), limits, worker.stop.told()).await;
}

struct Upgrade {
    worker: Rc<Worker>,
    client: SocketAddr,
    port: u16,
}

impl Handler for Upgrade {
    fn answer(&self, authority: &[u8], ask: &Ask<'_>, _: SystemTime) -> Dispatched {
        let here: Rc<Here> = self.worker.here();
        let reply = match elsewhere(&here.site.hosts, authority, self.port) {
            Ok(redirect) => redirect.answer(ask),
            Err(status) => error_reply(status, ask.method == b"HEAD"),
        };
        let visit = here.site.log.visit(ask.fields);
        Dispatched { seat: here.seat(authority).cloned(), answer: Answer::Reply(reply), visit }
    }

    fn client(&self) -> SocketAddr {
        self.client
    }

    fn served(&self, served: &Served) {
        self.worker.count(served);
        self.worker.here().site.log.write(&served.entry(self.client, ""));
    }
}

/// Where a request for `authority` belongs: to a host of ours, by a name that is known or at least is one. Nothing else that
/// the client wrote gets into the answer but the path.
fn elsewhere(hosts: &Hosts, authority: &[u8], port: u16) -> Result<Redirect, u16> {
    let name = hosts.public_name(authority)?;
    let name = name.as_str();
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let address = if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") };
    Redirect::to(&address).map_err(|_| 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::{Host, Name, Target};
    use sakigake_semantics::Fields;

    fn host(names: &[&str], is_default: bool) -> Host {
        let target = Target::Redirect(Redirect::to("https://unused.test").expect("an address"));
        let names = names.iter().map(|name| Name::parse(name).expect("a name")).collect();
        Host { names, is_default, target, early_hints: false }
    }

    #[test]
    fn plain_http_is_sent_to_a_known_host_alone() {
        let strict = Hosts::new(vec![host(&["a.test", "*.a.test"], false)]).expect("one host");
        let named = Hosts::new(vec![host(&["a.test"], true)]).expect("one host");
        let any = Hosts::new(vec![host(&[], true)]).expect("one host");
        for (hosts, authority, port, expected) in [
            (&strict, "A.test:80", 443, Ok("https://a.test/x?y")),
            (&strict, "b.a.test", 8443, Ok("https://b.a.test:8443/x?y")),
            (&strict, "b.test", 443, Err(421)),
            (&strict, "", 443, Err(421)),
            (&named, "b.test", 443, Ok("https://a.test/x?y")),
            (&any, "b.test:81", 443, Ok("https://b.test/x?y")),
            (&any, "[::1]:80", 8443, Ok("https://[::1]:8443/x?y")),
            (&any, "", 443, Err(400)),
            (&any, "a.test/<script>", 443, Err(400)),
            (&any, "user@a.test", 443, Err(400)),
            (&any, "a.test\r\nx: y", 443, Err(400)),
        ] {
            let fields = Fields::new();
            let ask = Ask { method: b"GET", path: b"/x?y", scheme: b"", fields: &fields };
            let redirect = elsewhere(hosts, authority.as_bytes(), port);
            let location = redirect.map(|redirect| {
                let reply = redirect.answer(&ask);
                assert_eq!(reply.response.status, 301);
                String::from_utf8(reply.response.fields.find(b"location").expect("it says where").to_vec())
                    .expect("text")
            });
            assert_eq!(location.as_deref().map_err(|status| *status), expected, "{authority}");
        }
    }
}
