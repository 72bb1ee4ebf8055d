//! Prometheus' text exposition format 0.0.4.

use std::fmt::Write as _;

/// What the response's `content-type` says.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows, a family of metrics after the other.
pub(super) struct Text {
    out: String,
    family: &'static str,
}

/// What a family is.
#[derive(Clone, Copy)]
pub(super) enum Type {
    Counter,
    Gauge,
    Histogram,
}

impl Text {
    pub(super) fn new() -> Self {
        Self { out: String::new(), family: "" }
    }

    /// Begins a family; the samples that follow are its own.
    pub(super) fn family(&mut self, name: &'static str, kind: Type, help: &str) {
        let kind = match kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        self.family = name;
    }

    /// A sample.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.named("", labels, format_args!("{value}"));
    }

    /// A sample whose name has something behind the family's.
    pub(super) fn named(&mut self, suffix: &str, labels: &[(&str, &str)], value: std::fmt::Arguments<'_>) {
        let family = self.family;
        self.push(format_args!("{family}{suffix}"));
        for (number, (name, label)) in labels.iter().enumerate() {
            let open = if number == 0 { '{' } else { ',' };
            self.push(format_args!("{open}{name}=\""));
            for c in label.chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.push(format_args!("{close} {value}\n"));
    }

    pub(super) fn into_string(self) -> String {
        self.out
    }

    fn push(&mut self, what: std::fmt::Arguments<'_>) {
        self.out.write_fmt(what).expect("a String takes everything");
    }
}
