//! Makes two tests of each fact, one on each database.

macro_rules! on_both {
    ($($module:ident::{$($fact:ident),* $(,)?})*) => {
        mod on_sqlite {$($(
            #[test]
            fn $fact() {
                let home = super::home::Home::sqlite();
                home.block_on(super::$module::$fact(&home));
            }
        )*)*}
        mod on_postgres {$($(
            #[test]
            fn $fact() {
                if let Some(home) = super::home::Home::postgres() {
                    home.block_on(super::$module::$fact(&home));
                }
            }
        )*)*}
    };
}
