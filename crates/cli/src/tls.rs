//! `sakigake tls`: a look at handshakes.

use crate::{
    Failure,
    arguments::{AcceptArguments, ConnectArguments, LookArguments},
    ca, fetch, serve,
};
use sakigake::{
    client::{Trust, tickets::Store},
    client_certificates::{ClientCertificates, policies},
    key_log::KeyLogFile,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Application, Clock, Ended, PlainStream, SystemEntropy, drive, unix_secs};
use sakigake_session::{Carrier, ClientConfig, Event, ServerConfig, Session};
use sakigake_tls::{self as tls, Credential, RejectedCertificate, Staples, Verified, Verifier};
use sakigake_wire::Instant;
use std::{fs, io, process::ExitCode, sync::Arc};
use tokio::{
    io::{AsyncWriteExt, copy, split, stdin, stdout},
    net::{TcpListener, TcpStream},
};

pub(crate) fn connect(arguments: ConnectArguments) -> Result<ExitCode, Failure> {
    let (host, port) = crate::place(&arguments.target)?;
    let clock = Clock::start();
    let trust: Trust = fetch::trust(&arguments.trust);
    let mut options = tls::client::Options::new(&PROVIDER);
    let verifier = trust.verifier_with(arguments.crlfile.as_deref());
    let verifier = verifier.map_err(Failure::new)?;
    options.staples = arguments.status;
    options.verifier = Some(if arguments.status { Arc::new(Telling(verifier)) } else { verifier });
    options.alpn = alpn(&arguments.look);
    options.credentials.extend(fetch::identity(&arguments.identity)?);
    options.post_handshake_auth = !options.credentials.is_empty();
    options.unix_secs_at_start = unix_secs();
    options.key_log = arguments.look.keylog.is_some();
    options.compressions = &tls::compression::ALL;
    options.record_size_limit = Some(tls::extension::MAX_RECORD_SIZE_LIMIT);
    let name = arguments.servername.as_deref().unwrap_or(host);
    let mut looker = Looker::new(&arguments.look)?;
    if let Some(store) = arguments.tickets.then(|| fetch::tickets(true)).flatten() {
        options.tickets = Some(tls::extension::TicketRequest { new_session_count: 1, resumption_count: 1 });
        looker.tickets = Some((store, format!("{name}:{port} by hand")));
        options.early_data = arguments.early_data.is_some();
    }
    if let Some(path) = &arguments.early_data {
        looker.first = fs::read(path)
            .map_err(|error| Failure::because(format_args!("cannot read {}", path.display()), error))?;
        if looker.first.len() > FIRST_BYTES {
            return Err(Failure::new(format_args!("{} has more than {FIRST_BYTES} bytes", path.display())));
        }
    }
    let config = ClientConfig {
        tls: options.build().map_err(Failure::new)?,
        h2: None,
        h3: None,
        trace: arguments.look.trace,
    };
    let earlier = looker.tickets.as_ref().and_then(|(store, place)| store.take(place, unix_secs() * 1_000));
    looker.alpn = earlier.as_ref().and_then(|earlier| earlier.alpn.clone());
    super::on_this_thread(async {
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| {
            Failure::because(format_args!("cannot connect to port {port} of {host}"), error)
        })?;
        let session = Session::resume(Arc::new(config), name, earlier, clock.now(), Box::new(SystemEntropy));
        talk(stream, session.map_err(Failure::new)?, looker, clock).await
    })
}

pub(crate) fn accept(arguments: AcceptArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let mut options = tls::server::Options::new(&PROVIDER);
    options.credentials = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => vec![serve::load(cert, key)?],
        _ => development()?,
    };
    options.alpn = alpn(&arguments.look);
    options.key_log = arguments.look.keylog.is_some();
    options.unix_secs_at_start = unix_secs();
    let asks = (!arguments.client_ca.is_empty()).then(|| ClientCertificates {
        authorities: arguments.client_ca.clone(),
        revocations: Vec::new(),
        is_required: true,
        tells_authorities: false,
    });
    let asking = asks.iter().map(|asks| (&[][..], true, Some(asks)));
    options.client_authentication = policies(asking).map_err(Failure::new)?;
    let tls = options.build().map_err(Failure::new)?;
    let config = ServerConfig { tls, h2: None, h3: None, hints: None, trace: arguments.look.trace };
    let looker = Looker::new(&arguments.look)?;
    super::on_this_thread(async {
        let listener = TcpListener::bind(arguments.listen).await;
        let listener = listener.map_err(|error| {
            Failure::because(format_args!("cannot listen on {}", arguments.listen), error)
        })?;
        let address = listener.local_addr().map_err(Failure::new)?;
        eprintln!("waiting for one connection on {address}");
        let (stream, _) = listener.accept().await.map_err(Failure::new)?;
        let session = Session::server(Arc::new(config), clock.now(), Box::new(SystemEntropy));
        talk(stream, session, looker, clock).await
    })
}

pub(crate) fn development() -> Result<Vec<Arc<Credential>>, Failure> {
    let leaves = ca::open()?.leaf(&["www.saki.test"]).map_err(Failure::new)?;
    [leaves.ecdsa, leaves.rsa].into_iter().map(serve::credential).collect()
}

pub(crate) fn alpn(look: &LookArguments) -> Vec<Vec<u8>> {
    look.alpn.iter().map(|name| name.clone().into_bytes()).collect()
}

/// Judges as another does, and says what is stapled to a certificate that is good.
struct Telling(Arc<dyn Verifier>);

impl Verifier for Telling {
    fn verify_chain(&self, name: &str, chain: &[&[u8]], at: u64) -> Result<Verified, RejectedCertificate> {
        self.0.verify_chain(name, chain, at)
    }

    fn verify_staples(&self, chain: &[&[u8]], staples: &Staples, at: u64) -> Result<(), RejectedCertificate> {
        match &staples.ocsp {
            Some(response) => eprintln!("OCSP response: {} bytes", response.len()),
            None => eprintln!("OCSP response: none"),
        }
        eprintln!("Signed Certificate Timestamps: {}", staples.scts.len());
        self.0.verify_staples(chain, staples, at)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_signature(leaf, scheme, message, signature)
    }
}

/// Shows what a connection says, on standard error.
struct Looker {
    key_log: Option<Arc<KeyLogFile>>,
    /// Where tickets go, and under which name, if anywhere.
    tickets: Option<(Arc<dyn Store>, String)>,
    is_told: bool,
    /// What is sent before anything else, as early data if that is taken.
    first: Vec<u8>,
    is_first_sent: bool,
    /// The server passed over it.
    is_passed_over: bool,
    /// The protocol that it was sent under.
    alpn: Option<Vec<u8>>,
}

/// What a session takes at once of plaintext.
const FIRST_BYTES: usize = 1 << 16;

impl Looker {
    fn new(look: &LookArguments) -> Result<Self, Failure> {
        let key_log = look.keylog.as_deref().map(serve::open_key_log).transpose()?.map(Arc::new);
        Ok(Self {
            key_log,
            tickets: None,
            is_told: false,
            first: Vec::new(),
            is_first_sent: false,
            is_passed_over: false,
            alpn: None,
        })
    }

    fn show(key_log: Option<&KeyLogFile>, tickets: Option<&(Arc<dyn Store>, String)>, event: &Event<'_>) {
        match event {
            Event::Ticket(session) => {
                if let Some((store, place)) = tickets {
                    store.put(place, session);
                }
            }
            Event::Traced(traced) => eprint!("{traced}"),
            Event::KeyLog(line) => {
                if let Some(Err(error)) = key_log.map(|file| file.write(line)) {
                    eprintln!("warning: the key log cannot be written: {error}");
                }
            }
            _ => {}
        }
    }
}

impl Application for Looker {
    fn heard(&mut self, _: Instant, event: Event<'_>) {
        Self::show(self.key_log.as_deref(), self.tickets.as_ref(), &event);
        if let Event::Ready { early_data: tls::EarlyData::Rejected, .. } = event {
            self.is_passed_over = true;
        }
    }

    fn act(&mut self, _: Instant, session: &mut dyn Carrier) {
        if core::mem::take(&mut self.is_passed_over) {
            let is_same = session.agreed().is_some_and(|agreed| agreed.alpn == self.alpn);
            if is_same {
                self.is_first_sent = false;
            } else {
                eprintln!("the early data was meant for another protocol: it is not sent again");
            }
        }
        if !self.first.is_empty() && !self.is_first_sent {
            self.is_first_sent = session.write(&self.first) > 0; // All of it: nothing else waits there.
        }
        if let Some(agreed) = session.agreed().filter(|_| session.is_ready())
            && !core::mem::replace(&mut self.is_told, true)
        {
            eprintln!("{agreed}");
        }
    }
}

/// Drives the handshake, then carries standard input and output.
async fn talk(
    stream: TcpStream,
    session: Session,
    mut looker: Looker,
    clock: Clock,
) -> Result<ExitCode, Failure> {
    match drive(stream, session, &mut looker, clock).await {
        Ok(Ended::Closed) => Ok(ExitCode::SUCCESS),
        Ok(Ended::Plain(mut stream)) => {
            looker.act(clock.now(), stream.session_mut());
            let (key_log, tickets) = (looker.key_log.clone(), looker.tickets.clone());
            stream.watch(move |event| Looker::show(key_log.as_deref(), tickets.as_ref(), &event));
            carry(*stream).await.map_err(|error| Failure::because("the connection", error))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => Err(Failure::because("the handshake", failure)),
    }
}

async fn carry(stream: PlainStream) -> io::Result<()> {
    let (mut from, mut to) = split(stream);
    let up = async {
        copy(&mut stdin(), &mut to).await?;
        to.shutdown().await
    };
    let down = async {
        let mut out = stdout();
        copy(&mut from, &mut out).await?;
        out.flush().await
    };
    tokio::pin!(up, down);
    // What the peer has to say ends the talk; that we have no more to say does not.
    tokio::select! {
        done = &mut down => done,
        sent = &mut up => {
            sent?;
            down.await
        }
    }
}
