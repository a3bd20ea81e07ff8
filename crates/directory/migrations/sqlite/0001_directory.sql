-- The same shape as in PostgreSQL; there is no schema here, and the tables are strict because a blob
-- or a number in a text column would slip past the checks. Timestamps are text in UTC, as SQLite's
-- own functions write them.

CREATE TABLE users (
    user_id text NOT NULL PRIMARY KEY CHECK (
        length(CAST(user_id AS blob)) BETWEEN 1 AND 255
        AND user_id NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || '-' || char(159) || ']*'
        AND instr(CAST(user_id AS blob), x'00') = 0
    ),
    email text,
    name text NOT NULL CHECK (name <> ''),
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;

-- An id becomes a tenant or a label value upstream: nothing but a DNS label gets in, whoever writes.
-- The lengths in characters and in bytes are the same only where no NUL hides the rest of the text.
CREATE TABLE organizations (
    org_id text NOT NULL PRIMARY KEY CHECK (
        length(org_id) BETWEEN 1 AND 63 AND length(CAST(org_id AS blob)) = length(org_id)
        AND org_id NOT GLOB '*[^-a-z0-9]*' AND org_id NOT GLOB '-*' AND org_id NOT GLOB '*-'
    ),
    name text NOT NULL CHECK (name <> ''),
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;

CREATE TABLE projects (
    project_id text NOT NULL PRIMARY KEY CHECK (
        length(project_id) BETWEEN 1 AND 63 AND length(CAST(project_id AS blob)) = length(project_id)
        AND project_id NOT GLOB '*[^-a-z0-9]*' AND project_id NOT GLOB '-*' AND project_id NOT GLOB '*-'
    ),
    org_id text REFERENCES organizations (org_id),
    name text NOT NULL CHECK (name <> ''),
    status text NOT NULL DEFAULT 'Active',
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;
CREATE INDEX projects_of_organization ON projects (org_id);

CREATE TABLE resources (
    resource_id text NOT NULL PRIMARY KEY CHECK (
        length(resource_id) BETWEEN 1 AND 63 AND length(CAST(resource_id AS blob)) = length(resource_id)
        AND resource_id NOT GLOB '*[^-a-z0-9]*' AND resource_id NOT GLOB '-*' AND resource_id NOT GLOB '*-'
    ),
    project_id text NOT NULL REFERENCES projects (project_id),
    name text NOT NULL CHECK (name <> ''),
    type text NOT NULL CHECK (type <> ''),
    status text NOT NULL DEFAULT 'Active',
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    updated_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;
CREATE INDEX resources_of_project ON resources (project_id);

CREATE TABLE roles (
    role_id text NOT NULL PRIMARY KEY CHECK (role_id <> ''),
    name text NOT NULL UNIQUE CHECK (name <> ''),
    display_name text NOT NULL,
    description text,
    is_system integer NOT NULL DEFAULT 0 CHECK (is_system IN (0, 1))
) STRICT;

CREATE TABLE permissions (
    permission_id text NOT NULL PRIMARY KEY CHECK (permission_id <> ''),
    resource_type text NOT NULL CHECK (resource_type <> ''),
    action text NOT NULL CHECK (action <> ''),
    UNIQUE (resource_type, action)
) STRICT;

CREATE TABLE role_permissions (
    role_id text NOT NULL REFERENCES roles (role_id) ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES permissions (permission_id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
) STRICT;

CREATE TABLE role_assignments (
    assignment_id text NOT NULL PRIMARY KEY CHECK (assignment_id <> ''),
    user_id text NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    role_id text NOT NULL REFERENCES roles (role_id),
    scope_type text NOT NULL CHECK (scope_type IN ('organization', 'project', 'resource')),
    scope_id text NOT NULL CHECK (
        length(scope_id) BETWEEN 1 AND 63 AND length(CAST(scope_id AS blob)) = length(scope_id)
        AND scope_id NOT GLOB '*[^-a-z0-9]*' AND scope_id NOT GLOB '-*' AND scope_id NOT GLOB '*-'
    ),
    assigned_by text,
    created_at text NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    expires_at text CHECK (
        expires_at GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]*'
    )
) STRICT;
-- One assignment per subject, role and scope: a second one would survive the withdrawal of the
-- first. In this order of columns it also is the index of the access lookup.
CREATE UNIQUE INDEX assignments_of_user
    ON role_assignments (user_id, scope_type, scope_id, role_id);
-- With the subject, so that a planner who prefers this one does not read all members of a scope.
CREATE INDEX assignments_at_scope ON role_assignments (scope_type, scope_id, user_id);
CREATE INDEX assignments_of_role ON role_assignments (role_id);

-- A scope that goes takes its assignments along: whoever gets the same id next must not inherit
-- the access of those before. A scope is one of three tables, so no foreign key can say this.
CREATE TRIGGER drop_assignments_of_organization AFTER DELETE ON organizations BEGIN
    DELETE FROM role_assignments WHERE scope_type = 'organization' AND scope_id = OLD.org_id;
END;
CREATE TRIGGER drop_assignments_of_project AFTER DELETE ON projects BEGIN
    DELETE FROM role_assignments WHERE scope_type = 'project' AND scope_id = OLD.project_id;
END;
CREATE TRIGGER drop_assignments_of_resource AFTER DELETE ON resources BEGIN
    DELETE FROM role_assignments WHERE scope_type = 'resource' AND scope_id = OLD.resource_id;
END;

INSERT INTO permissions (permission_id, resource_type, action) VALUES
    ('ktrlplane-read', 'Konnektr.KtrlPlane', 'read'),
    ('ktrlplane-write', 'Konnektr.KtrlPlane', 'write'),
    ('ktrlplane-delete', 'Konnektr.KtrlPlane', 'delete'),
    ('ktrlplane-manage-access', 'Konnektr.KtrlPlane', 'manage_access');
INSERT INTO roles (role_id, name, display_name, description, is_system) VALUES
    ('owner', 'Owner', 'Owner', 'Reads, writes, deletes and manages access', 1),
    ('editor', 'Editor', 'Editor', 'Reads and writes', 1),
    ('viewer', 'Viewer', 'Viewer', 'Reads', 1);
INSERT INTO role_permissions (role_id, permission_id) VALUES
    ('owner', 'ktrlplane-read'),
    ('owner', 'ktrlplane-write'),
    ('owner', 'ktrlplane-delete'),
    ('owner', 'ktrlplane-manage-access'),
    ('editor', 'ktrlplane-read'),
    ('editor', 'ktrlplane-write'),
    ('viewer', 'ktrlplane-read');
