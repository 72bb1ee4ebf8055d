//! The client: one connection, the document, then all files at once.

use crate::{config, draw_id, files, flush, hear, path_of};
use ends::Outcome;
use quiche::{
    Connection, ConnectionId, RecvInfo,
    h3::{self, Event, Header, NameValue},
};
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
};

const NO_ERROR: u64 = 0x100;
const PLACE_BYTES: usize = 1 << 16;

pub(crate) fn load(ca: &str, host: &str, port: &str, folder: &Path) -> Outcome {
    let mut config = config()?;
    config.verify_peer(true);
    config.load_verify_locations_from_file(ca)?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (local, server) = (socket.local_addr()?, SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?)));
    let id = draw_id()?;
    let mut quic = quiche::connect(Some(host), &ConnectionId::from_ref(&id), local, server, &mut config)?;
    let mut page = Page::new(format!("{host}:{port}"), folder)?;
    let (mut http, mut place) = (None, vec![0; PLACE_BYTES]);
    loop {
        flush(&mut quic, &socket)?;
        if quic.is_closed() {
            break;
        }
        match hear(&socket, quic.timeout(), &mut place)? {
            Some((len, from)) => quic.recv(&mut place[..len], RecvInfo { from, to: local }).map(drop)?,
            None => quic.on_timeout(),
        }
        if quic.is_established() && http.is_none() {
            http = Some(h3::Connection::with_transport(&mut quic, &h3::Config::new()?)?);
        }
        if let Some(http) = http.as_mut().filter(|_| !quic.is_draining()) {
            page.go_on(http, &mut quic, &mut place)?;
        }
    }
    if page.done < page.wanted.len() {
        let (peer, local) = (quic.peer_error(), quic.local_error());
        return Err(format!("the connection ended: by the peer {peer:?}, by us {local:?}").into());
    }
    println!("{} files, {:?}", page.done - 1, page.statuses);
    Ok(())
}

/// A page's load.
struct Page {
    authority: String,
    /// What is asked for, the document first, and the files that have what is to come.
    wanted: Vec<(String, PathBuf)>,
    asked: usize,
    done: usize,
    /// By stream: which of what is wanted, and what came of it.
    open: BTreeMap<u64, (usize, Vec<u8>)>,
    /// All that came for the document.
    statuses: Vec<u16>,
}

impl Page {
    fn new(authority: String, folder: &Path) -> Outcome<Self> {
        let mut wanted = vec![("/".to_owned(), folder.join("index.html"))];
        for file in files(folder)? {
            wanted.push((path_of(&file, folder)?, file));
        }
        Ok(Self { authority, wanted, asked: 0, done: 0, open: BTreeMap::new(), statuses: Vec::new() })
    }

    fn go_on(&mut self, http: &mut h3::Connection, quic: &mut Connection, place: &mut [u8]) -> Outcome {
        loop {
            match http.poll(quic) {
                Ok((id, event)) => self.take(id, event, http, quic, place)?,
                Err(h3::Error::Done) => break,
                Err(why) => return Err(why.into()),
            }
        }
        let end = if self.done == 0 { 1 } else { self.wanted.len() };
        while self.asked < end {
            match self.ask(http, quic) {
                Ok(id) => self.open.insert(id, (self.asked, Vec::new())),
                Err(h3::Error::StreamBlocked) => break,
                Err(why) => return Err(why.into()),
            };
            self.asked += 1;
        }
        if self.done == self.wanted.len() {
            quic.close(true, NO_ERROR, b"")?;
        }
        Ok(())
    }

    fn ask(&self, http: &mut h3::Connection, quic: &mut Connection) -> h3::Result<u64> {
        let fields = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", &self.authority),
            (":path", &self.wanted[self.asked].0),
            ("sec-fetch-mode", if self.asked == 0 { "navigate" } else { "no-cors" }),
        ];
        let fields = fields.map(|(name, value)| Header::new(name.as_bytes(), value.as_bytes()));
        http.send_request(quic, &fields, true)
    }

    fn take(
        &mut self,
        id: u64,
        event: Event,
        http: &mut h3::Connection,
        quic: &mut Connection,
        place: &mut [u8],
    ) -> Outcome {
        let Some((index, body)) = self.open.get_mut(&id) else { return Ok(()) };
        let (path, file) = &self.wanted[*index];
        match event {
            Event::Headers { list, .. } => {
                let status = list.iter().find(|field| field.name() == b":status").ok_or("no status")?;
                let status = str::from_utf8(status.value())?.parse()?;
                if *index == 0 {
                    self.statuses.push(status);
                } else if status != 200 {
                    return Err(format!("{path}: {status}").into());
                }
            }
            Event::Data => loop {
                match http.recv_body(quic, id, place) {
                    Ok(len) => body.extend_from_slice(&place[..len]),
                    Err(h3::Error::Done) => break,
                    Err(why) => return Err(why.into()),
                }
            },
            Event::Finished => {
                if *body != fs::read(file)? {
                    return Err(format!("{path}: {} other bytes came", body.len()).into());
                }
                self.open.remove(&id);
                self.done += 1;
            }
            Event::Reset(code) => return Err(format!("{path}: reset with {code:#x}").into()),
            Event::PriorityUpdate | Event::GoAway => {}
        }
        Ok(())
    }
}
