//! How to make programs trust the CA, in words.

use std::path::Path;

pub(super) fn instructions(certificate: &Path, fingerprint: &str) -> String {
    let file = quoted(&certificate.display().to_string());
    format!(
        "The development CA's certificate is in\n  {file}\nIts SHA-256 fingerprint is\n  {fingerprint}\n\n\
         It can vouch for localhost, *.localhost, *.test and loopback addresses, and for nothing else. Its key stays\n\
         on this machine: trust no such certificate that somebody gives you.\n\n\
         `sakigake fetch` trusts it by itself. curl, once, without trusting it for good:\n  \
           curl --cacert {file} https://localhost:8443/\n\n\
         Debian, Ubuntu (what uses the system's certificates):\n  \
           sudo cp {file} /usr/local/share/ca-certificates/sakigake.crt && sudo update-ca-certificates\n\n\
         Fedora, Arch:\n  \
           sudo trust anchor {file}\n\n\
         Chrome, Chromium and Edge on Linux (certutil is in libnss3-tools or nss-tools):\n  \
           mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n sakigake -i {file}\n\n\
         Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import; tick \"identify websites\".\n\n\
         macOS:\n  \
           security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {file}\n\n\
         Where an authority was added by hand, browsers use HTTP/3 only if they are told to:\n  \
           Firefox: set network.http.http3.disable_when_third_party_roots_found to false in about:config, load twice\n  \
           chromium --user-data-dir=/tmp/sakigake --origin-to-force-quic-on=localhost:8443 https://localhost:8443/\n"
    )
}

/// As a shell takes it for one word.
fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte);
    match path.bytes().all(is_plain) {
        true => path.into(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::instructions;
    use std::path::Path;

    #[test]
    fn a_path_with_spaces_can_be_pasted() {
        let text = instructions(Path::new("/home/a b/it's/ca.pem"), "AB:CD");
        assert!(text.contains("curl --cacert '/home/a b/it'\\''s/ca.pem' https://localhost:8443/"), "{text}");
    }
}
