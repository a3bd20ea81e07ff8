//! Who may write what.
