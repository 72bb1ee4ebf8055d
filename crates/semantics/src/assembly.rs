//! From field lines to a message that kept all rules.

use crate::{
    FieldLine, Fields, Kind, Message, Part, Request, Response,
    rules::{self, Pseudo, refuse_if},
};
use core::fmt;

/// A section under assembly: takes lines as a decoder yields them, remembers the first broken rule, and never makes the
/// decoder stop (its table must stay in step). After a broken rule it keeps nothing more.
#[derive(Debug)]
pub struct Assembly {
    kind: Kind,
    extended_connect: bool,
    malformed: Option<Malformed>,
    /// Which pseudo-fields came, as [`Pseudo::bit`]s.
    seen: u8,
    request: Request,
    status: u16,
    cookie: Option<(Vec<u8>, bool)>,
    regular: bool,
}

/// Why a message is malformed (RFC 9113 section 8.1.1, RFC 9114 section 4.1.2): one variant a sin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A field name of no bytes.
    EmptyName,
    /// A field name with an upper-case letter.
    UppercaseName,
    /// A field name with a byte that no name may have.
    Name,
    /// A field value with NUL, CR or LF.
    Value,
    /// A field value that begins or ends with a space or a tab.
    PaddedValue,
    /// A field that speaks of one HTTP/1.1 connection.
    ConnectionSpecific,
    /// `te` with anything but `trailers`, or outside a request.
    Te,
    /// A pseudo-field that nothing defines.
    UnknownPseudo,
    /// A pseudo-field for the second time.
    RepeatedPseudo,
    /// A pseudo-field after a regular field.
    LatePseudo,
    /// A pseudo-field in trailers.
    PseudoInTrailers,
    /// A request's pseudo-field in a response, or the other way round.
    MisplacedPseudo,
    /// No `:method`.
    NoMethod,
    /// No `:scheme`.
    NoScheme,
    /// No `:path`.
    NoPath,
    /// No `:status`.
    NoStatus,
    /// Neither `:authority` nor `host` where the scheme or the method needs one.
    NoAuthority,
    /// `:method` is not a token.
    Method,
    /// `:scheme` is not a URI scheme.
    Scheme,
    /// `:path` is empty, does not begin with `/` (nor is `*` of OPTIONS), or has a byte that no path or query may have.
    Path,
    /// `:authority` or `host` has user information, a byte that no authority may have, no host, or a bad port.
    Authority,
    /// `:scheme` or `:path` in a CONNECT request.
    ConnectTarget,
    /// `:protocol` that is no token, outside CONNECT, or not allowed by our settings.
    Protocol,
    /// Two `host` lines.
    RepeatedHost,
    /// `host` names another host than `:authority`.
    HostConflict,
    /// `:status` is not three digits from 100.
    Status,
    /// 101, which HTTP/1.1 alone has.
    SwitchingProtocols,
    /// `content-length` is not one number, or not the same number each time.
    ContentLength,
    /// More data than `content-length` said.
    BodyTooLong,
    /// Less data than `content-length` said.
    BodyTooShort,
    /// Data in a response that has none by definition (to HEAD, or 204 or 304).
    BodyForbidden,
}

impl Assembly {
    /// An empty section. `extended_connect`: whether we announced SETTINGS_ENABLE_CONNECT_PROTOCOL, so that a CONNECT
    /// may carry `:protocol` (RFC 8441 section 3).
    pub fn new(kind: Kind, extended_connect: bool) -> Self {
        Self {
            kind,
            extended_connect,
            malformed: None,
            seen: 0,
            request: Request::default(),
            status: 0,
            cookie: None,
            regular: false,
        }
    }

    /// Takes the next line.
    pub fn push(&mut self, line: FieldLine<'_>) {
        if self.malformed.is_none() {
            self.malformed = self.take(line).err();
        }
    }

    /// The first broken rule so far.
    pub fn malformed(&self) -> Option<Malformed> {
        self.malformed
    }

    /// The whole message, or what was wrong with it.
    pub fn finish(mut self) -> Result<Message, Malformed> {
        if let Some(malformed) = self.malformed {
            return Err(malformed);
        }
        if let Some((value, sensitive)) = self.cookie.take() {
            self.request.fields.push_line(FieldLine { name: b"cookie", value: &value, sensitive });
        }
        match self.kind {
            Kind::Request => self.finish_request().map(Message::Request),
            Kind::Response => {
                refuse_if(!self.has(Pseudo::Status), Malformed::NoStatus)?; // spec: 9113-8.3.2-a
                Ok(Message::Response(Response { status: self.status, fields: self.request.fields }))
            }
            Kind::Trailers => Ok(Message::Trailers(self.request.fields)),
        }
    }

    fn take(&mut self, line: FieldLine<'_>) -> Result<(), Malformed> {
        rules::check_value(line.value)?;
        if let [b':', ..] = line.name {
            return self.take_pseudo(line);
        }
        rules::check_name(line.name)?;
        self.regular = true;
        refuse_if(rules::CONNECTION_SPECIFIC.contains(&line.name), Malformed::ConnectionSpecific)?; // spec: 9113-8.2.2-a
        if line.name == b"te" {
            let trailers = line.value.eq_ignore_ascii_case(b"trailers") && self.kind == Kind::Request;
            refuse_if(!trailers, Malformed::Te)?; // spec: 9113-8.2.2-b
        }
        if line.name == b"cookie" && self.kind == Kind::Request {
            self.add_crumb(line); // spec: 9113-8.2.3-a
        } else {
            self.request.fields.push_line(line);
        }
        Ok(())
    }

    fn take_pseudo(&mut self, line: FieldLine<'_>) -> Result<(), Malformed> {
        refuse_if(self.kind == Kind::Trailers, Malformed::PseudoInTrailers)?; // spec: 9113-8.1-a
        let row = rules::PSEUDO_FIELDS.iter().find(|(name, ..)| *name == line.name);
        let (_, pseudo, kind) = *row.ok_or(Malformed::UnknownPseudo)?;
        refuse_if(self.regular, Malformed::LatePseudo)?; // spec: 9113-8.3-b
        refuse_if(kind != self.kind, Malformed::MisplacedPseudo)?; // spec: 9113-8.3-c
        refuse_if(self.has(pseudo), Malformed::RepeatedPseudo)?; // spec: 9113-8.3-d
        self.seen |= pseudo.bit();
        let part = match pseudo {
            Pseudo::Method => Part::Method,
            Pseudo::Scheme => Part::Scheme,
            Pseudo::Authority => Part::Authority,
            Pseudo::Path => Part::Path,
            Pseudo::Protocol => Part::Protocol,
            Pseudo::Status => {
                self.status = parse_status(line.value)?;
                return Ok(());
            }
        };
        self.request.control.set(part, line.value);
        Ok(())
    }

    fn add_crumb(&mut self, line: FieldLine<'_>) {
        match &mut self.cookie {
            None => self.cookie = Some((line.value.to_vec(), line.sensitive)),
            Some((value, sensitive)) => {
                // An empty crumb adds nothing: a delimiter at an end would be padding, which no value may have.
                if !value.is_empty() && !line.value.is_empty() {
                    value.extend_from_slice(b"; ");
                }
                value.extend_from_slice(line.value);
                *sensitive |= line.sensitive;
            }
        }
    }

    fn finish_request(mut self) -> Result<Request, Malformed> {
        refuse_if(!self.has(Pseudo::Method), Malformed::NoMethod)?; // spec: 9113-8.3.1-a
        refuse_if(!rules::is_token(self.request.method()), Malformed::Method)?;
        self.settle_authority()?;
        if self.has(Pseudo::Protocol) {
            self.check_protocol()?;
        } else if self.request.method() == b"CONNECT" {
            return self.finish_connect();
        }
        refuse_if(!self.has(Pseudo::Scheme), Malformed::NoScheme)?; // spec: 9113-8.3.1-b
        refuse_if(!self.has(Pseudo::Path), Malformed::NoPath)?; // spec: 9113-8.3.1-c
        check_scheme(self.request.scheme())?;
        check_path(&self.request)?;
        refuse_if(
            is_http(self.request.scheme()) && self.request.authority().is_empty(),
            Malformed::NoAuthority,
        )?; // spec: 9114-4.3.1-a
        Ok(self.request)
    }

    fn finish_connect(self) -> Result<Request, Malformed> {
        refuse_if(self.has(Pseudo::Scheme) || self.has(Pseudo::Path), Malformed::ConnectTarget)?; // spec: 9113-8.5-a
        refuse_if(self.request.authority().is_empty(), Malformed::NoAuthority)?;
        let (_, port) = split_port(self.request.authority());
        refuse_if(port.is_none_or(<[u8]>::is_empty), Malformed::Authority)?; // spec: 9113-8.5-b
        Ok(self.request)
    }

    fn check_protocol(&self) -> Result<(), Malformed> {
        let protocol = self.request.protocol().unwrap_or_default();
        let allowed = self.extended_connect && self.request.method() == b"CONNECT";
        refuse_if(!allowed || !rules::is_token(protocol), Malformed::Protocol) // spec: 8441-4-a
    }

    /// Holds `host` against `:authority`, and lets it stand in where that is missing.
    fn settle_authority(&mut self) -> Result<(), Malformed> {
        let host = {
            let mut hosts = self.request.fields.find_all(b"host");
            let host = hosts.next();
            refuse_if(hosts.next().is_some(), Malformed::RepeatedHost)?;
            host.map(<[u8]>::to_vec)
        };
        let http = is_http(self.request.scheme()) || self.request.method() == b"CONNECT";
        if self.has(Pseudo::Authority) {
            check_authority(self.request.authority(), http)?; // spec: 9113-8.3.1-d
            let differs = host.is_some_and(|host| !self.is_same_authority(&host));
            refuse_if(differs, Malformed::HostConflict)?; // spec: 9113-8.3.1-e
        } else if let Some(host) = host.filter(|host| !is_nobody(host) || http) {
            check_authority(&host, http)?;
            self.request.control.set(Part::Authority, &host);
        }
        Ok(())
    }

    /// Scheme-based comparison (RFC 3986 section 6.2.3): letters without case, the default port as none.
    fn is_same_authority(&self, host: &[u8]) -> bool {
        let scheme = self.request.scheme();
        let row = rules::HTTP_SCHEMES.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
        let default = row.map_or(&b""[..], |(_, port)| port);
        let (name, port) = split_port(self.request.authority());
        let (other, other_port) = split_port(host);
        let effective = |port: Option<&[u8]>| {
            port.filter(|port| !port.is_empty() && *port != default).map(<[u8]>::to_vec)
        };
        name.eq_ignore_ascii_case(other) && effective(port) == effective(other_port)
    }

    const fn has(&self, pseudo: Pseudo) -> bool {
        self.seen & pseudo.bit() != 0
    }
}

fn parse_status(value: &[u8]) -> Result<u16, Malformed> {
    let three = value.len() == 3 && value.iter().all(u8::is_ascii_digit);
    refuse_if(!three, Malformed::Status)?; // spec: 9113-8.3.2-b
    let status = value.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    refuse_if(status < 100, Malformed::Status)?;
    refuse_if(status == 101, Malformed::SwitchingProtocols)?; // spec: 9113-8.6-a
    Ok(status)
}

fn check_scheme(scheme: &[u8]) -> Result<(), Malformed> {
    let first = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    let rest = scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    refuse_if(!first || !rest, Malformed::Scheme)
}

fn check_path(request: &Request) -> Result<(), Malformed> {
    let path = request.path();
    refuse_if(!path.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'), Malformed::Path)?; // spec: 9113-10.3-a
    let origin_form = path.starts_with(b"/") || (path == b"*" && request.method() == b"OPTIONS");
    refuse_if(is_http(request.scheme()) && !origin_form, Malformed::Path) // spec: 9113-8.3.1-f
}

fn check_authority(authority: &[u8], http: bool) -> Result<(), Malformed> {
    refuse_if(!rules::is_authority(authority), Malformed::Authority)?;
    if !http {
        return Ok(());
    }
    refuse_if(authority.contains(&b'@'), Malformed::Authority)?; // spec: 9113-8.3.1-g
    let (host, port) = split_port(authority);
    let good_port = port.is_none_or(|port| port.len() <= 5 && port.iter().all(u8::is_ascii_digit));
    let literal = host.starts_with(b"[") && host.ends_with(b"]");
    let good_host = !host.is_empty() && (literal || !host.iter().any(|byte| b":[]".contains(byte)));
    refuse_if(!good_port || !good_host, Malformed::Authority)
}

/// Host and port of an authority; a colon inside an IPv6 literal is part of the host.
fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let colon = authority.iter().rposition(|byte| *byte == b':');
    match colon.filter(|at| !authority[*at..].contains(&b']')) {
        Some(at) => (&authority[..at], Some(&authority[at + 1..])),
        None => (authority, None),
    }
}

/// Whether an authority names neither a host nor a port, which is the same as none (RFC 3986 section 6.2.3).
fn is_nobody(authority: &[u8]) -> bool {
    matches!(split_port(authority), ([], None | Some([])))
}

fn is_http(scheme: &[u8]) -> bool {
    rules::HTTP_SCHEMES.iter().any(|(name, _)| scheme.eq_ignore_ascii_case(name))
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyName => "a field name is empty",
            Self::UppercaseName => "a field name has an upper-case letter",
            Self::Name => "a field name has a byte that no name may have",
            Self::Value => "a field value has NUL, CR or LF",
            Self::PaddedValue => "a field value begins or ends with a space or a tab",
            Self::ConnectionSpecific => "a field speaks of one HTTP/1.1 connection",
            Self::Te => "te has another value than trailers, or is not in a request",
            Self::UnknownPseudo => "a pseudo-field is unknown",
            Self::RepeatedPseudo => "a pseudo-field came twice",
            Self::LatePseudo => "a pseudo-field came after a regular field",
            Self::PseudoInTrailers => "a pseudo-field is in trailers",
            Self::MisplacedPseudo => "a pseudo-field is in the wrong kind of message",
            Self::NoMethod => "there is no :method",
            Self::NoScheme => "there is no :scheme",
            Self::NoPath => "there is no :path",
            Self::NoStatus => "there is no :status",
            Self::NoAuthority => "there is neither :authority nor host",
            Self::Method => ":method is not a token",
            Self::Scheme => ":scheme is not a URI scheme",
            Self::Path => ":path is not a path with its query",
            Self::Authority => ":authority or host is not a host with its port",
            Self::ConnectTarget => "CONNECT has :scheme or :path",
            Self::Protocol => ":protocol is not allowed here, or not a token",
            Self::RepeatedHost => "host came twice",
            Self::HostConflict => "host differs from :authority",
            Self::Status => ":status is not three digits from 100",
            Self::SwitchingProtocols => "the status is 101",
            Self::ContentLength => "content-length is not one number",
            Self::BodyTooLong => "there is more data than content-length said",
            Self::BodyTooShort => "there is less data than content-length said",
            Self::BodyForbidden => "there is data in a response that has none",
        })
    }
}

impl std::error::Error for Malformed {}

impl From<Message> for Fields {
    fn from(message: Message) -> Self {
        match message {
            Message::Request(request) => request.fields,
            Message::Response(response) => response.fields,
            Message::Trailers(fields) => fields,
        }
    }
}

#[cfg(test)]
mod tests;
