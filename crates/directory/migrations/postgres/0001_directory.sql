-- The shape of KtrlPlane's own database, so that one code path reads both. Timestamps are in UTC
-- and without a time zone, as they are there.

CREATE TABLE ktrlplane.users (
    user_id    text PRIMARY KEY CHECK (octet_length(user_id) BETWEEN 1 AND 255 AND user_id !~ '[[:cntrl:]]'),
    email      text,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

-- An id becomes a tenant or a label value upstream: nothing but a DNS label gets in, whoever writes.
CREATE TABLE ktrlplane.organizations (
    org_id     text PRIMARY KEY CHECK (org_id COLLATE "C" ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);

CREATE TABLE ktrlplane.projects (
    project_id text PRIMARY KEY CHECK (project_id COLLATE "C" ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
    org_id     text REFERENCES ktrlplane.organizations (org_id),
    name       text NOT NULL CHECK (name <> ''),
    status     text NOT NULL DEFAULT 'Active',
    created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE INDEX projects_of_organization ON ktrlplane.projects (org_id);

CREATE TABLE ktrlplane.resources (
    resource_id text PRIMARY KEY CHECK (resource_id COLLATE "C" ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
    project_id  text NOT NULL REFERENCES ktrlplane.projects (project_id),
    name        text NOT NULL CHECK (name <> ''),
    type        text NOT NULL CHECK (type <> ''),
    status      text NOT NULL DEFAULT 'Active',
    created_at  timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at  timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
CREATE INDEX resources_of_project ON ktrlplane.resources (project_id);

CREATE TABLE ktrlplane.roles (
    role_id      text PRIMARY KEY CHECK (role_id <> ''),
    name         text NOT NULL UNIQUE CHECK (name <> ''),
    display_name text NOT NULL,
    description  text,
    is_system    boolean NOT NULL DEFAULT false
);

CREATE TABLE ktrlplane.permissions (
    permission_id text PRIMARY KEY CHECK (permission_id <> ''),
    resource_type text NOT NULL CHECK (resource_type <> ''),
    action        text NOT NULL CHECK (action <> ''),
    UNIQUE (resource_type, action)
);

CREATE TABLE ktrlplane.role_permissions (
    role_id       text NOT NULL REFERENCES ktrlplane.roles (role_id) ON DELETE CASCADE,
    permission_id text NOT NULL REFERENCES ktrlplane.permissions (permission_id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);

CREATE TABLE ktrlplane.role_assignments (
    assignment_id text PRIMARY KEY CHECK (assignment_id <> ''),
    user_id       text NOT NULL REFERENCES ktrlplane.users (user_id) ON DELETE CASCADE,
    role_id       text NOT NULL REFERENCES ktrlplane.roles (role_id),
    scope_type    text NOT NULL CHECK (scope_type IN ('organization', 'project', 'resource')),
    scope_id      text NOT NULL CHECK (scope_id COLLATE "C" ~ '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'),
    assigned_by   text,
    created_at    timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    expires_at    timestamp
);
-- One assignment per subject, role and scope: a second one would survive the withdrawal of the
-- first. In this order of columns it also is the index of the access lookup.
CREATE UNIQUE INDEX assignments_of_user
    ON ktrlplane.role_assignments (user_id, scope_type, scope_id, role_id);
-- With the subject, so that a planner who prefers this one does not read all members of a scope.
CREATE INDEX assignments_at_scope ON ktrlplane.role_assignments (scope_type, scope_id, user_id);
CREATE INDEX assignments_of_role ON ktrlplane.role_assignments (role_id);

-- A scope that goes takes its assignments along: whoever gets the same id next must not inherit
-- the access of those before. A scope is one of three tables, so no foreign key can say this.
CREATE FUNCTION ktrlplane.drop_assignments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ktrlplane.role_assignments
    WHERE scope_type = TG_ARGV[0]
      AND scope_id = to_jsonb(OLD) ->> TG_ARGV[1];
    RETURN NULL;
END
$$;
CREATE TRIGGER drop_assignments AFTER DELETE ON ktrlplane.organizations
    FOR EACH ROW EXECUTE FUNCTION ktrlplane.drop_assignments('organization', 'org_id');
CREATE TRIGGER drop_assignments AFTER DELETE ON ktrlplane.projects
    FOR EACH ROW EXECUTE FUNCTION ktrlplane.drop_assignments('project', 'project_id');
CREATE TRIGGER drop_assignments AFTER DELETE ON ktrlplane.resources
    FOR EACH ROW EXECUTE FUNCTION ktrlplane.drop_assignments('resource', 'resource_id');

INSERT INTO ktrlplane.permissions (permission_id, resource_type, action) VALUES
    ('ktrlplane-read', 'Konnektr.KtrlPlane', 'read'),
    ('ktrlplane-write', 'Konnektr.KtrlPlane', 'write'),
    ('ktrlplane-delete', 'Konnektr.KtrlPlane', 'delete'),
    ('ktrlplane-manage-access', 'Konnektr.KtrlPlane', 'manage_access');
INSERT INTO ktrlplane.roles (role_id, name, display_name, description, is_system) VALUES
    ('owner', 'Owner', 'Owner', 'Reads, writes, deletes and manages access', true),
    ('editor', 'Editor', 'Editor', 'Reads and writes', true),
    ('viewer', 'Viewer', 'Viewer', 'Reads', true);
INSERT INTO ktrlplane.role_permissions (role_id, permission_id) VALUES
    ('owner', 'ktrlplane-read'),
    ('owner', 'ktrlplane-write'),
    ('owner', 'ktrlplane-delete'),
    ('owner', 'ktrlplane-manage-access'),
    ('editor', 'ktrlplane-read'),
    ('editor', 'ktrlplane-write'),
    ('viewer', 'ktrlplane-read');
