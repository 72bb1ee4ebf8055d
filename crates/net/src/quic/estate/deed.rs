//! How a bequest goes from process to process: descriptors that the child inherits, and a file in memory, one of them, that says what each of
//! them is and holds the keys. No other process can open it, nothing of it is written to a disk, and the environment tells its number alone.

use super::{Family, Kin, Secrets, Way};
use crate::{inherit, quic::kin::FORM};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::{FdFlags, fcntl_setfd},
};
use sakigake_wire::{Grow, Reader, Short};
use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    net::UdpSocket,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    process::Command,
};

/// Where a process finds the number of the file.
pub(super) const VARIABLE: &str = "SAKIGAKE_QUIC";
/// What a deed may be long, keys apart: no server has more workers times processes times addresses.
const MOST_BYTES: u64 = 1 << 16;

/// One socket that goes on, and which worker reads it.
#[derive(Debug)]
pub struct Lent {
    /// The worker's number: the same one's of the successor asks it about handshakes that are under way.
    pub worker: u16,
    /// A socket of its port.
    pub socket: UdpSocket,
}

/// What a successor is started with ([`Successor::start_with`](crate::Successor::start_with)).
pub struct Bequest {
    deed: File,
    /// All other descriptors that it tells.
    lent: Vec<OwnedFd>,
}

/// What a process was started with by its predecessor.
pub struct Heritage {
    /// The predecessor's keys, under another process number, for [`Member::crew`](crate::quic::Member::crew): the first crew that is made with
    /// them belongs to the family.
    pub secrets: Secrets,
    /// The sockets, non-blocking. One that is dropped is closed here alone.
    pub sockets: Vec<Lent>,
}

impl Bequest {
    pub(super) fn write(
        secrets: &Secrets,
        kin: &[Kin],
        heir: &Kin,
        ends: Vec<OwnedFd>,
        sockets: Vec<Lent>,
    ) -> io::Result<Self> {
        let (mut text, mut lent) = (Vec::new(), Vec::new());
        let mut lend = |text: &mut Vec<u8>, descriptor: OwnedFd| {
            text.u32(descriptor.as_raw_fd().cast_unsigned());
            lent.push(descriptor);
        };
        text.u32(heir.process);
        count(&mut text, kin.len())?;
        for kin in kin {
            text.u32(kin.process);
            count(&mut text, kin.ways.len())?;
            for way in &kin.ways {
                lend(&mut text, way.lend()?);
            }
        }
        count(&mut text, ends.len())?;
        for (way, end) in heir.ways.iter().zip(ends) {
            lend(&mut text, way.lend()?);
            lend(&mut text, end);
        }
        count(&mut text, sockets.len())?;
        for Lent { worker, socket } in sockets {
            text.u16(worker);
            lend(&mut text, socket.into());
        }
        let mut deed = File::from(memfd_create("sakigake quic", MemfdFlags::CLOEXEC)?);
        deed.write_all(&[FORM])?;
        secrets.write(&mut deed)?;
        deed.write_all(&text)?;
        Ok(Self { deed, lent })
    }

    /// From here on until it is dropped a child that is started gets the descriptors.
    pub(crate) fn announce(&self, command: &mut Command) -> io::Result<()> {
        for descriptor in &self.lent {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        fcntl_setfd(&self.deed, FdFlags::empty())?;
        command.env(VARIABLE, self.deed.as_raw_fd().to_string());
        Ok(())
    }
}

impl Heritage {
    /// A child that `command` starts has none.
    pub(crate) fn conceal(command: &mut Command) {
        command.env_remove(VARIABLE);
    }

    /// What the environment tells, if it does.
    pub(crate) fn find() -> io::Result<Option<Self>> {
        let Some(number) = std::env::var_os(VARIABLE) else { return Ok(None) };
        let number = number.to_str().and_then(|number| number.parse().ok()).filter(|number| *number > 2);
        let number: RawFd = number.ok_or_else(strange)?;
        Self::read(File::from(inherit::own(number)?)).map(Some)
    }

    pub(super) fn read(mut deed: File) -> io::Result<Self> {
        deed.rewind()?;
        let mut form = [0];
        deed.read_exact(&mut form)?;
        if form != [FORM] {
            return Err(strange());
        }
        let keys = Secrets::read(&mut deed)?;
        let mut text = Vec::new();
        deed.take(MOST_BYTES).read_to_end(&mut text)?;
        Self::follow(keys, &mut Reader::new(&text))
    }

    fn follow(keys: Secrets, text: &mut Reader<'_>) -> io::Result<Self> {
        let process = text.u32().map_err(short)?;
        let mut family = Family::default();
        for _ in 0..text.u16().map_err(short)? {
            let process = text.u32().map_err(short)?;
            let count = text.u16().map_err(short)?;
            let ways = (0..count).map(|_| way(text)).collect::<io::Result<_>>()?;
            family.ancestors.push(Kin { process, ways });
        }
        for _ in 0..text.u16().map_err(short)? {
            family.own.push(way(text)?);
            family.ends.push(descriptor(text)?);
        }
        let mut sockets = Vec::new();
        for _ in 0..text.u16().map_err(short)? {
            let worker = text.u16().map_err(short)?;
            let socket = UdpSocket::from(descriptor(text)?);
            socket.set_nonblocking(true)?;
            socket.local_addr()?;
            sockets.push(Lent { worker, socket });
        }
        Ok(Self { secrets: keys.of_heir(process, family), sockets })
    }
}

fn count(text: &mut Vec<u8>, count: usize) -> io::Result<()> {
    text.u16(u16::try_from(count).map_err(io::Error::other)?);
    Ok(())
}

fn way(text: &mut Reader<'_>) -> io::Result<Way> {
    descriptor(text).map(Way::new)
}

fn descriptor(text: &mut Reader<'_>) -> io::Result<OwnedFd> {
    inherit::own(text.u32().map_err(short)?.cast_signed())
}

fn short(_: Short) -> io::Error {
    strange()
}

fn strange() -> io::Error {
    let why = "what a predecessor hands on of its QUIC is not in the form that this version knows";
    io::Error::new(io::ErrorKind::InvalidData, why)
}
