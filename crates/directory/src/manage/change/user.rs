//! Users, as the operator says who they are.

use policy::Subject;

use super::super::carry_out::{Effect, Fault};
use super::super::record::User;
use super::super::row::{self, UserRow, json_and_tag};
use super::super::{Actor, Write, trail};
use super::{match_tag, missing, nothing_to_match};
use crate::error::DirectoryError;
use crate::store::Transaction;

pub(super) async fn set(
    transaction: &mut Transaction<'_>,
    write: &Write,
    subject: &Subject,
    email: Option<&str>,
    name: &str,
) -> Result<Effect, Fault> {
    if write.actor != Actor::Operator {
        return Err(
            DirectoryError::Forbidden("only the operator says who a user is".to_owned()).into(),
        );
    }
    let before = find(transaction, subject).await?;
    let was = match &before {
        None => {
            nothing_to_match(write)?;
            trail::was([])
        }
        Some(before) => {
            match_tag(write, &json_and_tag(before)?.1)?;
            trail::was([
                ("email", before.email.as_deref(), email),
                ("name", before.name.as_deref(), Some(name)),
            ])
        }
    };
    let put = transaction.store().statements().put_user;
    let arguments = [Some(subject.as_str()), email, Some(name)];
    transaction.execute(put, &arguments).await?;
    let after = find(transaction, subject).await?;
    let after = after.ok_or_else(|| missing(&format!("user `{subject}`")))?;
    let old_address = before.as_ref().and_then(|user| user.email.as_deref());
    Ok(Effect {
        record: Some(json_and_tag(&after)?),
        found: vec![("email_changed", (old_address != email).into()), was],
        ..Effect::default()
    })
}

async fn find(transaction: &mut Transaction<'_>, subject: &Subject) -> Result<Option<User>, Fault> {
    let statement = transaction.store().listing().user;
    let rows: Vec<UserRow> = transaction
        .fetch(statement, &[Some(subject.as_str())])
        .await?;
    Ok(rows.into_iter().next().map(row::user))
}
