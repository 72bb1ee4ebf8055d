//! The attacks of RFC 9000 section 21, each in a world of its own: who attacks stands where the section puts him, and what must
//! hold all the same is held against numbers.
//!
//! ```text
//!   Between: on the path, or beside it with a copy of all that passes (who looks on and injects needs to drop nothing)
//!   Liar:    the peer itself; it finishes the handshake as an honest end, then says what it likes under the real keys
//! ```

pub mod acks;
pub mod between;
pub mod commitment;
pub mod endpoint;
pub mod floods;
pub mod forgery;
pub mod handshake;
pub mod liar;
pub mod paths;
pub mod trial;

pub use trial::Trial;

use core::fmt::Write as _;

/// One way to do harm.
#[derive(Clone, Copy)]
pub struct Attack {
    /// Of RFC 9000.
    pub section: &'static str,
    /// What the attacker does; the name of the world.
    pub name: &'static str,
    /// Where the attacker stands.
    pub stands: Stands,
    /// What holds, in words.
    pub holds: &'static str,
    /// What is measured, and the most that it may be. Each is measured in each world.
    pub bounds: &'static [(&'static str, u64)],
    /// Plays it.
    pub play: fn(seed: u64, trial: &mut Trial),
}

/// Where an attacker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It sees nothing, and sends what it likes.
    Blind,
    /// It sees what passes, and sends copies and inventions of its own, faster than the real ones where that helps.
    Beside,
    /// All passes through its hands.
    Between,
    /// It is the client.
    Client,
    /// It is the server.
    Server,
}

/// Every family of attacks, in the order of the sections.
pub const FAMILIES: [&[Attack]; 7] = [
    handshake::ATTACKS,
    endpoint::ATTACKS,
    paths::ATTACKS,
    forgery::ATTACKS,
    acks::ATTACKS,
    commitment::ATTACKS,
    floods::ATTACKS,
];

/// Every attack.
pub fn all() -> impl Iterator<Item = &'static Attack> {
    FAMILIES.into_iter().flatten()
}

impl Attack {
    /// Plays its world, and gives what did not hold; each complaint begins with the attack's name.
    pub fn run(&self, seed: u64) -> Vec<String> {
        let mut trial = Trial::default();
        (self.play)(seed, &mut trial);
        trial.judge(self.bounds).into_iter().map(|what| format!("{}: {what}", self.name)).collect()
    }
}

impl Stands {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blind => "off the path, blind",
            Self::Beside => "off the path, looking on",
            Self::Between => "on the path",
            Self::Client => "the client",
            Self::Server => "the server",
        }
    }
}

/// What is shown by a test of the part that is attacked, and by no world: section, what holds, file and test.
pub const SHOWN: &[[&str; 4]] = &[
    [
        "21.3",
        "a token of an earlier connection validates an address once",
        "crates/quic/src/endpoint/accept/tests.rs",
        "a_token_of_an_earlier_connection_is_good_once",
    ],
    [
        "21.3",
        "a token of a Retry is for one address and one connection",
        "crates/quic/src/endpoint/token/tests.rs",
        "a_retry_token_that_is_not_right_is_refused",
    ],
    [
        "21.5.6",
        "nothing is answered that came from ports of old services, from many hosts, or from ourselves",
        "crates/quic/src/endpoint/route/tests.rs",
        "sources_that_nobody_can_answer_are_not_answered",
    ],
    [
        "21.11",
        "a stateless reset is smaller than what it answers, and two endpoints do not answer each other for ever",
        "crates/quic/src/endpoint/route/tests.rs",
        "two_endpoints_do_not_reset_each_other_for_ever",
    ],
    [
        "21.12",
        "a client that began again after Version Negotiation finds out that the server would have taken a better version",
        "crates/quic/src/parameters/tests.rs",
        "a_client_finds_out_who_chose_its_version",
    ],
];

/// The table of all attacks, in Markdown, and that of what is shown elsewhere.
pub fn table() -> String {
    let mut attacks: Vec<&Attack> = all().collect();
    attacks.sort_by_key(|attack| numbers(attack.section));
    let mut text = String::from(
        "| section | world | the attacker is | what holds | at most |\n| --- | --- | --- | --- | --- |\n",
    );
    for Attack { section, name, stands, holds, bounds, .. } in attacks {
        let bounds: Vec<String> = bounds.iter().map(|(what, most)| format!("{most} {what}")).collect();
        let (stands, bounds) = (stands.name(), bounds.join(", "));
        writeln!(text, "| {section} | `{name}` | {stands} | {holds} | {bounds} |")
            .expect("a String takes everything");
    }
    text.push_str("\n| section | what holds | test |\n| --- | --- | --- |\n");
    for [section, holds, file, test] in SHOWN {
        writeln!(text, "| {section} | {holds} | `{test}` in `{file}` |").expect("a String takes everything");
    }
    text
}

/// A section's number, to sort by.
fn numbers(section: &str) -> Vec<u32> {
    section.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
