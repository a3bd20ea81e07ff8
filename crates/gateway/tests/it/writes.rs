//! Writes: who may, what reaches the backends, and what the senders are told.

mod logs;

/// The resource that the tests write to.
const RESOURCE: &str = "/api/v1/projects/acme-shop/resources/shop-api";
