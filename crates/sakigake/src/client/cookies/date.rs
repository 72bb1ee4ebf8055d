//! Dates as cookies have them (RFC 6265bis section 5.1.1): anything with a time, a day, a month and a year.

/// Seconds since 1970; 0 for what was before. `None` for what is no date.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_delimiter = |c: char| matches!(c, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = clock(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(match found {
                70..=99 => found + 1_900,
                0..=69 => found + 2_000,
                _ => found,
            });
        }
    }
    let (seconds, day, month, year) = (time?, day?, month?, year?);
    if !(1..=31).contains(&day) || year < 1_601 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    Some(days * 86_400 + seconds)
}

/// Leading digits, as many as allowed, and then no further digit.
fn number(token: &str, least: usize, most: usize) -> Option<u64> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (least..=most).contains(&digits).then(|| token[..digits].parse().ok())?
}

fn clock(token: &str) -> Option<u64> {
    let mut parts = token.splitn(3, ':');
    let mut part = |limit: u64| number(parts.next()?, 1, 2).filter(|value| *value <= limit);
    Some(part(23)? * 3_600 + part(59)? * 60 + part(59)?)
}

fn month_of(token: &str) -> Option<u64> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";
    let start = token.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.match_indices(start.as_str()).map(|(at, _)| at).find(|at| at % 3 == 0)?;
    u64::try_from(at / 3 + 1).ok() // Twelve at most.
}

/// `None` for a day that its month does not have; 0 for all before 1970.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day > length {
        return None;
    }
    if year < 1970 {
        return Some(0);
    }
    // Years begin in March, so that the leap day ends them; 719,468 days lie before 1970 then.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some(days - 719_468)
}
