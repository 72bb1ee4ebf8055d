//! One table of the file, read key by key as the table of keys says. What is wrong is noted, and reading goes on.

use super::{
    Mistake,
    keys::{Key, Kind, Section},
    nearest::nearest,
    values::{self, Wrong},
};
use crate::files::FieldRule;
use std::{cell::RefCell, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

impl<T> Placed<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: change(self.value), at: self.at }
    }
}

/// What was noted so far.
pub(super) type Mistakes = RefCell<Vec<Mistake>>;

/// A table that is being read.
pub(super) struct Reading<'a> {
    section: Section,
    table: Option<&'a DeTable<'a>>,
    mistakes: &'a Mistakes,
    asked: RefCell<Vec<&'static str>>,
    /// Keys that unknown ones may have been meant for.
    meant: RefCell<Vec<String>>,
}

impl<'a> Reading<'a> {
    /// `tables` are names of tables that may stand in it beside the section's keys.
    pub(super) fn new(
        section: Section,
        table: Option<&'a DeTable<'a>>,
        tables: &[&str],
        mistakes: &'a Mistakes,
    ) -> Self {
        let reading = Self { section, table, mistakes, asked: RefCell::default(), meant: RefCell::default() };
        let known = |name: &str| tables.contains(&name) || section.keys().any(|key| key.name == name);
        for (key, value) in
            table.iter().flat_map(|table| table.iter()).filter(|(key, _)| !known(key.get_ref()))
        {
            reading.unknown(key, value, tables);
        }
        reading
    }

    fn unknown(&self, key: &Spanned<toml::de::DeString<'_>>, value: &Spanned<DeValue<'_>>, tables: &[&str]) {
        let name = key.get_ref();
        let called = self.section.called();
        let mistake = Mistake::new(key.span(), format!("`{name}` is not a key {called}"));
        let own: Vec<&str> = self.section.keys().map(|key| key.name).chain(tables.iter().copied()).collect();
        if self.section == Section::Host && value.get_ref().as_table().is_some_and(looks_like_host) {
            self.meant.borrow_mut().push("folder".into()); // It stands there.
            let note = "a name with dots needs quotation marks: [hosts.\"example.com\"]";
            return self.note(mistake.label("did you mean a part of the host's name?").note(note));
        }
        // A key of this section is nearer than one of another that is spelled as alike.
        let others = Section::ALL.iter().flat_map(|section| section.keys()).map(|key| key.name);
        let near = nearest(name, own.iter().copied().chain(others));
        let mistake = match near {
            None => mistake,
            Some(near) if own.contains(&near) => {
                self.meant.borrow_mut().push(near.into());
                match tables.contains(&near) && is_tables(value.get_ref()) {
                    true if near == HOSTS => {
                        mistake.label(format!("did you mean {}?", host_header(value.get_ref())))
                    }
                    true => mistake.label(format!("did you mean [{near}]?")),
                    false => mistake.label(format!("did you mean `{near}`?")),
                }
            }
            Some(near) => {
                let section = Section::ALL.iter().find(|section| section.keys().any(|key| key.name == near));
                let place = match section {
                    Some(Section::Top) | None => {
                        "stands at the top of the file, before the first [header]".into()
                    }
                    Some(Section::Clients) => "belongs to a host's `client_certificates`".into(),
                    Some(Section::Host) => "belongs to a host: [hosts.\"NAME\"]".into(),
                    Some(section) => format!("belongs to {}", section.header()),
                };
                mistake.label(if near == key_of(name) {
                    format!("it {place}")
                } else {
                    format!("`{near}` {place}")
                })
            }
        };
        self.note(mistake.note(format!("allowed here: {}", own.join(", "))));
    }

    fn note(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    /// The key's value, whatever it is. Asking for what the table of keys does not hold is our own mistake.
    fn value(&self, name: &'static str) -> Option<(&'static Key, &'a Spanned<DeValue<'a>>)> {
        let key =
            self.section.keys().find(|key| key.name == name).expect("the parser asks for keys of the table");
        self.asked.borrow_mut().push(name);
        Some((key, self.table?.get(name)?))
    }

    /// Whether each key of the section was asked for.
    pub(super) fn is_complete(&self) -> bool {
        self.section.keys().all(|key| self.asked.borrow().contains(&key.name))
    }

    /// Whether the key stands there under a mistyped name.
    pub(super) fn is_mistyped(&self, name: &str) -> bool {
        self.meant.borrow().iter().any(|meant| meant == name)
    }

    /// Where the key stands.
    pub(super) fn key_at(&self, name: &str) -> Option<Range<usize>> {
        Some(self.table?.get_key_value(name)?.0.span())
    }

    fn other_type(&self, key: &Key, value: &Spanned<DeValue<'_>>) {
        let (name, words) = (key.name, key.kind.words());
        let found = kind_of(value.get_ref());
        let mistake = Mistake::new(value.span(), format!("`{name}` takes {words}"));
        let bare = match (key.kind, value.get_ref()) {
            (Kind::Duration(..), DeValue::Integer(number)) => format!("write \"{number}s\" for seconds"),
            (Kind::Size(..), DeValue::Integer(number)) => format!("write \"{number} B\" for bytes"),
            (Kind::Address | Kind::Addresses, DeValue::Integer(port)) => {
                format!("write \"*:{port}\" for every address, or \"localhost:{port}\"")
            }
            (Kind::Flag, DeValue::String(text)) if matches!(&**text, "true" | "false") => {
                format!("write {text} without quotation marks")
            }
            (Kind::Count(..), DeValue::String(text)) if text.parse::<u64>().is_ok() => {
                format!("write {text} without quotation marks")
            }
            _ => format!("this is {found}"),
        };
        self.note(mistake.label(bare));
    }

    pub(super) fn flag(&self, name: &'static str) -> Option<bool> {
        let (key, value) = self.value(name)?;
        debug_assert_eq!(key.kind, Kind::Flag);
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.other_type(key, value);
        }
        flag
    }

    /// An integer within the key's bounds.
    pub(super) fn count(&self, name: &'static str) -> Option<u64> {
        let (key, value) = self.value(name)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.other_type(key, value);
            return None;
        };
        let number = u64::from_str_radix(number.as_str(), number.radix()).ok(); // Negative or huge: out of bounds.
        let allowed = number.filter(|number| match key.kind {
            Kind::Count(from, to) => (from..=to).contains(number),
            _ => unreachable!("only keys of this kind are asked for so"),
        });
        if allowed.is_none() {
            let what = format!("`{name}` takes {}", key.kind.words());
            self.note(Mistake::new(value.span(), what).label("this is not among them"));
        }
        allowed
    }

    /// A string that `read` understands.
    pub(super) fn text<T>(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Placed<T>> {
        let (key, value) = self.value(name)?;
        self.one(key, value, &read)
    }

    fn one<T>(
        &self,
        key: &Key,
        value: &Spanned<DeValue<'_>>,
        read: &impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Placed<T>> {
        let Some(text) = value.get_ref().as_str() else {
            self.other_type(key, value);
            return None;
        };
        match read(text) {
            Ok(read) => Some(Placed { value: read, at: value.span() }),
            Err(Wrong(what, label)) => {
                self.note(Mistake::new(value.span(), what).label(label));
                None
            }
        }
    }

    /// A time in milliseconds, within the key's bounds.
    pub(super) fn duration(&self, name: &'static str) -> Option<u64> {
        let placed = self.text(name, values::duration)?;
        self.within(name, placed)
    }

    /// A size in bytes, within the key's bounds.
    pub(super) fn size(&self, name: &'static str) -> Option<u64> {
        let placed = self.text(name, values::size)?;
        self.within(name, placed)
    }

    fn within(&self, name: &'static str, placed: Placed<u64>) -> Option<u64> {
        let (key, _) = self.value(name)?;
        let (Kind::Duration(from, to) | Kind::Size(from, to)) = key.kind else {
            unreachable!("only keys of these kinds are asked for so")
        };
        if (from..=to).contains(&placed.value) {
            return Some(placed.value);
        }
        let label = if placed.value < from { "this is less" } else { "this is more" };
        self.note(Mistake::new(placed.at, format!("`{name}` takes {}", key.kind.words())).label(label));
        None
    }

    /// One of the key's words.
    pub(super) fn choice(&self, name: &'static str) -> Option<&'static str> {
        let (key, _) = self.value(name)?;
        let Kind::Choice(words) = key.kind else { unreachable!("only keys of this kind are asked for so") };
        let read = |text: &str| match words.iter().find(|word| **word == text) {
            Some(word) => Ok(*word),
            None => {
                let near = nearest(text, words.iter().copied());
                let near = near.map_or(String::new(), |near| format!("did you mean \"{near}\"?"));
                Err(Wrong(format!("`{name}` takes {}, not \"{text}\"", key.kind.words()), near))
            }
        };
        self.text(name, read).map(|placed| placed.value)
    }

    /// One string or a list of them.
    pub(super) fn list<T>(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Vec<Placed<T>>> {
        let (key, value) = self.value(name)?;
        match value.get_ref() {
            DeValue::Array(values) => {
                Some(values.iter().filter_map(|value| self.one(key, value, &read)).collect())
            }
            _ => Some(self.one(key, value, &read).into_iter().collect()),
        }
    }

    /// A table within.
    pub(super) fn table(&self, name: &'static str) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let (key, value) = self.value(name)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.other_type(key, value);
        }
        Some((table?, value.span()))
    }

    /// A table of strings, in the file's order.
    pub(super) fn pairs<K, V>(
        &self,
        name: &'static str,
        read_key: impl Fn(&str) -> Result<K, Wrong>,
        read: impl Fn(&str) -> Result<V, Wrong>,
    ) -> Vec<(K, Placed<V>)> {
        let Some((key, value)) = self.value(name) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.other_type(key, value);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, value) in sorted(table) {
            let first = self.noted(name.span(), read_key(name.get_ref()));
            pairs.extend(first.zip(self.one(key, value, &read)));
        }
        pairs
    }
}

impl Reading<'_> {
    /// Fields for every answer, and by pattern for some files. Those of patterns come first: the first `cache-control`
    /// that fits is the one that holds.
    pub(super) fn fields(&self, name: &'static str) -> Vec<FieldRule> {
        let Some((key, value)) = self.value(name) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.other_type(key, value);
            return Vec::new();
        };
        let mut rules = Vec::new();
        for (name, value) in sorted(table) {
            match value.get_ref() {
                DeValue::Table(some) => {
                    let pattern = name.get_ref();
                    rules.extend(
                        sorted(some).into_iter().filter_map(|member| self.rule(key, pattern, member)),
                    );
                }
                _ => rules.extend(self.rule(key, "*", (name, value))),
            }
        }
        rules.sort_by_key(|rule| rule.pattern == "*");
        rules
    }

    fn rule(&self, key: &Key, pattern: &str, (name, value): Member<'_>) -> Option<FieldRule> {
        let read = values::field_name(name.get_ref());
        let name = self.noted(name.span(), read);
        let value = self.one(key, value, &values::field_value);
        Some(FieldRule { pattern: pattern.into(), name: name?, value: value?.value })
    }

    fn noted<T>(&self, at: Range<usize>, read: Result<T, Wrong>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(Wrong(what, label)) => {
                self.note(Mistake::new(at, what).label(label));
                None
            }
        }
    }
}

type Member<'a> = (&'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>);

/// As they stand in the file.
pub(super) fn sorted<'a>(table: &'a DeTable<'a>) -> Vec<Member<'a>> {
    let mut members: Vec<Member<'a>> = table.iter().collect();
    members.sort_by_key(|(key, _)| key.span().start);
    members
}

/// What the value is, with its article.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Whether it was written with a header, or could have been.
fn is_tables(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(values) => values.iter().all(|value| value.get_ref().is_table()) && !values.is_empty(),
        _ => false,
    }
}

/// The header that a host's table should have, where it stands under another: with the name that it gives, if it gives one.
pub(super) fn host_header(value: &DeValue<'_>) -> String {
    let table = match value {
        DeValue::Array(values) => values.first().and_then(|first| first.get_ref().as_table()),
        value => value.as_table(),
    };
    let said = |table: &DeTable<'_>| {
        let by_key = NAMES.iter().find_map(|key| Some(table.get(*key)?.get_ref().as_str()?.to_owned()));
        let by_header = || {
            let first = sorted(table).into_iter().find(|(_, value)| value.get_ref().is_table())?;
            Some(first.0.get_ref().to_string())
        };
        by_key.or_else(by_header)
    };
    let name = table.and_then(said).and_then(|name| values::host_name(&name).ok()); // What is no name helps nobody.
    format!("[hosts.\"{}\"]", name.as_deref().unwrap_or("example.com"))
}

/// What other servers' files call a host's name.
const NAMES: &[&str] = &["name", "names", "server_name", "hostname", "host", "domain", "address"];

/// The header that all hosts stand under.
pub(super) const HOSTS: &str = "hosts";

/// `redirect-http` is `redirect_http`.
fn key_of(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// Whether a table is a host's, or holds one, as `[hosts.www.example.com]` makes it.
fn looks_like_host(table: &DeTable<'_>) -> bool {
    table.iter().any(|(key, value)| {
        Section::Host.keys().any(|known| known.name == &**key.get_ref())
            || value.get_ref().as_table().is_some_and(looks_like_host)
    })
}
