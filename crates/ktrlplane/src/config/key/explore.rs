//! The keys of the Explore page.

use super::{Key, key};

pub(super) const EXPLORE: [Key; 3] = [
    key(
        "explore.client_id",
        None,
        "the id that the issuer knows the Explore page by, a public client without a secret; \
         without one the page is off",
    ),
    Key {
        list: true,
        ..key(
            "explore.scopes",
            Some("openid,profile,offline_access"),
            "the scopes that the page asks for, openid among them, as a list or with commas between \
             them",
        )
    },
    key(
        "explore.contact",
        None,
        "whom people without access are told to ask, such as \"the platform team, platform@example.com\"",
    ),
];
