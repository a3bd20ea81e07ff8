//! Scoping: one matcher is added to every selector of a query.
