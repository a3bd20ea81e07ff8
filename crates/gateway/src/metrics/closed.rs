//! Enums whose values are labels.

/// An enum without data, the word of each of its values, and all of them in their order.
macro_rules! closed {
    (
        $(#[$doc:meta])*
        $visibility:vis enum $name:ident {
            $( $(#[$of:meta])* $value:ident = $word:literal, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $( $(#[$of])* $value, )*
        }

        impl $name {
            /// All of them: the place of each is its number.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$value),*];

            /// What a label says.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $( Self::$value => $word, )*
                }
            }
        }

        impl $crate::metrics::Closed for $name {
            fn number(self) -> usize {
                self as usize
            }
        }
    };
}

/// One of a list that has an end.
pub(crate) trait Closed: Copy {
    /// Its place in the list.
    fn number(self) -> usize;
}

pub(crate) use closed;
