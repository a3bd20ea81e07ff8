//! `ktrlplane admin user`.

use clap::Subcommand;
use gateway::directory::DirectoryError;
use gateway::directory::manage::Operation;
use gateway::directory::manage::list::Reader;
use gateway::directory::manage::record::User;
use gateway::directory::policy::Subject;

use super::super::Failure;
use super::desk::{Desk, Row, at_least_one, or_dash};

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Find users whose subject, e-mail address or name begins with a text.
    Find {
        /// The beginning, in any case.
        text: String,
        /// The most users.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one user.
    Show {
        /// The `sub` of their tokens.
        #[arg(value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
        subject: Subject,
    },
    /// Say who a subject is. What is not given stays as it is.
    #[command(after_help = "\
Example:
  ktrlplane admin user set 'auth0|5f7c8ec7' --email ada@example.com --name Ada

The e-mail address must be the user's own: roles can be granted to it.")]
    Set {
        /// The `sub` of their tokens.
        #[arg(value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
        subject: Subject,
        /// The e-mail address.
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        email: Option<String>,
        /// The name, for people.
        #[arg(long)]
        name: Option<String>,
    },
}

impl Task {
    /// Refuses a change of nothing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Set {
                subject: _,
                email,
                name,
            } => at_least_one("--email, --name", email.is_some() || name.is_some()),
            Self::Find { .. } | Self::Show { .. } => Ok(()),
        }
    }
}

/// An e-mail address, as far as that can be told from its looks.
pub(super) fn address(text: &str) -> Result<String, String> {
    let is_one = text
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if is_one && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(text.to_owned());
    }
    Err("an e-mail address has one @, something on both sides of it, and no spaces".to_owned())
}

impl Row for User {
    const TITLES: &'static [&'static str] = &["subject", "email", "name"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.user_id.clone(),
            or_dash(self.email.as_ref()),
            or_dash(self.name.as_ref()),
        ]
    }
}

pub(super) async fn run(desk: &Desk, task: Task) -> Result<(), Failure> {
    match task {
        Task::Find { text, limit } => desk.all(
            &desk
                .directory
                .users(&Reader::Operator, &text, limit)
                .await?,
        ),
        Task::Show { subject } => desk.show(&known(desk, &subject).await?),
        Task::Set {
            subject,
            email,
            name,
        } => {
            let known_before = desk.directory.user(&subject).await?;
            let (old_email, old_name) =
                known_before.map_or((None, None), |user| (user.email, user.name));
            let name = name.or(old_name).unwrap_or_else(|| subject.to_string());
            let email = email.or(old_email);
            let operation = Operation::SetUser {
                subject: subject.clone(),
                email,
                name,
            };
            desk.write(operation).await?;
            desk.show(&known(desk, &subject).await?)
        }
    }
}

async fn known(desk: &Desk, subject: &Subject) -> Result<User, Failure> {
    desk.directory.user(subject).await?.ok_or_else(|| {
        Failure::from(DirectoryError::NotFound(format!(
            "there is no user `{subject}`"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_has_one_at_and_something_on_both_sides() {
        assert!(address("ada@example.com").is_ok());
        for text in ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", "a@b\n"] {
            assert!(address(text).is_err(), "{text:?}");
        }
    }
}
