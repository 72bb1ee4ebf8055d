//! Content types by a file name's ending.

/// The type to send with a file of that name; `application/octet-stream` where the ending says nothing. Text is UTF-8.
pub fn content_type(name: &[u8]) -> &'static str {
    let Some(dot) = name.iter().rposition(|&byte| byte == b'.') else { return UNKNOWN };
    let ending = name[dot + 1..].to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(endings, _)| endings.iter().any(|known| known.as_bytes() == ending))
        .map_or(UNKNOWN, |row| row.1)
}

/// Whether bytes of that type usually become shorter by compression.
pub(super) fn is_compressible(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or(content_type);
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || essence.ends_with("+json")
        || COMPRESSIBLE.contains(&essence)
}

/// Whether bytes of that type are compressed as they are, so that nobody keeps another form beside them.
pub(super) fn is_compressed(content_type: &str) -> bool {
    let is_media = ["image/", "audio/", "video/"].iter().any(|start| content_type.starts_with(start));
    is_media && !is_compressible(content_type) || COMPRESSED.contains(&content_type)
}

const COMPRESSIBLE: &[&str] = &[
    "application/json",
    "application/wasm",
    "application/xml",
    "application/x-tar",
    "application/vnd.apple.mpegurl",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
];

const COMPRESSED: &[&str] = &[
    "application/epub+zip",
    "application/gzip",
    "application/x-7z-compressed",
    "application/zip",
    "application/zstd",
    "font/woff",
    "font/woff2",
];

const UNKNOWN: &str = "application/octet-stream";

#[rustfmt::skip]
const TYPES: &[(&[&str], &str)] = &[
    (&["html", "htm"],           "text/html; charset=utf-8"),
    (&["css"],                   "text/css; charset=utf-8"),
    (&["js", "mjs"],             "text/javascript; charset=utf-8"),
    (&["json", "map"],           "application/json"),
    (&["jsonld"],                "application/ld+json"),
    (&["geojson"],               "application/geo+json"),
    (&["webmanifest"],           "application/manifest+json"),
    (&["wasm"],                  "application/wasm"),
    (&["xml"],                   "application/xml"),
    (&["xhtml"],                 "application/xhtml+xml"),
    (&["atom"],                  "application/atom+xml"),
    (&["rss"],                   "application/rss+xml"),
    (&["txt", "text", "log"],    "text/plain; charset=utf-8"),
    (&["md", "markdown"],        "text/markdown; charset=utf-8"),
    (&["csv"],                   "text/csv; charset=utf-8"),
    (&["vtt"],                   "text/vtt; charset=utf-8"),
    (&["ics"],                   "text/calendar; charset=utf-8"),
    (&["svg"],                   "image/svg+xml"),
    (&["png"],                   "image/png"),
    (&["apng"],                  "image/apng"),
    (&["jpg", "jpeg"],           "image/jpeg"),
    (&["gif"],                   "image/gif"),
    (&["webp"],                  "image/webp"),
    (&["avif"],                  "image/avif"),
    (&["jxl"],                   "image/jxl"),
    (&["bmp"],                   "image/bmp"),
    (&["ico", "cur"],            "image/vnd.microsoft.icon"),
    (&["tif", "tiff"],           "image/tiff"),
    (&["woff2"],                 "font/woff2"),
    (&["woff"],                  "font/woff"),
    (&["ttf"],                   "font/ttf"),
    (&["otf"],                   "font/otf"),
    (&["mp3"],                   "audio/mpeg"),
    (&["m4a"],                   "audio/mp4"),
    (&["aac"],                   "audio/aac"),
    (&["flac"],                  "audio/flac"),
    (&["ogg", "oga", "opus"],    "audio/ogg"),
    (&["wav"],                   "audio/wav"),
    (&["mp4", "m4v"],            "video/mp4"),
    (&["webm"],                  "video/webm"),
    (&["ogv"],                   "video/ogg"),
    (&["mov"],                   "video/quicktime"),
    (&["m3u8"],                  "application/vnd.apple.mpegurl"),
    (&["pdf"],                   "application/pdf"),
    (&["epub"],                  "application/epub+zip"),
    (&["zip"],                   "application/zip"),
    (&["gz"],                    "application/gzip"),
    (&["tar"],                   "application/x-tar"),
    (&["zst"],                   "application/zstd"),
    (&["7z"],                    "application/x-7z-compressed"),
];

#[cfg(test)]
mod tests {
    use super::content_type;

    #[test]
    fn the_last_ending_decides_whatever_its_case() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("A.CSS", "text/css; charset=utf-8"),
            ("a.min.js", "text/javascript; charset=utf-8"),
            ("a.woff2", "font/woff2"),
            ("a.svg", "image/svg+xml"),
            ("html", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("a.html.bak", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name.as_bytes()), expected, "{name}");
        }
    }
}
