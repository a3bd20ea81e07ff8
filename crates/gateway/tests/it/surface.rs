//! The data sources' endpoints: what is sent upstream for each, what is answered here, and what is
//! refused before anything is sent.

mod bad_input;
mod filtered;
mod forms;
mod held;
mod parse_query;
mod scope;
mod upstream;

/// Below it are the endpoints of one resource's data sources.
const RESOURCE: &str = "/api/v1/projects/acme-shop/resources/shop-api";
/// Below it are those of a whole project's.
const PROJECT: &str = "/api/v1/projects/acme-shop";

/// Name and value pairs as a query string or form.
fn query_string(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}
