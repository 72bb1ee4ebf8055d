//! From tags to what they name.

use super::{By, Mode, Resource, ScriptKind, css, html::Tag, media, srcset};
use crate::{Destination, Url, rules::Rank};

/// Where in the document the scan stands, so far as it decides what a tag names.
#[derive(Debug)]
pub(super) struct Walker {
    document: Url,
    base: Option<Url>,
    /// How many more resources may be named.
    left: usize,
    css_bytes: usize,
    /// Open `template`s: what is in them is not part of the page.
    templates: usize,
    /// In a `picture`: whether one is open, and what an earlier `source` chose.
    picture: Option<Option<Url>>,
    /// In an `audio` or `video` that has not chosen its source.
    media: Option<Destination>,
}

type Found<'f> = dyn FnMut(Resource) + 'f;

impl Walker {
    pub(super) fn new(document: Url, resources: usize, css_bytes: usize) -> Self {
        Self { document, base: None, left: resources, css_bytes, templates: 0, picture: None, media: None }
    }

    /// A start tag is complete.
    pub(super) fn open(&mut self, tag: &Tag, found: &mut Found<'_>) {
        if tag.name == b"template" {
            self.templates += 1;
        }
        if self.templates > 0 {
            return;
        }
        match tag.name.as_slice() {
            b"base" if self.base.is_none() => {
                self.base = tag.value("href").and_then(|href| self.document.join(href))
            }
            b"link" => self.link(tag, found),
            b"script" => self.script(tag, found),
            b"picture" => self.picture = Some(None),
            b"source" => self.source(tag, found),
            b"img" | b"image" => self.image(tag, found),
            b"input" if tag.is("type", "image") => self.plain(tag.value("src"), Destination::Image, found),
            b"video" => self.media(tag, Destination::Video, found),
            b"audio" => self.media(tag, Destination::Audio, found),
            b"track" => {
                let url = tag.value("src").and_then(|src| self.join(src));
                self.report(url, found, |url| Resource {
                    is_lazy: tag.value("default").is_none(),
                    ..Resource::new(url, Destination::Track, By::Element)
                });
            }
            _ => {}
        }
        if let Some(style) = tag.value("style") {
            self.css(style, css::attribute, found);
        }
    }

    /// An end tag is complete.
    pub(super) fn close(&mut self, name: &[u8]) {
        match name {
            b"template" => self.templates = self.templates.saturating_sub(1),
            b"picture" => self.picture = None,
            b"video" | b"audio" => self.media = None,
            _ => {}
        }
    }

    /// A `style` element's text is complete.
    pub(super) fn style(&mut self, text: &str, found: &mut Found<'_>) {
        if self.templates == 0 {
            self.css(text, css::sheet, found);
        }
    }

    fn css(&mut self, text: &str, scan: css::Scan, found: &mut Found<'_>) {
        let text = text.get(..text.floor_char_boundary(self.css_bytes)).unwrap_or(text);
        scan(text, &mut |reference, by| {
            let url = self.join(reference);
            self.report(url, found, |url| Resource::of_style(url, by));
        });
    }

    fn link(&mut self, tag: &Tag, found: &mut Found<'_>) {
        let Some(rel) = tag.value("rel") else { return };
        let has = |word: &str| rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case(word));
        let applies = media::applies(tag.value("media").unwrap_or(""));
        let href = tag.value("href").and_then(|href| self.join(href));
        let kind = tag.value("type").unwrap_or("").trim().to_ascii_lowercase();
        if has("stylesheet") {
            if tag.value("disabled").is_some() || !matches!(kind.as_str(), "" | "text/css") {
                return;
            }
            let is_idle = !applies || has("alternate");
            self.report(href, found, |url| tag.marked(url, Destination::Style, By::Element, is_idle));
        } else if has("modulepreload") {
            let script = ScriptKind::Module;
            self.report(href, found, |url| {
                let marked = tag.marked(url, Destination::Script, By::Preload, false);
                Resource { mode: module_mode(marked.mode), script, ..marked }
            });
        } else if has("preload") {
            let Some(destination) = tag.value("as").and_then(Destination::of_preload).filter(|_| applies)
            else {
                return;
            };
            let set = tag.value("imagesrcset").filter(|_| destination == Destination::Image);
            let chosen = set
                .and_then(|set| srcset::choose(set, tag.value("imagesizes").unwrap_or(""), None))
                .and_then(|chosen| self.join(chosen));
            self.report(chosen.or(href), found, |url| tag.marked(url, destination, By::Preload, false));
        } else if has("icon") {
            self.report(href.filter(|_| applies), found, |url| {
                tag.marked(url, Destination::Image, By::Element, false)
            });
        } else if has("manifest") {
            self.report(href, found, |url| tag.marked(url, Destination::Manifest, By::Element, false));
        }
    }

    fn script(&mut self, tag: &Tag, found: &mut Found<'_>) {
        let kind = tag.value("type").unwrap_or("").trim().to_ascii_lowercase();
        let is_module = kind == "module";
        let is_script =
            kind.is_empty() || is_module || kind.ends_with("javascript") || kind.ends_with("ecmascript");
        if !is_script || (!is_module && tag.value("nomodule").is_some()) {
            return;
        }
        let is_async = tag.value("async").is_some();
        let url = tag.value("src").and_then(|src| self.join(src));
        self.report(url, found, |url| {
            let mut marked = tag.marked(url, Destination::Script, By::Element, false);
            if is_module {
                marked.mode = module_mode(marked.mode);
            }
            marked.script = match (is_async, is_module, tag.value("defer").is_some()) {
                (true, _, _) => ScriptKind::Async,
                (_, true, _) => ScriptKind::Module,
                (_, _, true) => ScriptKind::Defer,
                _ => ScriptKind::Classic,
            };
            if is_async && marked.rank == Rank::Auto {
                marked.rank = Rank::Asynchronous;
            }
            marked
        });
    }

    fn image(&mut self, tag: &Tag, found: &mut Found<'_>) {
        // `image` is SVG's name for it, with SVG's names for the address, and an old alias of `img`.
        let src = tag.value("src").or(tag.value("href")).or(tag.value("xlink:href"));
        let chosen = match &mut self.picture {
            Some(chosen) => chosen.take(),
            None => None,
        };
        let url = chosen.or_else(|| {
            srcset::choose(tag.value("srcset").unwrap_or(""), tag.value("sizes").unwrap_or(""), src)
                .and_then(|reference| self.join(reference))
        });
        let is_lazy = tag.is("loading", "lazy");
        self.report(url, found, |url| Resource {
            is_lazy,
            ..tag.marked(url, Destination::Image, By::Element, is_lazy)
        });
    }

    fn source(&mut self, tag: &Tag, found: &mut Found<'_>) {
        let applies = media::applies(tag.value("media").unwrap_or(""));
        if let Some(destination) = self.media.filter(|_| applies) {
            self.media = None;
            self.plain(tag.value("src"), destination, found);
        } else if matches!(self.picture, Some(None)) && applies {
            let chosen =
                srcset::choose(tag.value("srcset").unwrap_or(""), tag.value("sizes").unwrap_or(""), None)
                    .and_then(|reference| self.join(reference));
            self.picture = Some(chosen);
        }
    }

    fn media(&mut self, tag: &Tag, destination: Destination, found: &mut Found<'_>) {
        if destination == Destination::Video {
            self.plain(tag.value("poster"), Destination::Image, found);
        }
        let is_wanted = !tag.is("preload", "none") || tag.value("autoplay").is_some();
        match tag.value("src") {
            Some(src) if is_wanted => {
                let url = self.join(src);
                self.report(url, found, |url| tag.marked(url, destination, By::Element, false));
            }
            None if is_wanted => self.media = Some(destination),
            _ => self.media = None,
        }
    }

    fn plain(&mut self, reference: Option<&str>, destination: Destination, found: &mut Found<'_>) {
        let url = reference.and_then(|reference| self.join(reference));
        self.report(url, found, |url| Resource::new(url, destination, By::Element));
    }

    fn join(&self, reference: &str) -> Option<Url> {
        self.base.as_ref().unwrap_or(&self.document).join(reference)
    }

    fn report(&mut self, url: Option<Url>, found: &mut Found<'_>, resource: impl FnOnce(Url) -> Resource) {
        if let Some(url) = url.filter(|_| self.left > 0) {
            self.left -= 1;
            found(resource(url));
        }
    }
}

/// Scripts that are modules are always fetched by CORS.
fn module_mode(mode: Mode) -> Mode {
    if mode == Mode::NoCors { Mode::Anonymous } else { mode }
}

impl Tag {
    /// The value of the first attribute of that name, as browsers take it.
    fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name.as_bytes()).map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name).is_some_and(|found| found.trim().eq_ignore_ascii_case(value))
    }

    /// A resource with the attributes that any element may give it.
    fn marked(&self, url: Url, destination: Destination, by: By, is_idle: bool) -> Resource {
        let rank = match (is_idle, self.is("fetchpriority", "high"), self.is("fetchpriority", "low")) {
            (true, _, _) => Rank::Idle,
            (_, true, _) => Rank::High,
            (_, _, true) => Rank::Low,
            _ => Rank::Auto,
        };
        let mode = Mode::read(self.value("crossorigin"));
        let integrity = match destination {
            Destination::Style | Destination::Script => {
                self.value("integrity").unwrap_or("").trim().to_owned()
            }
            _ => String::new(),
        };
        Resource { mode, rank, integrity, ..Resource::new(url, destination, by) }
    }
}
