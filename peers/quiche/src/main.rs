//! quiche, with a loop of our own around it as its examples have one: `poll`, one thread, many datagrams a call.

mod hub;
mod port;

use boring::ssl::{SslContext, SslContextBuilder, SslMethod, SslOptions};
use bytes::{Buf, Bytes};
use ends::{
    ALPN, CONNECTION_WINDOW, Client, DATAGRAM_BYTES, Exchange, HEAD, IDLE_MS, Meter, Outcome, PIECE,
    STREAM_WINDOW, STREAMS, Spent, Task, Told, look_at, ready,
};
use hub::{Application, Hub, Quic};
use quiche::{Config, CongestionControlAlgorithm, Error, PROTOCOL_VERSION};
use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

fn main() -> ExitCode {
    ends::main(serve, Caller::new)
}

/// BoringSSL chooses TLS_AES_128_GCM_SHA256 by itself where the processor has AES.
fn tls() -> Outcome<SslContextBuilder> {
    let mut tls = SslContext::builder(SslMethod::tls())?;
    tls.set_curves_list("X25519")?;
    tls.set_options(SslOptions::NO_TICKET);
    Ok(tls)
}

/// Hystart and what else is not said here are as quiche has them.
fn config(tls: SslContextBuilder) -> Outcome<Config> {
    let mut config = Config::with_boring_ssl_ctx_builder(PROTOCOL_VERSION, tls)?;
    config.set_application_protos(&[ALPN])?;
    config.set_max_idle_timeout(IDLE_MS.into());
    config.set_initial_max_data(CONNECTION_WINDOW.into());
    config.set_max_connection_window(CONNECTION_WINDOW.into());
    config.set_initial_max_stream_data_bidi_local(STREAM_WINDOW.into());
    config.set_initial_max_stream_data_bidi_remote(STREAM_WINDOW.into());
    config.set_max_stream_window(STREAM_WINDOW.into());
    config.set_initial_max_streams_bidi(STREAMS.into());
    config.set_max_recv_udp_payload_size(DATAGRAM_BYTES.into());
    config.set_max_send_udp_payload_size(DATAGRAM_BYTES.into());
    config.set_cc_algorithm(CongestionControlAlgorithm::CUBIC);
    Ok(config)
}

fn serve(told: &Told) -> Outcome {
    let mut tls = tls()?;
    tls.set_certificate_chain_file(told.path("leaf.pem"))?;
    tls.set_private_key_file(told.path("key.pem"), boring::ssl::SslFiletype::PEM)?;
    let piece = piece();
    let mut hub = Hub::new(config(tls)?)?;
    ready(hub.local().port())?;
    loop {
        hub.turn(None, || Some(Answerer { piece: piece.clone(), ..Answerer::default() }))?;
    }
}

fn piece() -> Bytes {
    vec![0x55; PIECE].into()
}

/// What is to be said yet on a stream, and its end.
struct Saying {
    id: u64,
    head: Bytes,
    left: usize,
}

impl Saying {
    /// Says as much as the connection takes; whether that was all.
    fn go_on(&mut self, quic: &mut Quic, piece: &Bytes) -> Outcome<bool> {
        loop {
            let is_head = !self.head.is_empty();
            let part = if is_head { self.head.clone() } else { piece.slice(..self.left.min(PIECE)) };
            let (len, is_last) = (part.len(), part.len() == self.head.len() + self.left);
            let sent = match quic.stream_send_zc(self.id, part, is_last) {
                Ok((sent, _)) => sent,
                Err(Error::Done) => return Ok(false),
                Err(why) => return Err(why.into()),
            };
            if is_head {
                self.head.advance(sent)
            } else {
                self.left -= sent
            }
            if sent < len || is_last {
                return Ok(sent == len);
            }
        }
    }
}

fn say(all: &mut VecDeque<Saying>, quic: &mut Quic, piece: &Bytes) -> Outcome {
    while let Some(first) = all.front_mut()
        && first.go_on(quic, piece)?
    {
        all.pop_front();
    }
    Ok(())
}

/// Shows what came of each stream, and whether that was its end.
fn read(quic: &mut Quic, place: &mut [u8], mut heard: impl FnMut(u64, &[u8], bool)) -> Outcome {
    while let Some(id) = quic.stream_readable_next() {
        loop {
            match quic.stream_recv(id, place) {
                Ok((len, is_last)) => {
                    heard(id, &place[..len], is_last);
                    if is_last {
                        break;
                    }
                }
                Err(Error::Done) => break,
                Err(why) => return Err(why.into()),
            }
        }
    }
    Ok(())
}

/// A server's connection.
#[derive(Default)]
struct Answerer {
    piece: Bytes,
    /// What came of a request's head.
    heads: BTreeMap<u64, Vec<u8>>,
    due: VecDeque<Saying>,
}

impl Application for Answerer {
    fn act(&mut self, quic: &mut Quic, place: &mut [u8]) -> Outcome {
        if quic.is_draining() || quic.is_closed() {
            return Ok(());
        }
        let Self { piece, heads, due } = self;
        read(quic, place, |id, bytes, is_last| {
            let head = heads.entry(id).or_default();
            head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]);
            look_at(bytes);
            if is_last {
                let head = heads.remove(&id).unwrap_or_default();
                let head: [u8; HEAD] = head.try_into().expect("a request says how long its response is");
                due.push_back(Saying { id, head: Bytes::new(), left: u64::from_be_bytes(head) as usize });
            }
        })?;
        say(due, quic, piece)
    }
}

/// A client's connection.
struct Asker {
    piece: Bytes,
    exchange: Exchange,
    /// Streams of the exchange that are not begun: the server allows so many at a time.
    unopened: usize,
    /// Streams whose response is not whole.
    open: usize,
    heard: usize,
    next: u64,
    due: VecDeque<Saying>,
    is_one_alone: bool,
    is_closed: bool,
    /// Exchanges that are over, of all connections of a task.
    done: Rc<Cell<usize>>,
}

impl Asker {
    fn ask(&mut self, exchange: Exchange) {
        self.exchange = exchange;
        self.unopened = exchange.streams;
        self.open = exchange.streams;
        self.heard = 0;
    }

    fn close(&mut self, quic: &mut Quic) -> Outcome {
        self.is_closed = true;
        Ok(quic.close(true, 0, b"")?)
    }

    fn open(&mut self, quic: &mut Quic) -> Outcome {
        while self.unopened > 0 && quic.peer_streams_left_bidi() > 0 {
            let mut head = (self.exchange.response_bytes as u64).to_be_bytes().to_vec();
            let len = self.exchange.request_bytes.min(1_024);
            head.resize(len, 0x55);
            let left = self.exchange.request_bytes - len;
            let mut saying = Saying { id: self.next, head: head.into(), left };
            self.next += 4;
            self.unopened -= 1;
            if !saying.go_on(quic, &self.piece)? {
                self.due.push_back(saying);
            }
        }
        Ok(())
    }
}

impl Application for Asker {
    fn act(&mut self, quic: &mut Quic, place: &mut [u8]) -> Outcome {
        if self.is_closed {
            return Ok(());
        }
        if quic.is_timed_out() || quic.is_draining() || quic.is_closed() {
            let (peer, local) = (quic.peer_error(), quic.local_error());
            return Err(format!("a connection ended: by the peer {peer:?}, by us {local:?}").into());
        }
        if !quic.is_established() {
            return Ok(());
        }
        let was_open = self.open > 0;
        read(quic, place, |_, bytes, is_last| {
            self.heard += look_at(bytes);
            self.open -= usize::from(is_last);
        })?;
        self.open(quic)?;
        say(&mut self.due, quic, &self.piece)?;
        if was_open && self.open == 0 {
            if self.heard != self.exchange.streams * self.exchange.response_bytes {
                return Err(format!("{} bytes came", self.heard).into());
            }
            self.done.set(self.done.get() + 1);
            if self.is_one_alone {
                self.close(quic)?;
            }
        }
        Ok(())
    }
}

struct Caller {
    hub: Hub<Asker>,
    server: SocketAddr,
    piece: Bytes,
    done: Rc<Cell<usize>>,
}

impl Caller {
    fn new(told: &Told) -> Outcome<Self> {
        let mut tls = tls()?;
        tls.set_ca_file(told.path("authority.pem"))?;
        let mut config = config(tls)?;
        config.verify_peer(true);
        Ok(Self { hub: Hub::new(config)?, server: told.server, piece: piece(), done: Rc::default() })
    }

    /// Begins a connection that begins with an exchange.
    fn connect(&mut self, exchange: Exchange, is_one_alone: bool) -> Outcome<usize> {
        let mut asker = Asker {
            piece: self.piece.clone(),
            exchange,
            unopened: 0,
            open: 0,
            heard: 0,
            next: 0,
            due: VecDeque::new(),
            is_one_alone,
            is_closed: false,
            done: self.done.clone(),
        };
        asker.ask(exchange);
        self.hub.connect(self.server, asker)
    }

    fn connect_all(&mut self, count: usize, at_once: usize, is_one_alone: bool) -> Outcome {
        let mut begun = 0;
        while self.done.get() < count {
            while begun < count && begun - self.done.get() < at_once {
                self.connect(Task::LEAST, is_one_alone)?;
                begun += 1;
            }
            self.hub.turn(None, || None)?;
        }
        Ok(())
    }

    fn until(&mut self, done: usize) -> Outcome {
        while self.done.get() < done {
            self.hub.turn(None, || None)?;
        }
        Ok(())
    }

    /// What both sides have to say to the end, acknowledgements above all, is said.
    fn settle(&mut self) -> Outcome {
        let end = Instant::now() + Duration::from_millis(50);
        while Instant::now() < end {
            self.hub.turn(Some(end), || None)?;
        }
        Ok(())
    }
}

impl Client for Caller {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        self.done.set(0);
        let spent = match task {
            Task::Exchange { exchange, times } => {
                let key = self.connect(Task::WARM_UP, false)?;
                self.until(1)?;
                let begun = meter.begin();
                for turn in 0..times {
                    self.hub.with(key, |asker, _| asker.ask(exchange));
                    self.until(turn + 2)?;
                }
                let spent = begun.end();
                self.hub.with(key, |asker, quic| asker.close(quic))?;
                spent
            }
            Task::Connect { count, at_once } => {
                let begun = meter.begin();
                self.connect_all(count, at_once, true)?;
                begun.end()
            }
            Task::Hold { count } => {
                self.connect_all(count, 1, false)?;
                Spent::default()
            }
        };
        self.settle()?;
        Ok(spent)
    }
}
