//! What becomes known about a request on its way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use directory::manage::Operation;
use directory::policy::{OrganizationId, ProjectId, ResourceId, Subject};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;

use super::Opening;
use super::queue::Queue;
use crate::error::Error;
use crate::ingest::Counts;
use crate::routes::{Target, Task};
use crate::settings::AuditQueries;

/// The record of one request. Whoever holds a clone may add to it; when the last is dropped, the
/// line is due, if the request is one that has a line. What the log says of a request is in it too.
///
/// Of what has no route there is none: it holds nothing, and adding to it does nothing.
#[derive(Clone)]
pub struct Record(Option<Arc<Opened>>);

struct Opened {
    /// None where the audit is off, and of routes that decide nothing.
    queue: Option<Arc<Queue>>,
    started: Instant,
    /// There until it is dropped.
    fields: Mutex<Option<Fields>>,
}

/// All that a line says. Absent is what did not become known.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) time: Timestamp,
    pub(super) request_id: HeaderValue,
    pub(super) endpoint: &'static str,
    pub(super) action: Option<&'static str>,
    pub(super) operation: Option<&'static str>,
    pub(super) subject: Option<Subject>,
    pub(super) organization: Option<OrganizationId>,
    pub(super) project: Option<ProjectId>,
    pub(super) resource: Option<ResourceId>,
    pub(super) allowed: bool,
    pub(super) assignment: Option<Box<str>>,
    /// The texts; whether they are kept, hashed or not even here is for the settings to say.
    pub(super) queries: Vec<Box<str>>,
    /// Of a write: its entries, and what in it claimed to be the resource's.
    pub(super) entries: Option<usize>,
    pub(super) replaced: Option<usize>,
    /// Of a write, for the log alone: fields that are not of the protocol.
    pub(super) unknown: Option<usize>,
    pub(super) status: Option<StatusCode>,
    /// The word of the error table.
    pub(super) error: Option<&'static str>,
    /// Why a token is not accepted, or which limit is reached.
    pub(super) reason: Option<&'static str>,
    /// The same for the log, which also says why a write was refused.
    pub(super) noted: Option<&'static str>,
    pub(super) bytes: u64,
    pub(super) complete: bool,
    pub(super) is_tail: bool,
    /// Why it ended other than by being complete.
    pub(super) end: Option<&'static str>,
    pub(super) duration: Duration,
}

impl Record {
    /// The record of nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The record of a request that has no line, but one in the log.
    pub(crate) fn without_line(opening: Opening) -> Self {
        Self::new(None, opening)
    }

    pub(super) fn open(queue: Arc<Queue>, opening: Opening) -> Self {
        Self::new(Some(queue), opening)
    }

    fn new(queue: Option<Arc<Queue>>, opening: Opening) -> Self {
        let fields = Fields {
            time: opening.time,
            request_id: opening.request_id,
            endpoint: opening.endpoint,
            action: opening.action,
            operation: None,
            subject: None,
            organization: None,
            project: None,
            resource: None,
            allowed: false,
            assignment: None,
            queries: Vec::new(),
            entries: None,
            replaced: None,
            unknown: None,
            status: None,
            error: None,
            reason: None,
            noted: None,
            bytes: 0,
            complete: false,
            is_tail: false,
            end: None,
            duration: Duration::ZERO,
        };
        Self(Some(Arc::new(Opened {
            queue,
            started: opening.started,
            fields: Mutex::new(Some(fields)),
        })))
    }

    /// Whose token it is.
    pub fn subject(&self, subject: &Subject) {
        self.add(|fields| fields.subject = Some(subject.clone()));
    }

    /// What the path names, as far as it is ids: anything else is the caller's text, and could be a
    /// token.
    pub fn target(&self, target: Target<'_>) {
        let (organization, project, resource) = match target {
            Target::Nothing => (None, None, None),
            Target::Organization(organization) => (Some(organization), None, None),
            Target::Project(project) => (None, Some(project), None),
            Target::Resource(project, resource) => (None, Some(project), Some(resource)),
        };
        self.add(|fields| {
            fields.organization = organization.and_then(|id| OrganizationId::new(id).ok());
            fields.project = project.and_then(|id| ProjectId::new(id).ok());
            fields.resource = resource.and_then(|id| ResourceId::new(id).ok());
        });
    }

    /// What it would write, also where it is refused before that can be read.
    pub fn task(&self, task: Task) {
        self.add(|fields| fields.operation = task.operation());
    }

    /// The organization that it is about.
    pub fn organization(&self, organization: &OrganizationId) {
        self.add(|fields| fields.organization = Some(organization.clone()));
    }

    /// What is to be written, in the words of the directory, and on what. What is named in a body
    /// and not in the path becomes known only here.
    pub fn operation(&self, operation: &Operation) {
        self.add(|fields| {
            fields.operation = Some(operation.name());
            match operation {
                Operation::CreateOrganization { id, .. }
                | Operation::UpdateOrganization { id, .. }
                | Operation::DeleteOrganization { id, .. } => {
                    fields.organization = Some(id.clone());
                }
                Operation::CreateProject {
                    id, organization, ..
                } => {
                    fields.organization.clone_from(organization);
                    fields.project = Some(id.clone());
                }
                Operation::UpdateProject {
                    id, organization, ..
                } => {
                    // The one that it moves to; otherwise that of the decision stays.
                    if let Some(joined) = organization {
                        fields.organization.clone_from(joined);
                    }
                    fields.project = Some(id.clone());
                }
                Operation::DeleteProject { id, .. } => fields.project = Some(id.clone()),
                Operation::CreateResource { project, id, .. }
                | Operation::UpdateResource { project, id, .. }
                | Operation::DeleteResource { project, id } => {
                    fields.project = Some(project.clone());
                    fields.resource = Some(id.clone());
                }
                // The place is in the path; and operators, who free ids and say who users are, come
                // another way.
                Operation::Grant { .. }
                | Operation::Withdraw { .. }
                | Operation::SetUser { .. }
                | Operation::FreeId { .. } => {}
            }
        });
    }

    /// It is allowed, by this role assignment; by none where a token is enough.
    pub fn allowed(&self, assignment: Option<&str>) {
        self.add(|fields| {
            fields.allowed = true;
            fields.assignment = assignment.map(Box::from);
        });
    }

    /// Queries that go upstream, as they go.
    pub fn queries<'a>(&self, queries: impl Iterator<Item = &'a str>) {
        let opened = self.0.as_ref();
        let queue = opened.and_then(|opened| opened.queue.as_ref());
        let keeps = queue.map(|queue| queue.keeps());
        match keeps {
            Some(AuditQueries::Full | AuditQueries::Hash) => {
                self.add(|fields| fields.queries.extend(queries.map(Box::from)));
            }
            Some(AuditQueries::None) | None => {}
        }
    }

    /// What a write that goes upstream holds.
    pub fn stamped(&self, counts: Counts) {
        self.add(|fields| {
            fields.entries = Some(counts.entries);
            fields.replaced = Some(counts.replaced);
            fields.unknown = Some(counts.unknown);
        });
    }

    /// Why it is refused, for the log: a few words that are always the same.
    pub(crate) fn noted(&self, reason: &'static str) {
        self.add(|fields| fields.noted = Some(reason));
    }

    /// What the caller is told: the status and, where there is one, the error. A refusal is one also
    /// where it is noticed late.
    pub fn answered(&self, status: StatusCode, error: Option<&Error>) {
        self.add(|fields| {
            fields.status = Some(status);
            fields.error = error.map(|error| error.status().1);
            if let Some(Error::InvalidToken(reason)) = error {
                fields.reason = Some(reason);
            }
            if let Some(Error::Limited(exceeded)) = error {
                fields.reason = Some(exceeded.reason());
            }
            if error.is_some_and(Error::is_a_refusal) {
                fields.allowed = false;
                fields.assignment = None;
            }
        });
    }

    /// So many bytes were handed to the caller's connection that are in no body.
    pub(crate) fn passed(&self, bytes: usize) {
        self.add(|fields| fields.bytes += u64::try_from(bytes).unwrap_or_default());
    }

    /// So many bytes of the answer's body were handed to the caller's connection, and so it ended.
    pub(crate) fn sent(&self, bytes: u64, end: Result<(), &'static str>) {
        self.add(|fields| {
            fields.bytes += bytes;
            fields.complete = end.is_ok();
            if let Err(end) = end {
                fields.end.get_or_insert(end);
            }
        });
    }

    /// It has become a tail, which has no last byte.
    pub(crate) fn tails(&self) {
        self.add(|fields| fields.is_tail = true);
    }

    /// The tail has ended, and why; this says more than what befell the answer's body.
    pub(crate) fn tail_ended(&self, end: &'static str) {
        self.add(|fields| fields.end = Some(end));
    }

    /// What is known by now; nothing of a record of nothing.
    pub(super) fn look<T>(&self, look: impl FnOnce(Option<&Fields>) -> T) -> T {
        match &self.0 {
            Some(opened) => look(opened.fields().as_ref()),
            None => look(None),
        }
    }

    fn add(&self, add: impl FnOnce(&mut Fields)) {
        if let Some(opened) = &self.0
            && let Some(fields) = opened.fields().as_mut()
        {
            add(fields);
        }
    }
}

impl Opened {
    fn fields(&self) -> MutexGuard<'_, Option<Fields>> {
        // What a panic has left half done is still what is known.
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(queue) = &self.queue else { return };
        let fields = self.fields().take();
        if let Some(mut fields) = fields {
            fields.duration = self.started.elapsed();
            queue.push(fields);
        }
    }
}
