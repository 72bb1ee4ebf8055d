//! A leaf on P-256 for `localhost` and the authority that signed it, also on P-256.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};

pub const HOST: &str = "localhost";

pub struct Credentials {
    pub authority: Vec<u8>,
    pub leaf: Vec<u8>,
    /// PKCS #8.
    pub key: Vec<u8>,
}

impl Credentials {
    pub fn make() -> Self {
        let new_key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key is made");
        let authority_key = new_key();
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for measurements");
        let authority = params.self_signed(&authority_key).expect("a key signs").der().to_vec();
        let issuer = Issuer::new(params, authority_key);
        let key = new_key();
        let leaf = CertificateParams::new(vec![HOST.into()]).expect("a good name");
        let leaf = leaf.signed_by(&key, &issuer).expect("a key signs").der().to_vec();
        Self { authority, leaf, key: key.serialize_der() }
    }
}
