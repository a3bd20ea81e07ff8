//! What the Explore page is told and consists of.

/// The Explore page: its files, and how it signs people in.
#[derive(Clone, Debug)]
pub struct ExploreSettings {
    /// The id that the issuer knows the page by: a public client, without a secret.
    pub client_id: String,
    /// What the page asks the issuer for. With `offline_access` it gets a refresh token, by which it
    /// renews its access without leaving.
    pub scopes: Vec<String>,
    /// Whom people without access are told to ask, in the operator's words.
    pub contact: Option<String>,
    /// Who may be chosen at sign-in; none but in the demo.
    pub users: Vec<DemoUser>,
    /// The page's files as they were built; none where it was not.
    pub files: &'static [PageFile],
}

/// Somebody whom a visitor of the demo may be.
#[derive(Clone, Debug)]
pub struct DemoUser {
    /// What the page sends as `login_hint` (OIDC Core 1.0, section 3.1.2.1).
    pub name: &'static str,
    /// Who that is.
    pub description: &'static str,
}

/// A file of the page, in all encodings in which it is held.
#[derive(Clone, Copy, Debug)]
pub struct PageFile {
    /// Its name: `index.html`, or that of a file below `assets/`, where names change with contents.
    pub name: &'static str,
    /// As it is.
    pub plain: &'static [u8],
    /// Compressed by gzip, where that is shorter.
    pub gzip: Option<&'static [u8]>,
    /// Compressed by brotli, where that is shorter.
    pub brotli: Option<&'static [u8]>,
}
