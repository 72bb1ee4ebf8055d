//! What the ratios are held against.

/// A row's name, the other stack, and how many times as long that is to take at the least.
const GOALS: &[(&str, &str, f64)] = &[
    ("handshake, server, X25519, TLS_AES_128_GCM_SHA256", "rustls", 1.15),
    ("resumed, server, X25519, TLS_AES_128_GCM_SHA256", "rustls", 1.3),
    ("handshake, client, X25519, TLS_AES_128_GCM_SHA256", "rustls", 1.05),
    ("seal 16 KiB, TLS_AES_128_GCM_SHA256", "rustls", 1.2),
    ("seal 1 MiB, TLS_AES_128_GCM_SHA256", "rustls", 1.2),
];

/// The ratios of the rows that have a goal, as they come.
#[derive(Default)]
pub(crate) struct Goals(Vec<(&'static str, f64, f64)>);

impl Goals {
    pub(crate) fn take(&mut self, what: &str, theirs: &str, ratio: f64) {
        let row = GOALS.iter().find(|(name, other, _)| *name == what && *other == theirs);
        self.0.extend(row.map(|(name, _, goal)| (*name, *goal, ratio)));
    }

    /// A line a goal that was measured.
    pub(crate) fn lines(&self) -> String {
        let line = |(what, goal, ratio): &(&str, f64, f64)| {
            let verdict = if ratio >= goal { "reached" } else { "missed" };
            format!("goal {goal:.2}, found {ratio:.2}: {verdict:7}  {what}\n")
        };
        self.0.iter().map(line).collect()
    }
}
