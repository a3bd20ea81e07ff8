-- What management writes besides access: tiers and settings of resources, ids that are gone, answers
-- to repeated writes, and the audit.

ALTER TABLE resources ADD COLUMN sku text;
-- Kept as they were given.
ALTER TABLE resources ADD COLUMN settings_json text;

-- Pages are read in the order of ids, one parent's at a time. Each takes the place of the index on
-- the parent alone.
CREATE INDEX projects_in_order ON projects (org_id, project_id);
DROP INDEX projects_of_organization;
CREATE INDEX resources_in_order ON resources (project_id, resource_id);
DROP INDEX resources_of_project;
CREATE INDEX assignments_in_order ON role_assignments (scope_type, scope_id, assignment_id);

-- Beginnings are looked up as ranges.
CREATE INDEX users_by_email ON users (lower(email));
CREATE INDEX users_by_name ON users (lower(name));
CREATE INDEX users_by_id ON users (lower(user_id));

-- Ids that were used and are gone. A project's id is its tenant, whose data outlive the project:
-- whoever got the same id next would read them. Deleting a row here frees an id, deliberately.
CREATE TABLE tombstones (
    kind text NOT NULL CHECK (kind IN ('organization', 'project')),
    id text NOT NULL,
    deleted_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER bury_organization AFTER DELETE ON organizations BEGIN
    INSERT INTO tombstones (kind, id) VALUES ('organization', OLD.org_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER bury_project AFTER DELETE ON projects BEGIN
    INSERT INTO tombstones (kind, id) VALUES ('project', OLD.project_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER bury_renamed_organization AFTER UPDATE ON organizations
WHEN OLD.org_id <> NEW.org_id BEGIN
    INSERT INTO tombstones (kind, id) VALUES ('organization', OLD.org_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER bury_renamed_project AFTER UPDATE ON projects
WHEN OLD.project_id <> NEW.project_id BEGIN
    INSERT INTO tombstones (kind, id) VALUES ('project', OLD.project_id) ON CONFLICT DO NOTHING;
END;

-- The answers to writes that carried an idempotency key, for 24 hours. The operator's actor is empty.
CREATE TABLE idempotency (
    actor text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    answer text NOT NULL,
    created_at text NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- One row per write, in the order of their ids, and never another thing. Without a rowid, which
-- would be a second key to replace a row by.
CREATE TABLE audit (
    audit_id text NOT NULL PRIMARY KEY,
    at text NOT NULL,
    request_id text NOT NULL,
    subject text,
    operation text NOT NULL,
    assignment_id text,
    org_id text,
    project_id text,
    resource_id text,
    detail text NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_of_organization ON audit (org_id, audit_id) WHERE org_id IS NOT NULL;
CREATE INDEX audit_of_project ON audit (project_id, audit_id) WHERE project_id IS NOT NULL;
CREATE INDEX audit_of_resource ON audit (resource_id, audit_id) WHERE resource_id IS NOT NULL;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is only ever added to');
END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit is only ever added to');
END;
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE audit_id = NEW.audit_id) BEGIN
    SELECT RAISE(ABORT, 'the audit is only ever added to');
END;
