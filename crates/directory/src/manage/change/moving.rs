//! Projects that move into an organization, out of one, or from one to another.

use policy::{Action, CONTROL_PLANE, Excess, OrganizationId, Permission, Place, ProjectId};
use policy::{SystemRole, may_grant};

use super::super::Write;
use super::super::authority::{Authority, authorize};
use super::super::carry_out::Fault;
use super::super::record::Project;
use super::{assignment, finds, project};
use crate::error::DirectoryError;
use crate::store::Transaction;

/// What a move needs besides `write` on the project.
///
/// Whoever holds a role on the joined organization has it on the project from then on. The move
/// gives it to them, and so the mover must hold all of that on the project, for ever. Likewise what
/// the left organization loses, it loses for ever.
pub(super) async fn may_move(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &ProjectId,
    before: &Project,
    target: Option<&OrganizationId>,
) -> Result<(), Fault> {
    let place = Place::Project(id.clone());
    let here = authorize(transaction, write, &place, Action::ManageAccess).await?;
    if let Some(Ok(left)) = before.org_id.as_ref().map(OrganizationId::new) {
        let left = Place::Organization(left);
        let there = authorize(transaction, write, &left, Action::Delete).await?;
        let delete = [of_control_plane(Action::Delete)];
        holds_for_ever(write, &there, &left, &delete, "leaves its organization")?;
    }
    if let Some(joined) = target {
        let above = Place::Organization(joined.clone());
        authorize(transaction, write, &above, Action::Write).await?;
        project::must_exist(transaction, joined).await?;
        let mut given = assignment::permissions_on(transaction, joined).await?;
        // Whatever this directory makes of the role Owner: the organization can be given owners.
        let owners = SystemRole::Owner.actions().iter().copied();
        given.extend(owners.map(of_control_plane));
        let why = format!("is given to all who hold a role on {above}");
        holds_for_ever(write, &here, &place, &given, &why)?;
    }
    Ok(())
}

fn of_control_plane(action: Action) -> Permission {
    Permission {
        resource_type: CONTROL_PLANE.to_owned(),
        action: action.as_str().to_owned(),
    }
}

/// Refuses what the mover does not hold at the place, or not without an expiry.
fn holds_for_ever(
    write: &Write,
    authority: &Authority,
    place: &Place,
    permissions: &[Permission],
    why: &str,
) -> Result<(), DirectoryError> {
    let Authority::Assignment(_, access) = authority else {
        return Ok(());
    };
    let lineage = access.lineage().cloned().unwrap_or_default();
    let held: Vec<_> = access.assignments().cloned().collect();
    let excess = match may_grant(&lineage, &held, permissions, None, write.now) {
        Ok(()) => return Ok(()),
        Err(excess) => excess,
    };
    let name = assignment::name_of;
    Err(DirectoryError::Forbidden(match excess {
        Excess::Permission(permission) => format!(
            "a project that moves {why}, and nobody gives more than they hold: you do not hold {} \
             on {place}",
            name(&permission)
        ),
        Excess::Expiry(permission, until) => format!(
            "a project that moves {why} for ever, and nobody gives for longer than they hold: you \
             hold {} on {place} until {until}",
            name(&permission)
        ),
    }))
}

/// Without an organization, a project is managed by its own roles alone.
pub(super) async fn keeps_an_owner(
    transaction: &mut Transaction<'_>,
    id: &ProjectId,
) -> Result<(), Fault> {
    let owner = transaction.store().changing().other_owner;
    let arguments = [Some("project"), Some(id.as_str()), Some("")];
    if finds(transaction, owner, &arguments).await? {
        return Ok(());
    }
    Err(DirectoryError::Conflict(format!(
        "nobody could manage project `{id}` without its organization: give somebody the role \
         Owner on the project itself first, without an expiry"
    ))
    .into())
}
