//! `srcset` and `sizes`: which of the candidates the screen takes (HTML, "images", section 4.8.4.3).

use super::media::{self, Viewport};

/// The reference that a screen of density 1 takes: the smallest candidate that is dense enough, else the densest; `src`
/// counts as 1x beside candidates without widths. `None` when there is nothing to choose from.
pub(super) fn choose<'a>(srcset: &'a str, sizes: &str, src: Option<&'a str>) -> Option<&'a str> {
    let slot = slot_width(sizes);
    let parsed = candidates(srcset);
    let has_widths = parsed.iter().any(|(_, size)| matches!(size, Size::Width(_)));
    let src = src.filter(|src| !src.trim().is_empty() && !has_widths).map(|src| (src, Size::Density(1.0)));
    let mut best: Option<(&str, f64)> = None;
    for (reference, size) in parsed.into_iter().chain(src) {
        let density = match size {
            Size::Width(width) => width / slot,
            Size::Density(density) => density,
        };
        let is_better = best.is_none_or(|(_, best)| match (density >= 1.0, best >= 1.0) {
            (true, true) => density < best,
            (dense, best_dense) => dense || (!best_dense && density > best),
        });
        if is_better {
            best = Some((reference, density));
        }
    }
    best.map(|(reference, _)| reference)
}

#[derive(Clone, Copy)]
enum Size {
    Width(f64),
    Density(f64),
}

/// The candidates in order; those with a descriptor that is none are dropped.
fn candidates(srcset: &str) -> Vec<(&str, Size)> {
    let mut found = Vec::new();
    let mut rest = srcset;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return found;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (reference, after) = rest.split_at(end);
        let bare = reference.trim_end_matches(',');
        if bare.len() < reference.len() {
            rest = after;
            found.push((bare, Size::Density(1.0)));
            continue;
        }
        let end = descriptors_end(after);
        let (descriptors, after) = after.split_at(end);
        rest = after;
        found.extend(size(descriptors).map(|size| (reference, size)));
    }
}

/// Where the comma lies that ends the descriptors: not one in parentheses.
fn descriptors_end(text: &str) -> usize {
    let mut is_open = false;
    for (at, c) in text.char_indices() {
        match c {
            '(' => is_open = true,
            ')' => is_open = false,
            ',' if !is_open => return at,
            _ => {}
        }
    }
    text.len()
}

fn size(descriptors: &str) -> Option<Size> {
    let mut chosen = Size::Density(1.0);
    for word in descriptors.split_ascii_whitespace() {
        let positive = |number: &str| number.parse().ok().filter(|n: &f64| n.is_finite() && *n > 0.0);
        chosen = match (word.strip_suffix('w'), word.strip_suffix('x'), word.strip_suffix('h')) {
            (Some(width), _, _) => Size::Width(positive(width)?),
            (_, Some(density), _) => Size::Density(positive(density)?),
            // A height is allowed beside a width and changes nothing.
            (_, _, Some(_)) => chosen,
            _ => return None,
        };
    }
    Some(chosen)
}

/// The width that `sizes` gives the picture, the whole screen when it says nothing that is understood.
fn slot_width(sizes: &str) -> f64 {
    let stated = sizes.split(',').find_map(|size| {
        let size = size.trim();
        let (condition, length) = match size.rfind(')') {
            Some(at) if size.starts_with('(') => size.split_at(at + 1),
            _ => ("", size),
        };
        media::applies(condition).then(|| media::pixels(length))
    });
    stated.flatten().filter(|width| *width > 0.0).unwrap_or(Viewport::WIDTH)
}
