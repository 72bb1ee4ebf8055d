//! What the server shows, and until when it is good.

use crate::{Failure, arguments::ServeArguments, ca};
use sakigake::{Swap, dev_ca::Leaf, expiry};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_page::Url;
use sakigake_session::ServerConfig;
use sakigake_tls::Credential;
use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

/// How often the time is looked at: a machine that slept has missed a longer sleep's end.
const LOOK: Duration = Duration::from_secs(600);

/// Chains with their keys.
pub(super) struct Certificates {
    pub(super) credentials: Vec<Arc<Credential>>,
    /// In words.
    pub(super) what: String,
    /// When to make others; none where somebody else makes them.
    pub(super) renew_at: Option<SystemTime>,
}

impl Certificates {
    pub(super) fn of(arguments: &ServeArguments, public: Option<&Url>) -> Result<Self, Failure> {
        if arguments.cert.len() != arguments.key.len() {
            let (certs, keys) = (arguments.cert.len(), arguments.key.len());
            return Err(Failure::new(format_args!("{certs} --cert and {keys} --key: each needs the other")));
        }
        if arguments.cert.is_empty() {
            return Self::development(public);
        }
        let pairs = arguments.cert.iter().zip(&arguments.key);
        let credentials = pairs.map(|(cert, key)| load(cert, key)).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<&str> =
            credentials.iter().flat_map(|credential| &credential.names).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let what = format!("for {}; {}", names.join(", "), soonest(&credentials));
        Ok(Self { what, credentials, renew_at: None })
    }

    fn development(public: Option<&Url>) -> Result<Self, Failure> {
        let ca = ca::open()?;
        let names: Vec<&str> =
            public.iter().map(|url| url.origin().host.as_str()).chain(["www.saki.test"]).collect();
        let leaves = ca.leaf(&names).map_err(Failure::new)?;
        let renew_at = leaves.ecdsa.renew_at.min(leaves.rsa.renew_at);
        let credentials =
            [leaves.ecdsa, leaves.rsa].into_iter().map(credential).collect::<Result<Vec<_>, _>>()?;
        let what = format!(
            "from the development CA (`sakigake ca` shows how to trust it); {}",
            soonest(&credentials)
        );
        Ok(Self { credentials, what, renew_at: Some(renew_at) })
    }
}

/// A leaf of the development CA, ready to be shown.
pub(crate) fn credential(leaf: Leaf) -> Result<Arc<Credential>, Failure> {
    let key = (PROVIDER.signing_key)(&leaf.key)
        .map_err(|_| Failure::new("the development CA made a key that the provider refuses"))?;
    let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
    Credential::load(chain, key).map(Arc::new).map_err(Failure::new)
}

pub(crate) fn load(cert: &Path, key: &Path) -> Result<Arc<Credential>, Failure> {
    let read = |path: &Path| {
        fs::read(path)
            .map_err(|error| Failure::because(format_args!("cannot read {}", path.display()), error))
    };
    let (chain, secret) = (read(cert)?, read(key)?);
    Credential::from_pem(&PROVIDER, &chain, &secret)
        .map(Arc::new)
        .map_err(|error| Failure::because(format_args!("{} and {}", cert.display(), key.display()), error))
}

/// When the first of the leaves expires, in words.
fn soonest(credentials: &[Arc<Credential>]) -> String {
    let leaves = credentials.iter().filter_map(|credential| credential.chain.first());
    let ends = leaves.filter_map(|leaf| expiry::not_after(leaf)).min();
    ends.map_or("expiry unknown".into(), |end| expiry::words(end, SystemTime::now()))
}

/// Makes new leaves whenever half of the old ones' life is over, on a thread of its own. Connections that are open keep what
/// they were shown.
pub(super) fn keep_fresh(
    session: Arc<Swap<ServerConfig>>,
    public: Option<Url>,
    mut due: SystemTime,
    configure: impl Fn(Vec<Arc<Credential>>) -> Result<ServerConfig, Failure> + Send + 'static,
) -> Result<(), Failure> {
    let renew = move || loop {
        thread::sleep(LOOK);
        if SystemTime::now() < due {
            continue;
        }
        let renewed = Certificates::development(public.as_ref())
            .and_then(|fresh| Ok((configure(fresh.credentials)?, fresh.renew_at)));
        match renewed {
            Ok((config, renew_at)) => {
                session.set(config);
                due = renew_at.unwrap_or(due);
            }
            Err(Failure(why)) => eprintln!("warning: the certificates stay as they were: {why}"),
        }
    };
    let named = thread::Builder::new().name("certificates".into()).spawn(renew);
    named.map(drop).map_err(|error| Failure::because("cannot start a thread", error))
}
