//! What BoGo's cases are made of: connect, shake hands, check what came of it, echo, shut down; and again, to resume.

use crate::{
    End,
    flags::{Flags, Set},
    owner::certificates,
    setup::{self, Kept},
    socket::{Runner, Socket},
    staples,
};
use sakigake_tls::{EarlyData, Staples};

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
        connection(set, &flags.retry, &mut kept, at > 0)?;
        kept.unix_secs += set.number::<u64>("-resumption-delay")?.unwrap_or(0);
    }
    Ok(())
}

/// `retry` holds from where early data was rejected.
fn connection(flags: &Set, retry: &Set, kept: &mut Kept, is_resumption: bool) -> Result<(), End> {
    let runner = Runner {
        port: flags.number("-port")?.ok_or_else(|| End::Failed("no -port".into()))?,
        ipv6: flags.has("-ipv6"),
        shim_id: flags.number("-shim-id")?.unwrap_or(0),
    };
    let is_client = !flags.has("-server");
    if is_resumption && is_client && kept.session.is_none() {
        return Err(End::Failed("no session to offer".into()));
    }
    let (connection, owner) = setup::connection(flags, kept)?;
    let mut socket = Socket::new(runner.connect()?, connection, owner, flags.has("-async"));
    let mut first = initial_writes(flags)?;
    if socket.offers_early_data() {
        first = early(flags, retry, &mut socket, first)?;
    }
    socket.handshake()?;
    let early_data = socket.heard.negotiated.as_ref().map(|negotiated| negotiated.early_data);
    let is_rejected = is_client && early_data == Some(EarlyData::Rejected);
    same("acceptance of early data", !is_rejected || flags.has("-expect-reject-early-data"))?;
    let flags = if is_rejected { retry } else { flags };
    if is_rejected {
        first = initial_writes(flags)?;
    }
    if !is_resumption || socket.owner().staples() != Staples::default() {
        kept.staples = socket.owner().staples();
    }
    same("staples", staples::are_expected(flags, &kept.staples)?)?;
    check(flags, &socket, is_resumption)?;
    exchange(flags, &mut socket, &first)?;
    kept.session = socket.heard.session.take();
    kept.chain = socket.owner().peer_chain();
    if is_client && !flags.has("-shim-shuts-down") {
        let is_expected = !flags.has("-expect-no-session");
        same("ticket", kept.session.is_some() == is_expected)?;
        let takes_early = kept.session.as_ref().is_some_and(|session| session.max_early_data > 0);
        let is_to_take = flags.has("-expect-ticket-supports-early-data");
        same("terms of a ticket", !is_expected || takes_early == is_to_take)?;
    }
    Ok(())
}

/// What the shim says before it hears anything, write by write.
fn initial_writes(flags: &Set) -> Result<Vec<Vec<u8>>, End> {
    if !flags.has("-shim-writes-first") && !flags.has("-read-with-unfinished-write") {
        return Ok(Vec::new());
    }
    let text = flags.text("-shim-initial-write").unwrap_or(INITIAL_WRITE);
    Ok(vec![text.as_bytes().to_vec(); flags.number("-repeat-shim-initial-write")?.unwrap_or(1)])
}

/// Before the handshake is over, where the ClientHello offers early data. Gives what could not be sent.
fn early(flags: &Set, retry: &Set, socket: &mut Socket, first: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, End> {
    same("early data", !flags.has("-expect-no-offer-early-data"))?;
    // The session was judged; what is judged from now on comes where early data is rejected.
    socket.owner().judge.reject(setup::rejects(retry));
    if flags.has("-export-keying-material") {
        socket.export(&[], &[], 0)?;
    }
    if let Some(kind) = flags.number::<u8>("-early-write-after-message")? {
        socket.read_until(kind)?;
    }
    if flags.has("-read-with-unfinished-write") {
        socket.hold()?;
    }
    socket.write_early(first)
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
    let owner = socket.owner();
    let scheme = number("-expect-peer-signature-algorithm")?;
    same("scheme", is_resumption || scheme.is_none() || scheme == owner.peer_scheme())?;
    let selected = flags.number::<i64>("-expect-selected-credential")?;
    same("credential", selected.is_none_or(|number| number == owner.selected()))?;
    if let Some(path) = flags.text("-expect-peer-cert-file").filter(|_| !is_resumption) {
        same("chain", certificates(path)? == owner.peer_chain())?;
    }
    same("certificate", !flags.has("-expect-no-peer-cert") || owner.peer_chain().is_empty())?;
    let schemes: Vec<u16> = flags.numbers("-expect-peer-verify-pref")?;
    same("schemes", schemes.is_empty() || schemes == socket.heard.schemes)?;
    if let Some(list) = flags.text("-expect-client-ca-list") {
        same("authorities", setup::authorities(list)? == socket.heard.authorities)?;
    }
    let is_accepted = matches!(negotiated.early_data, EarlyData::Accepted { .. });
    same("rejection of early data", is_accepted || !flags.has("-expect-accept-early-data"))?;
    same("acceptance of early data", !is_accepted || !flags.has("-expect-reject-early-data"))?;
    same("HelloRetryRequest", !flags.has("-expect-no-hrr") || !socket.heard.retried)?;
    same("lack of a HelloRetryRequest", !flags.has("-expect-hrr") || socket.heard.retried)
}

/// Echoes until the runner is done.
fn exchange(flags: &Set, socket: &mut Socket, first: &[Vec<u8>]) -> Result<(), End> {
    if let Some(len) = flags.number::<usize>("-export-keying-material")? {
        let label = flags.text("-export-label").unwrap_or_default();
        let context = flags.text("-export-context").unwrap_or_default();
        let exported = socket.export(label.as_bytes(), context.as_bytes(), len)?;
        socket.write(&exported, usize::MAX)?;
    }
    if flags.has("-read-with-unfinished-write") {
        socket.hold()?;
    }
    first.iter().try_for_each(|data| socket.write(data, usize::MAX))?;
    if flags.has("-shim-shuts-down") {
        socket.close()?;
        return if flags.has("-check-close-notify") { await_close(socket) } else { Ok(()) };
    }
    let read_bytes = flags.number("-read-size")?.unwrap_or(READ_BYTES);
    loop {
        let goes_on = socket.read_record()?;
        if !socket.heard.data.is_empty() && flags.has("-key-update") {
            socket.update_keys()?;
        }
        socket.echo(read_bytes)?;
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
