//! Key exchange: shares are drawn from the seed, and the secret is a sum over both.

use super::sum::Sum;
use sakigake_crypto::{Accepted, BadShare, Group, KeyShare, Secret};
use sakigake_wire::Entropy;

pub(super) static GROUPS: &[Group] = &[
    Group {
        id: HYBRID.id,
        client_share_len: HYBRID.client_len,
        server_share_len: HYBRID.server_len,
        start: |entropy| start(&HYBRID, entropy),
        accept: |entropy, share| accept(&HYBRID, entropy, share),
    },
    Group {
        id: X25519.id,
        client_share_len: X25519.client_len,
        server_share_len: X25519.server_len,
        start: |entropy| start(&X25519, entropy),
        accept: |entropy, share| accept(&X25519, entropy, share),
    },
    Group {
        id: SECP256R1.id,
        client_share_len: SECP256R1.client_len,
        server_share_len: SECP256R1.server_len,
        start: |entropy| start(&SECP256R1, entropy),
        accept: |entropy, share| accept(&SECP256R1, entropy, share),
    },
    Group {
        id: SECP384R1.id,
        client_share_len: SECP384R1.client_len,
        server_share_len: SECP384R1.server_len,
        start: |entropy| start(&SECP384R1, entropy),
        accept: |entropy, share| accept(&SECP384R1, entropy, share),
    },
];

struct Shape {
    id: u16,
    client_len: usize,
    server_len: usize,
    secret_len: usize,
    /// The first byte of every share, where the group prescribes one.
    form: Option<u8>,
}

static HYBRID: Shape = Shape { id: 0x11ec, client_len: 1216, server_len: 1120, secret_len: 64, form: None };
static X25519: Shape =
    Shape { id: 0x001d, client_len: X25519_LEN, server_len: X25519_LEN, secret_len: 32, form: None };
static SECP256R1: Shape = Shape { id: 0x0017, client_len: 65, server_len: 65, secret_len: 32, form: Some(4) };
static SECP384R1: Shape = Shape { id: 0x0018, client_len: 97, server_len: 97, secret_len: 48, form: Some(4) };

const X25519_LEN: usize = 32;

struct Pair {
    shape: &'static Shape,
    public: Vec<u8>,
}

fn start(shape: &'static Shape, entropy: &mut dyn Entropy) -> Box<dyn KeyShare> {
    Box::new(Pair { shape, public: shape.draw(shape.client_len, entropy) })
}

fn accept(shape: &'static Shape, entropy: &mut dyn Entropy, client: &[u8]) -> Accepted {
    shape.admit(client, shape.client_len)?;
    let server = shape.draw(shape.server_len, entropy);
    let secret = shape.secret(client, &server);
    Ok((server, secret))
}

impl KeyShare for Pair {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(self: Box<Self>, server: &[u8]) -> Result<Secret, BadShare> {
        self.shape.admit(server, self.shape.server_len)?;
        Ok(self.shape.secret(&self.public, server))
    }

    fn component(&self) -> Option<(u16, &[u8])> {
        let hybrid = self.shape.id == HYBRID.id;
        hybrid.then(|| (X25519.id, &self.public[self.public.len() - X25519_LEN..]))
    }

    fn agree_component(self: Box<Self>, server: &[u8]) -> Result<Secret, BadShare> {
        let (_, client) = self.component().ok_or(BadShare)?;
        X25519.admit(server, X25519.server_len)?;
        Ok(X25519.secret(client, server))
    }
}

impl Shape {
    fn draw(&self, len: usize, entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut share = vec![0; len];
        entropy.fill(&mut share);
        if let Some(form) = self.form {
            share[0] = form;
        }
        share
    }

    /// The length, the form, and in X25519 the point that would make the secret all zeros.
    fn admit(&self, share: &[u8], len: usize) -> Result<(), BadShare> {
        let zero = self.form.is_none() && share.iter().rev().take(X25519_LEN).all(|byte| *byte == 0);
        let form_is_right = self.form.is_none_or(|form| share.first() == Some(&form));
        match share.len() == len && form_is_right && !zero {
            true => Ok(()),
            false => Err(BadShare),
        }
    }

    fn secret(&self, client: &[u8], server: &[u8]) -> Secret {
        let sum = Sum::new("exchange").with(&self.id.to_be_bytes()).with(client).with(server);
        Secret::filled(self.secret_len, |out| sum.fill(out))
    }
}
