-- A database in the shape of KtrlPlane's own, as its migrations leave it: types, keys, defaults and
-- the columns that nobody here reads. Filled by SQL alone, as KtrlPlane would have filled it.
CREATE SCHEMA ktrlplane;
SET search_path TO ktrlplane;

CREATE TABLE users (
    user_id varchar(255) PRIMARY KEY, email varchar(255) NOT NULL, name varchar(255),
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now()
);
CREATE TABLE organizations (
    org_id varchar(255) PRIMARY KEY, name varchar(255) NOT NULL,
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(),
    subscription_plan varchar(50) DEFAULT 'starter'
);
CREATE TABLE projects (
    project_id varchar(255) PRIMARY KEY,
    org_id varchar(255) REFERENCES organizations ON DELETE CASCADE,
    name varchar(255) NOT NULL, status varchar(50) DEFAULT 'Active',
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now()
);
CREATE TABLE resources (
    resource_id varchar(255) PRIMARY KEY,
    project_id varchar(255) NOT NULL REFERENCES projects ON DELETE CASCADE,
    name varchar(255) NOT NULL, type varchar(100) NOT NULL DEFAULT 'Konnektr.Graph',
    status varchar(50) DEFAULT 'Creating', settings_json jsonb DEFAULT '{}', error_message text,
    access_url varchar(1024), sku varchar(100) NOT NULL DEFAULT 'free', stripe_price_id varchar(255),
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now()
);
CREATE TABLE roles (
    role_id varchar(255) PRIMARY KEY, name varchar(255) UNIQUE NOT NULL,
    display_name varchar(255) NOT NULL, description text, is_system boolean DEFAULT false,
    display_order integer DEFAULT 999, is_hidden boolean DEFAULT false,
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now()
);
CREATE TABLE permissions (
    permission_id varchar(255) PRIMARY KEY, resource_type varchar(100) NOT NULL,
    action varchar(100) NOT NULL, description text, created_at timestamp DEFAULT now(),
    UNIQUE (resource_type, action)
);
CREATE TABLE role_permissions (
    role_id varchar(255) REFERENCES roles ON DELETE CASCADE,
    permission_id varchar(255) REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE TABLE role_assignments (
    assignment_id varchar(255) PRIMARY KEY,
    user_id varchar(255) NOT NULL REFERENCES users ON DELETE CASCADE,
    role_id varchar(255) NOT NULL REFERENCES roles ON DELETE CASCADE,
    scope_type varchar(50) NOT NULL, scope_id varchar(255) NOT NULL,
    assigned_by varchar(255) NOT NULL REFERENCES users,
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(), expires_at timestamp,
    UNIQUE (user_id, role_id, scope_type, scope_id)
);
CREATE INDEX ON projects (org_id);
CREATE INDEX ON resources (project_id);
CREATE INDEX ON resources (status);
CREATE INDEX ON role_assignments (user_id);
CREATE INDEX ON role_assignments (scope_type, scope_id);
CREATE TABLE billing_accounts (billing_account_id varchar(255) PRIMARY KEY, scope_id varchar(255));

INSERT INTO permissions (permission_id, resource_type, action) VALUES
    ('00000000-0001-0000-0000-000000000001', 'Konnektr.KtrlPlane', 'read'),
    ('00000000-0001-0000-0000-000000000002', 'Konnektr.KtrlPlane', 'write'),
    ('00000000-0001-0000-0000-000000000003', 'Konnektr.KtrlPlane', 'delete'),
    ('00000000-0001-0000-0000-000000000004', 'Konnektr.KtrlPlane', 'manage_access'),
    ('00000000-0001-0000-0000-000000000005', 'Konnektr.KtrlPlane', 'manage_billing'),
    ('00000000-0001-0000-0000-000000000006', 'Konnektr.KtrlPlane', 'check_permissions_on_behalf_of'),
    ('00000000-0004-0000-0000-000000000008', 'Konnektr.Graph', 'digitaltwins/*'),
    ('00000000-0004-0000-0000-000000000001', 'Konnektr.Graph', 'digitaltwins/read'),
    ('00000000-0004-0000-0000-000000000012', 'Konnektr.Graph', 'models/*'),
    -- KtrlPlane has none that is called this; the next data plane may.
    ('00000000-0004-0000-0000-000000000099', 'Konnektr.Graph', 'read');
INSERT INTO roles (role_id, name, display_name, is_system, is_hidden) VALUES
    ('10000000-0001-0000-0000-000000000001', 'Owner', 'Owner', true, false),
    ('10000000-0001-0000-0000-000000000002', 'Editor', 'Editor', true, false),
    ('10000000-0001-0000-0000-000000000003', 'Viewer', 'Viewer', true, false),
    ('10000000-0004-0000-0000-000000000001', 'Konnektr.Graph.Owner', 'Graph Owner', true, false),
    ('10000000-0004-0000-0000-000000000003', 'Konnektr.Graph.Viewer', 'Graph Viewer', true, NULL),
    ('10000000-0005-0000-0000-000000000001', 'Konnektr.Data.Owner', 'Data Owner', NULL, false),
    ('service-account-permission-checker', 'Permission Checker', 'Permission Checker', true, true),
    ('hidden-reader', 'Hidden Reader', 'Hidden Reader', true, true);
INSERT INTO role_permissions
    SELECT '10000000-0001-0000-0000-000000000001', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.KtrlPlane' AND action NOT LIKE 'check%'
    UNION ALL SELECT '10000000-0001-0000-0000-000000000002', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.KtrlPlane' AND action IN ('read', 'write')
    UNION ALL SELECT '10000000-0001-0000-0000-000000000003', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.KtrlPlane' AND action = 'read'
    UNION ALL SELECT '10000000-0004-0000-0000-000000000001', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.Graph'
    UNION ALL SELECT '10000000-0004-0000-0000-000000000003', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.Graph' AND action LIKE '%read'
    UNION ALL SELECT '10000000-0005-0000-0000-000000000001', permission_id FROM permissions
    WHERE resource_type = 'Konnektr.Graph'
    UNION ALL SELECT 'service-account-permission-checker', '00000000-0001-0000-0000-000000000006'
    UNION ALL SELECT 'hidden-reader', '00000000-0001-0000-0000-000000000001';

-- The e-mail address is not unique any more, and a name may be missing.
INSERT INTO users (user_id, email, name) VALUES
    ('auth0|olga', 'olga@acme.test', 'Olga'), ('auth0|ed', 'ed@acme.test', NULL),
    ('auth0|vic', 'vic@acme.test', 'Vic'), ('auth0|vic2', 'vic@acme.test', NULL),
    ('auth0|graph', 'graph@acme.test', 'Graph'), ('auth0|data', 'data@acme.test', 'Data'),
    ('auth0|hidden', 'hidden@acme.test', 'Hidden'), ('auth0|past', 'past@acme.test', 'Past'),
    ('auth0|res', 'res@acme.test', 'Res'), ('auth0|lone', 'lone@acme.test', 'Lone'),
    ('auth0|nobody', 'nobody@acme.test', 'Nobody'), ('auth0|odd', 'odd@acme.test', 'Odd'),
    ('bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients', 'service-account@ktrlplane.system', 'Service');
INSERT INTO organizations (org_id, name) VALUES
    ('acme', 'Acme'), ('3f0c7f1e-8a42-4c09-9c55-5a1f2f1d7b10', 'Globex'), ('Odd_Org', 'Odd');
INSERT INTO projects (project_id, org_id, name, status) VALUES
    ('acme-shop', 'acme', 'Shop', 'Active'), ('acme-lab', 'acme', 'Lab', 'Updating'),
    ('acme-new', 'acme', 'New', NULL),
    ('globex-iot', '3f0c7f1e-8a42-4c09-9c55-5a1f2f1d7b10', 'IoT', 'Active'),
    ('lonely', NULL, 'Lonely', 'Active'), ('odd-home', 'Odd_Org', 'Odd', 'Active'),
    ('Odd_Project', 'acme', 'Odd', 'Active');
INSERT INTO resources (resource_id, project_id, name, type, status) VALUES
    ('shop-api', 'acme-shop', 'Shop API', 'Konnektr.Graph', 'Creating'),
    ('lab-flow', 'acme-lab', 'Flow', 'Konnektr.Flow', NULL),
    ('iot-graph', 'globex-iot', 'Graph', 'Konnektr.Graph', 'Active');
INSERT INTO role_assignments
    (assignment_id, user_id, role_id, scope_type, scope_id, assigned_by, expires_at) VALUES
    (gen_random_uuid(), 'auth0|olga', '10000000-0001-0000-0000-000000000001', 'organization', 'acme', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|ed', '10000000-0001-0000-0000-000000000002', 'project', 'acme-shop', 'auth0|olga', '2033-05-18 03:33:20'),
    ('victors-role', 'auth0|vic', '10000000-0001-0000-0000-000000000003', 'project', 'acme-shop', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|graph', '10000000-0004-0000-0000-000000000003', 'project', 'acme-shop', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|data', '10000000-0005-0000-0000-000000000001', 'organization', 'acme', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|hidden', 'hidden-reader', 'project', 'acme-shop', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|past', '10000000-0001-0000-0000-000000000001', 'organization', 'acme', 'auth0|olga', '2020-01-01'),
    (gen_random_uuid(), 'auth0|res', '10000000-0001-0000-0000-000000000001', 'resource', 'shop-api', 'auth0|olga', NULL),
    (gen_random_uuid(), 'auth0|lone', '10000000-0001-0000-0000-000000000001', 'project', 'lonely', 'auth0|lone', NULL),
    (gen_random_uuid(), 'auth0|odd', '10000000-0001-0000-0000-000000000001', 'organization', 'Odd_Org', 'auth0|odd', NULL),
    (gen_random_uuid(), 'auth0|odd', '10000000-0001-0000-0000-000000000001', 'project', 'Odd_Project', 'auth0|odd', NULL),
    (gen_random_uuid(), 'bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients', 'service-account-permission-checker', 'global', 'global', 'bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients', NULL),
    -- Nobody does this, and it must not open anything if somebody does.
    (gen_random_uuid(), 'bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients', '10000000-0001-0000-0000-000000000001', 'global', 'acme-shop', 'bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients', NULL);
