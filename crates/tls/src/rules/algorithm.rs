//! Versions, cipher suites, groups, signature schemes and the smaller registries.

code_points! {
    /// A version of TLS (RFC 9846 section 4.3.1).
    ProtocolVersion(u16, 6) {
        SSL_3_0 = 0x0300 "SSL 3.0",
        TLS_1_0 = 0x0301 "TLS 1.0",
        TLS_1_1 = 0x0302 "TLS 1.1",
        TLS_1_2 = 0x0303 "TLS 1.2",
        TLS_1_3 = 0x0304 "TLS 1.3",
    }
}

code_points! {
    /// A cipher suite (RFC 9846 appendix B.4). Those of TLS 1.2 appear in traces by their code.
    CipherSuite(u16, 6) {
        TLS_AES_128_GCM_SHA256 = 0x1301 "TLS_AES_128_GCM_SHA256",
        TLS_AES_256_GCM_SHA384 = 0x1302 "TLS_AES_256_GCM_SHA384",
        TLS_CHACHA20_POLY1305_SHA256 = 0x1303 "TLS_CHACHA20_POLY1305_SHA256",
        TLS_AES_128_CCM_SHA256 = 0x1304 "TLS_AES_128_CCM_SHA256",
        TLS_AES_128_CCM_8_SHA256 = 0x1305 "TLS_AES_128_CCM_8_SHA256",
        TLS_EMPTY_RENEGOTIATION_INFO_SCSV = 0x00ff "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        TLS_FALLBACK_SCSV = 0x5600 "TLS_FALLBACK_SCSV",
    }
}

code_points! {
    /// A key exchange group (RFC 9846 section 4.3.7; the hybrids are RFC 10024's and ML-KEM alone a draft's).
    NamedGroup(u16, 6) {
        SECP256R1 = 0x0017 "secp256r1",
        SECP384R1 = 0x0018 "secp384r1",
        SECP521R1 = 0x0019 "secp521r1",
        X25519 = 0x001d "x25519",
        X448 = 0x001e "x448",
        FFDHE2048 = 0x0100 "ffdhe2048",
        FFDHE3072 = 0x0101 "ffdhe3072",
        FFDHE4096 = 0x0102 "ffdhe4096",
        FFDHE6144 = 0x0103 "ffdhe6144",
        FFDHE8192 = 0x0104 "ffdhe8192",
        MLKEM512 = 0x0200 "MLKEM512",
        MLKEM768 = 0x0201 "MLKEM768",
        MLKEM1024 = 0x0202 "MLKEM1024",
        SECP256R1MLKEM768 = 0x11eb "SecP256r1MLKEM768",
        X25519MLKEM768 = 0x11ec "X25519MLKEM768",
        SECP384R1MLKEM1024 = 0x11ed "SecP384r1MLKEM1024",
        X25519KYBER768DRAFT00 = 0x6399 "X25519Kyber768Draft00",
    }
}

code_points! {
    /// A signature scheme (RFC 9846 section 4.3.3; ML-DSA's are a draft's).
    SignatureScheme(u16, 6) {
        RSA_PKCS1_SHA1 = 0x0201 "rsa_pkcs1_sha1",
        ECDSA_SHA1 = 0x0203 "ecdsa_sha1",
        RSA_PKCS1_SHA256 = 0x0401 "rsa_pkcs1_sha256",
        ECDSA_SECP256R1_SHA256 = 0x0403 "ecdsa_secp256r1_sha256",
        RSA_PKCS1_SHA384 = 0x0501 "rsa_pkcs1_sha384",
        ECDSA_SECP384R1_SHA384 = 0x0503 "ecdsa_secp384r1_sha384",
        RSA_PKCS1_SHA512 = 0x0601 "rsa_pkcs1_sha512",
        ECDSA_SECP521R1_SHA512 = 0x0603 "ecdsa_secp521r1_sha512",
        RSA_PSS_RSAE_SHA256 = 0x0804 "rsa_pss_rsae_sha256",
        RSA_PSS_RSAE_SHA384 = 0x0805 "rsa_pss_rsae_sha384",
        RSA_PSS_RSAE_SHA512 = 0x0806 "rsa_pss_rsae_sha512",
        ED25519 = 0x0807 "ed25519",
        ED448 = 0x0808 "ed448",
        RSA_PSS_PSS_SHA256 = 0x0809 "rsa_pss_pss_sha256",
        RSA_PSS_PSS_SHA384 = 0x080a "rsa_pss_pss_sha384",
        RSA_PSS_PSS_SHA512 = 0x080b "rsa_pss_pss_sha512",
        ECDSA_BRAINPOOLP256R1TLS13_SHA256 = 0x081a "ecdsa_brainpoolP256r1tls13_sha256",
        ECDSA_BRAINPOOLP384R1TLS13_SHA384 = 0x081b "ecdsa_brainpoolP384r1tls13_sha384",
        ECDSA_BRAINPOOLP512R1TLS13_SHA512 = 0x081c "ecdsa_brainpoolP512r1tls13_sha512",
        MLDSA44 = 0x0904 "mldsa44",
        MLDSA65 = 0x0905 "mldsa65",
        MLDSA87 = 0x0906 "mldsa87",
    }
}

code_points! {
    /// How a pre-shared key is used (RFC 9846 section 4.3.9).
    PskKeyExchangeMode(u8, 4) {
        PSK_KE = 0 "psk_ke",
        PSK_DHE_KE = 1 "psk_dhe_ke",
    }
}

code_points! {
    /// What a CertificateEntry holds (RFC 9846 section 4.5.1).
    CertificateType(u8, 4) {
        X509 = 0 "X509",
        RAW_PUBLIC_KEY = 2 "RawPublicKey",
    }
}

code_points! {
    /// What kind of certificate status is meant (RFC 6066 section 8).
    CertificateStatusType(u8, 4) {
        OCSP = 1 "ocsp",
        OCSP_MULTI = 2 "ocsp_multi_RESERVED",
    }
}

code_points! {
    /// How a CompressedCertificate is compressed (RFC 8879 section 7.3).
    CertificateCompressionAlgorithm(u16, 6) {
        ZLIB = 1 "zlib",
        BROTLI = 2 "brotli",
        ZSTD = 3 "zstd",
    }
}
