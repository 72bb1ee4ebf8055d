//! What BoGo's cases are made of: connect, shake hands, check what came of it, echo, shut down; and again, to resume.

use crate::{
    End,
    flags::{Flags, Set},
    setup::{self, Kept},
    socket::{Runner, Socket},
};

/// What the shim says first where it is told to.
const INITIAL_WRITE: &str = "hello";
/// No record of an echo holds more.
const READ_BYTES: usize = 512;
const TLS_1_3: u16 = 0x0304;

/// Makes the connections of one case, one after the other.
pub(crate) fn run(flags: &Flags) -> Result<(), End> {
    let resumptions: u32 = flags.initial.number("-resume-count")?.unwrap_or(0);
    let mut kept = Kept::new();
    for at in 0..=resumptions {
        let set = if at == 0 { &flags.initial } else { &flags.resume };
        for name in ["-max-version", "-expect-version"] {
            if set.number::<u16>(name)?.is_some_and(|version| version != TLS_1_3) {
                return Err(End::Declined(format!("{name} is older")));
            }
        }
        connection(set, &mut kept, at > 0)?;
        kept.unix_secs += set.number::<u64>("-resumption-delay")?.unwrap_or(0);
    }
    Ok(())
}

fn connection(flags: &Set, kept: &mut Kept, is_resumption: bool) -> Result<(), End> {
    let runner = Runner {
        port: flags.number("-port")?.ok_or_else(|| End::Failed("no -port".into()))?,
        ipv6: flags.has("-ipv6"),
        shim_id: flags.number("-shim-id")?.unwrap_or(0),
    };
    if is_resumption && !flags.has("-server") && kept.session.is_none() {
        return Err(End::Failed("no session to offer".into()));
    }
    let (connection, owner) = setup::connection(flags, kept)?;
    let mut socket = Socket::new(runner.connect()?, connection, owner, flags.has("-async"));
    socket.handshake()?;
    check(flags, &socket, is_resumption)?;
    exchange(flags, &mut socket)?;
    kept.session = socket.heard.session.take();
    if !flags.has("-server") && !flags.has("-shim-shuts-down") {
        let is_expected = !flags.has("-expect-no-session");
        same("ticket", kept.session.is_some() == is_expected)?;
    }
    Ok(())
}

fn same(what: &str, is: bool) -> Result<(), End> {
    if is { Ok(()) } else { Err(End::Failed(format!("unexpected {what}"))) }
}

/// Whether the handshake came to what the case expects.
fn check(flags: &Set, socket: &Socket, is_resumption: bool) -> Result<(), End> {
    let Some(negotiated) = &socket.heard.negotiated else {
        return Err(End::Failed("the handshake is over without a word on its parameters".into()));
    };
    same("resumption", negotiated.is_resumed == (is_resumption && !flags.has("-expect-session-miss")))?;
    let alpn = negotiated.alpn.as_deref();
    if let Some(expected) = flags.text("-expect-alpn") {
        same("application protocol", alpn.unwrap_or_default() == expected.as_bytes())?;
    }
    if let Some(expected) = flags.text("-expect-server-name") {
        same("server name", negotiated.server_name.as_deref() == Some(expected))?;
    }
    same("server name", !flags.has("-expect-no-server-name") || negotiated.server_name.is_none())?;
    let number = |name| flags.number::<u16>(name);
    same("group", number("-expect-curve-id")?.is_none_or(|group| group == negotiated.group))?;
    same("cipher suite", number("-expect-cipher")?.is_none_or(|suite| suite == negotiated.suite))?;
    let scheme = number("-expect-peer-signature-algorithm")?;
    same("scheme", scheme.is_none() || scheme == socket.peer_scheme())?;
    same("HelloRetryRequest", !flags.has("-expect-no-hrr") || !socket.heard.retried)?;
    same("lack of a HelloRetryRequest", !flags.has("-expect-hrr") || socket.heard.retried)
}

/// Echoes until the runner is done.
fn exchange(flags: &Set, socket: &mut Socket) -> Result<(), End> {
    if let Some(len) = flags.number::<usize>("-export-keying-material")? {
        let label = flags.text("-export-label").unwrap_or_default();
        let context = flags.text("-export-context").unwrap_or_default();
        let exported = socket.export(label.as_bytes(), context.as_bytes(), len)?;
        socket.write(&exported, usize::MAX)?;
    }
    if flags.has("-shim-writes-first") {
        let text = flags.text("-shim-initial-write").unwrap_or(INITIAL_WRITE);
        for _ in 0..flags.number("-repeat-shim-initial-write")?.unwrap_or(1) {
            socket.write(text.as_bytes(), usize::MAX)?;
        }
    }
    if flags.has("-shim-shuts-down") {
        socket.close()?;
        return if flags.has("-check-close-notify") { await_close(socket) } else { Ok(()) };
    }
    let read_bytes = flags.number("-read-size")?.unwrap_or(READ_BYTES);
    loop {
        let goes_on = socket.read_record()?;
        let mut data = std::mem::take(&mut socket.heard.data);
        if !data.is_empty() && flags.has("-key-update") {
            socket.update_keys()?;
        }
        data.iter_mut().for_each(|byte| *byte ^= 0xff);
        socket.write(&data, read_bytes)?;
        if !goes_on {
            break;
        }
    }
    if flags.has("-check-close-notify") && !socket.heard.closed {
        return Err(End::Failed("the peer ended without close_notify".into()));
    }
    socket.close()
}

/// After our close_notify nothing but the peer's may come.
fn await_close(socket: &mut Socket) -> Result<(), End> {
    while socket.read_record()? {
        if !socket.heard.data.is_empty() {
            return Err(End::Failed("application data after our close_notify".into()));
        }
    }
    if socket.heard.closed { Ok(()) } else { Err(End::Failed("no close_notify came back".into())) }
}
