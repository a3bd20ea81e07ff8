//! TLS towards callers.

use std::path::PathBuf;

/// TLS towards callers. All files are PEM, and are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// The gateway's certificate, followed by intermediate ones.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub least: TlsVersion,
    /// Whose certificates callers show, where they are asked for any.
    pub clients: Option<ClientAuthorities>,
}

/// A version of TLS. Older ones are not spoken at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Which certificates of callers are accepted. Whoever shows one is nobody yet: the certificate is one
/// more lock, and the token alone says who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuthorities {
    /// The authorities.
    pub file: PathBuf,
    /// Whether a caller without a certificate is let in. One that shows a certificate of somebody
    /// else's is not, either way.
    pub optional: bool,
}
