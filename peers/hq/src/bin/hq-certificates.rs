//! `hq-certificates FOLDER CERTIFICATES NAME...`: what an interop server vouches with, made anew.
//!
//! `cert.pem` holds so many certificates, the leaf first (P-256, for the names); `priv.key` its key; `ca.pem` the root, with what is
//! just below it in a chain that some clients find too long. The leaf of more than two has many more names, so that a server
//! cannot send the chain before it has heard from the client again.

use hq::Outcome;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use std::{env, fs, path::Path};

/// Of a long chain's leaf, beside those that were asked for.
const MORE_NAMES: usize = 20;
/// Certificates in a row that every client follows; some stop at six.
const FOLLOWED: usize = 5;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, certificates, names @ ..] = arguments.as_slice() else {
        return Err("usage: hq-certificates FOLDER CERTIFICATES NAME...".into());
    };
    make(Path::new(folder), certificates.parse()?, names.to_vec())
}

fn make(folder: &Path, certificates: usize, mut names: Vec<String>) -> Outcome {
    let (params, key) = (authority("interop root"), new_key()?);
    let mut roots = params.self_signed(&key)?.pem();
    let mut issuer = Issuer::new(params, key);
    let mut chain = Vec::new();
    for above_leaf in (1..certificates).rev() {
        let (params, key) = (authority(&format!("interop {above_leaf}")), new_key()?);
        let certificate = params.signed_by(&key, &issuer)?.pem();
        if above_leaf >= FOLLOWED {
            // Whoever does not go further may stop here; whoever goes on needs the rest too.
            roots.push_str(&certificate);
        }
        chain.push(certificate);
        issuer = Issuer::new(params, key);
    }
    if certificates > 2 {
        names.extend((0..MORE_NAMES).map(|_| long_name()).collect::<Outcome<Vec<_>>>()?);
    }
    let key = new_key()?;
    chain.push(CertificateParams::new(names)?.signed_by(&key, &issuer)?.pem());
    chain.reverse();
    fs::write(folder.join("cert.pem"), chain.concat())?;
    fs::write(folder.join("priv.key"), key.serialize_pem())?;
    Ok(fs::write(folder.join("ca.pem"), roots)?)
}

fn new_key() -> Outcome<KeyPair> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// 247 letters that compress badly: parts of keys.
fn long_name() -> Outcome<String> {
    let label = || -> Outcome<String> {
        let key = new_key()?;
        let bytes = &key.public_key_raw()[1..];
        Ok(bytes.iter().take(60).map(|byte| char::from(b'a' + byte % 26)).collect())
    };
    Ok([label()?, label()?, label()?, label()?].join(".") + ".it")
}
