//! A port and its connections: who hears which datagram, whose time is over, and who has something to send.

use crate::port::Port;
use boring::rand::rand_bytes;
use bytes::Bytes;
use ends::{DATAGRAM_BYTES, HOST, Outcome};
use quiche::{BufFactory, Config, ConnectionId, Error, Header, RecvInfo, Type};
use slab::Slab;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    time::Instant,
};

/// The length of our connection IDs.
const ID_BYTES: usize = 8;
/// What leaves in a call: 44 datagrams.
const CALL_BYTES: usize = 44 * DATAGRAM_BYTES as usize;
/// What is read of a stream at a time.
const READ_BYTES: usize = 1 << 16;

pub(crate) type Quic = quiche::Connection<Shared>;

/// Streams' data is handed over by reference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared;

impl BufFactory for Shared {
    type Buf = Bytes;
    type DgramBuf = Vec<u8>;

    fn buf_from_slice(buf: &[u8]) -> Bytes {
        Bytes::copy_from_slice(buf)
    }

    fn dgram_buf_from_slice(buf: &[u8]) -> Vec<u8> {
        buf.into()
    }
}

/// What a connection is for.
pub(crate) trait Application {
    /// Reads, by way of `place`, and writes, as far as the connection lets it.
    fn act(&mut self, quic: &mut Quic, place: &mut [u8]) -> Outcome;
}

pub(crate) struct Hub<A> {
    port: Port,
    config: Config,
    seats: Slab<Seat<A>>,
    ids: HashMap<Vec<u8>, usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Who has heard something, or has more to send.
    due: VecDeque<usize>,
    out: Vec<u8>,
    place: Vec<u8>,
}

struct Seat<A> {
    quic: Quic,
    application: A,
    ids: Vec<Vec<u8>>,
    deadline: Option<Instant>,
    is_due: bool,
}

impl<A: Application> Hub<A> {
    pub(crate) fn new(config: Config) -> Outcome<Self> {
        Ok(Self {
            port: Port::new()?,
            config,
            seats: Slab::new(),
            ids: HashMap::new(),
            deadlines: BTreeSet::new(),
            due: VecDeque::new(),
            out: vec![0; CALL_BYTES],
            place: vec![0; READ_BYTES],
        })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.port.local()
    }

    /// Begins a connection; its number.
    pub(crate) fn connect(&mut self, server: SocketAddr, application: A) -> Outcome<usize> {
        let id = draw()?;
        let scid = ConnectionId::from_ref(&id);
        let local = self.port.local();
        let quic = quiche::connect_with_buffer_factory(Some(HOST), &scid, local, server, &mut self.config)?;
        let seat = Seat::new(quic, application, vec![id.to_vec()]);
        let key = seat.sit(&mut self.seats, &mut self.ids);
        self.wake(key);
        Ok(key)
    }

    /// Has something done with a connection that is not over.
    pub(crate) fn with<T>(&mut self, key: usize, act: impl FnOnce(&mut A, &mut Quic) -> T) -> T {
        let seat = &mut self.seats[key];
        let done = act(&mut seat.application, &mut seat.quic);
        self.wake(key);
        done
    }

    /// Hears what came, does what is due, and sends a batch of each; waits, at most `until`, only if there was nothing.
    pub(crate) fn turn(&mut self, until: Option<Instant>, accept: impl FnMut() -> Option<A>) -> Outcome {
        let has_heard = self.hear(accept)?;
        self.expire();
        for _ in 0..self.due.len() {
            if let Some(key) = self.due.pop_front() {
                self.work(key)?;
            }
        }
        if has_heard || !self.due.is_empty() {
            return Ok(());
        }
        let first = self.deadlines.first().map(|(deadline, _)| *deadline);
        let end = first.into_iter().chain(until).min();
        self.port.rest(end.map(|end| end.saturating_duration_since(Instant::now())))
    }

    fn hear(&mut self, mut accept: impl FnMut() -> Option<A>) -> Outcome<bool> {
        let Self { port, config, seats, ids, due, .. } = self;
        let local = port.local();
        port.recv(|from, datagram| {
            let known = id_of(datagram).and_then(|id| ids.get(id).copied());
            let info = RecvInfo { from, to: local };
            let key = match known {
                Some(key) => key,
                None => match admit(datagram, info, config, &mut accept)? {
                    Some(seat) => seat.sit(seats, ids),
                    None => return Ok(()), // Of a connection that is over.
                },
            };
            let seat = &mut seats[key];
            // What is wrong with a packet is the connection's to say: it closes.
            let _ = seat.quic.recv(datagram, info);
            if !seat.is_due {
                seat.is_due = true;
                due.push_back(key);
            }
            Ok(())
        })
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((deadline, key)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.pop_first();
            let seat = &mut self.seats[key];
            seat.deadline = None;
            seat.quic.on_timeout();
            self.wake(key);
        }
    }

    fn wake(&mut self, key: usize) {
        let seat = &mut self.seats[key];
        if !seat.is_due {
            seat.is_due = true;
            self.due.push_back(key);
        }
    }

    fn work(&mut self, key: usize) -> Outcome {
        let seat = &mut self.seats[key];
        seat.is_due = false;
        seat.application.act(&mut seat.quic, &mut self.place)?;
        let has_more = send_batch(&mut seat.quic, &self.port, &mut self.out)?;
        let deadline = seat.quic.timeout_instant();
        let is_over = seat.quic.is_closed();
        if deadline != seat.deadline || is_over {
            if let Some(former) = seat.deadline {
                self.deadlines.remove(&(former, key));
            }
            seat.deadline = deadline.filter(|_| !is_over);
            self.deadlines.extend(seat.deadline.map(|deadline| (deadline, key)));
        }
        if is_over {
            let seat = self.seats.remove(key);
            for id in &seat.ids {
                self.ids.remove(id);
            }
        } else if has_more {
            self.wake(key);
        }
        Ok(())
    }
}

impl<A> Seat<A> {
    fn new(quic: Quic, application: A, ids: Vec<Vec<u8>>) -> Self {
        Self { quic, application, ids, deadline: None, is_due: false }
    }

    fn sit(self, seats: &mut Slab<Self>, ids: &mut HashMap<Vec<u8>, usize>) -> usize {
        let key = seats.vacant_key();
        ids.extend(self.ids.iter().map(|id| (id.clone(), key)));
        seats.insert(self)
    }
}

fn draw() -> Outcome<[u8; ID_BYTES]> {
    let mut id = [0; ID_BYTES];
    rand_bytes(&mut id)?;
    Ok(id)
}

/// Whom a datagram is for: the destination's ID of its first packet.
fn id_of(datagram: &[u8]) -> Option<&[u8]> {
    if datagram.first()? & 0x80 == 0 {
        return datagram.get(1..=ID_BYTES);
    }
    datagram.get(6..)?.get(..usize::from(datagram[5]))
}

/// A client's first datagram makes a connection.
fn admit<A>(
    datagram: &mut [u8],
    info: RecvInfo,
    config: &mut Config,
    accept: &mut impl FnMut() -> Option<A>,
) -> Outcome<Option<Seat<A>>> {
    let Ok(header) = Header::from_slice(datagram, ID_BYTES) else { return Ok(None) };
    if header.ty != Type::Initial {
        return Ok(None);
    }
    let Some(application) = accept() else { return Ok(None) };
    let id = draw()?;
    let scid = ConnectionId::from_ref(&id);
    let quic = quiche::accept_with_buf_factory(&scid, None, info.to, info.from, config)?;
    Ok(Some(Seat::new(quic, application, vec![id.to_vec(), header.dcid.to_vec()])))
}

/// Sends as much as one call takes, of datagrams of the same length; whether there may be more.
///
/// When quiche would have a packet leave is not waited for, as its own examples do not.
fn send_batch(quic: &mut Quic, port: &Port, out: &mut [u8]) -> Outcome<bool> {
    let (mut begin, mut end, mut segment) = (0, 0, 0);
    let mut to = None;
    let has_more = loop {
        let is_full = begin < end && (end - begin) / segment >= port.segments();
        if is_full || out.len() - end < usize::from(DATAGRAM_BYTES) {
            break true;
        }
        let (len, info) = match quic.send(&mut out[end..]) {
            Ok(sent) => sent,
            Err(Error::Done) => break false,
            Err(why) => return Err(why.into()),
        };
        // One that is longer than those before begins anew; one that is shorter is the last of a call.
        if begin < end && len > segment {
            port.send(info.to, &out[begin..end], segment)?;
            begin = end;
        }
        if begin == end {
            segment = len;
        }
        end += len;
        to = Some(info.to);
        if len < segment {
            port.send(info.to, &out[begin..end], segment)?;
            begin = end;
        }
    };
    if let Some(to) = to
        && begin < end
    {
        port.send(to, &out[begin..end], segment)?;
    }
    Ok(has_more)
}
