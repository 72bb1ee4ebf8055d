//! The server: a folder that is read when it starts, for connections that are not more than a few.

use crate::{ID_BYTES, config, draw_id, files, flush, hear, path_of};
use ends::Outcome;
use quiche::{
    Config, Connection, ConnectionId, Error, Header as Packet, RecvInfo, Type,
    h3::{self, Event, Header, NameValue},
};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::{Ipv4Addr, UdpSocket},
    path::PathBuf,
};

const PLACE_BYTES: usize = 1 << 16;
const TYPES: [(&str, &str); 4] =
    [("html", "text/html"), ("css", "text/css"), ("js", "text/javascript"), ("svg", "image/svg+xml")];

pub(crate) fn serve(chain: &str, key: &str, port: &str, folder: PathBuf) -> Outcome {
    let mut config = config()?;
    config.load_cert_chain_from_pem_file(chain)?;
    config.load_priv_key_from_pem_file(key)?;
    let site = Site::read(folder)?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port.parse()?))?;
    let (mut seats, mut ids) = (Vec::<Seat>::new(), HashMap::new());
    let (local, mut place) = (socket.local_addr()?, vec![0; PLACE_BYTES]);
    loop {
        let patience = seats.iter().filter_map(|seat| seat.quic.timeout()).min();
        match hear(&socket, patience, &mut place)? {
            Some((len, from)) => {
                let info = RecvInfo { from, to: local };
                if let Some(index) = find(&mut place[..len], info, &mut config, &mut seats, &mut ids)? {
                    let seat = &mut seats[index];
                    // What is wrong with a packet is the connection's to say: it closes.
                    let _ = seat.quic.recv(&mut place[..len], info);
                    seat.act(&site)?;
                }
            }
            None => seats.iter_mut().for_each(|seat| seat.quic.on_timeout()),
        }
        for seat in &mut seats {
            flush(&mut seat.quic, &socket)?;
        }
    }
}

/// Whose a datagram is: a client's first one makes a connection.
fn find(
    datagram: &mut [u8],
    info: RecvInfo,
    config: &mut Config,
    seats: &mut Vec<Seat>,
    ids: &mut HashMap<Vec<u8>, usize>,
) -> Outcome<Option<usize>> {
    let Ok(packet) = Packet::from_slice(datagram, ID_BYTES) else { return Ok(None) };
    if let Some(index) = ids.get(&packet.dcid.to_vec()) {
        return Ok(Some(*index));
    }
    if packet.ty != Type::Initial {
        return Ok(None);
    }
    let id = draw_id()?;
    let quic = quiche::accept(&ConnectionId::from_ref(&id), None, info.to, info.from, config)?;
    ids.extend([packet.dcid.to_vec(), id.to_vec()].map(|id| (id, seats.len())));
    seats.push(Seat { quic, http: None, due: BTreeMap::new() });
    Ok(Some(seats.len() - 1))
}

/// What is served: by path, the type and the bytes.
struct Site {
    files: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// The style sheets, as a Link field names them.
    sheets: Vec<String>,
}

impl Site {
    fn read(folder: PathBuf) -> Outcome<Self> {
        let (mut found, mut sheets) = (BTreeMap::new(), Vec::new());
        for file in files(&folder)? {
            let path = path_of(&file, &folder)?;
            let end = path.rsplit('.').next().unwrap_or_default();
            let kind =
                TYPES.iter().find(|(known, _)| *known == end).map_or("application/octet-stream", |row| row.1);
            if end == "css" {
                sheets.push(format!("<{path}>; rel=preload; as=style"));
            }
            let body = fs::read(&file)?;
            if path == "/index.html" {
                found.insert("/".into(), (kind, body.clone()));
            }
            found.insert(path, (kind, body));
        }
        Ok(Self { files: found, sheets })
    }
}

/// A response that is under way: the heads that have not left, then the body.
struct Reply {
    heads: Vec<Vec<Header>>,
    is_begun: bool,
    body: Vec<u8>,
    sent: usize,
}

struct Seat {
    quic: Connection,
    http: Option<h3::Connection>,
    due: BTreeMap<u64, Reply>,
}

impl Seat {
    fn act(&mut self, site: &Site) -> Outcome {
        let Self { quic, http, due } = self;
        if !quic.is_established() || quic.is_draining() || quic.is_closed() {
            return Ok(());
        }
        if http.is_none() {
            *http = Some(h3::Connection::with_transport(quic, &h3::Config::new()?)?);
        }
        let Some(http) = http else { return Ok(()) };
        loop {
            match http.poll(quic) {
                Ok((id, Event::Headers { list, .. })) => drop(due.insert(id, site.answer(&list))),
                Ok((id, Event::Reset(_))) => drop(due.remove(&id)),
                Ok(_) => {}
                // An error closes the connection.
                Err(_) => break,
            }
        }
        due.retain(|id, reply| !reply.go_on(*id, http, quic));
        Ok(())
    }
}

impl Site {
    fn answer(&self, request: &[Header]) -> Reply {
        let value = |name: &[u8]| {
            request.iter().find(|field| field.name() == name).map_or(&b""[..], |field| field.value())
        };
        let path = String::from_utf8_lossy(value(b":path")).into_owned();
        let (status, kind, body) = match self.files.get(&path) {
            Some((kind, body)) => ("200", *kind, body.clone()),
            None => ("404", "text/plain", b"not here".to_vec()),
        };
        let field = |name: &str, value: &str| Header::new(name.as_bytes(), value.as_bytes());
        let mut heads = Vec::new();
        if value(b"sec-fetch-mode") == b"navigate" {
            heads.push(vec![field(":status", "103"), field("link", &self.sheets.join(", "))]);
        }
        let length = body.len().to_string();
        heads.push(vec![
            field(":status", status),
            field("content-type", kind),
            field("content-length", &length),
        ]);
        heads.reverse();
        Reply { heads, is_begun: false, body, sent: 0 }
    }
}

impl Reply {
    /// Sends what the stream takes; whether it is over.
    fn go_on(&mut self, id: u64, http: &mut h3::Connection, quic: &mut Connection) -> bool {
        while let Some(head) = self.heads.last() {
            let sent = match self.is_begun {
                true => http.send_additional_headers(quic, id, head, false, false),
                false => http.send_response(quic, id, head, false),
            };
            match sent {
                Ok(()) => self.is_begun = true,
                Err(why) => return is_over(&why),
            }
            self.heads.pop();
        }
        loop {
            match http.send_body(quic, id, &self.body[self.sent..], true) {
                Ok(len) => self.sent += len,
                Err(why) => return is_over(&why),
            }
            if self.sent == self.body.len() {
                return true;
            }
        }
    }
}

/// A client that gave up wants no more.
fn is_over(why: &h3::Error) -> bool {
    !matches!(why, h3::Error::Done | h3::Error::StreamBlocked | h3::Error::TransportError(Error::Done))
}
