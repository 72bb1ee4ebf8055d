//! Which crate may use which: never upward, never sideways between HTTP/2 and HTTP/3.

use crate::root;
use std::{collections::BTreeMap, fs};

/// A row a crate, lowest first: the crate, and those of ours that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("crypto", &["wire"]),
    ("tls", &["wire", "crypto"]),
    ("quic", &["wire", "crypto", "tls"]),
    ("fields", &["wire"]),
    ("semantics", &["wire"]),
    ("preload", &["wire", "fields", "semantics"]),
    ("h2", &["wire", "fields", "semantics"]),
    ("h3", &["wire", "fields", "semantics"]),
    ("session", &["wire", "crypto", "tls", "quic", "fields", "semantics", "h2", "h3", "preload"]),
    ("page", &["wire", "semantics", "preload"]),
    ("net", &["wire", "crypto", "tls", "quic", "semantics", "h2", "h3", "preload", "session"]),
    (
        "sakigake",
        &["wire", "crypto", "tls", "quic", "semantics", "h2", "h3", "preload", "session", "page", "net"],
    ),
    (
        "lab",
        &["wire", "crypto", "tls", "quic", "fields", "semantics", "h2", "h3", "preload", "session", "page"],
    ),
    (
        "cli",
        &[
            "sakigake",
            "lab",
            "wire",
            "crypto",
            "tls",
            "quic",
            "semantics",
            "preload",
            "h2",
            "h3",
            "session",
            "page",
            "net",
        ],
    ),
];

/// Holds every manifest's `[dependencies]` against the table.
pub(crate) fn check() -> Result<(), String> {
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    let folder = root().join("crates");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(allowed) = table.get(name.as_str()) else {
            wrong.push(format!("crates/{name} has no row in the table of layers"));
            continue;
        };
        let manifest = path.join("Cargo.toml");
        let wrong_with = |why: String| format!("{}: {why}", manifest.display());
        let text = fs::read_to_string(&manifest).map_err(|error| wrong_with(error.to_string()))?;
        let used = ours(&text).map_err(wrong_with)?;
        let climbing = used.iter().filter(|used| !allowed.contains(&used.as_str()));
        wrong.extend(climbing.map(|used| format!("{name} may not use {used}")));
    }
    println!("{} layers", LAYERS.len());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Those of our crates that a manifest's `[dependencies]` name, for any target.
fn ours(manifest: &str) -> Result<Vec<String>, String> {
    let table: toml::Table = manifest.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let targets =
        table.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let tables = std::iter::once(table.get("dependencies")).chain(targets.map(|t| t.get("dependencies")));
    let names = tables.flatten().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
    let short = |name: &String| match name.as_str() {
        "sakigake" => Some("sakigake".to_owned()),
        _ => name.strip_prefix("sakigake-").map(str::to_owned),
    };
    Ok(names.filter_map(short).collect())
}

#[cfg(test)]
mod tests;
