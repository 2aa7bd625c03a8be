package config

import "time"

// LDAP is a directory of users, and of permissions.
type LDAP struct {
	URLs                       []string // empty: no directory
	ServiceAccountUser         string
	ServiceAccountPassword     Secret
	ServiceAccountPasswordFile string
	UserBase                   string // empty: no users of it
	UserSearchMatching         string
	UserSearchSubtree          bool
	UserRoleName               string
	RoleBase                   string
	RoleName                   string
	RoleSearchMatching         string
	RoleSearchSubtree          bool
	ExpandRoles                bool
	ExpandRolesMatching        string
	TLS                        LDAPTLS
	StartTLS                   bool
	Timeout                    time.Duration
	Cache                      time.Duration
	Connections                int
	Permissions                LDAPPermissions
}

// LDAPTLS is how connections to a directory are secured.
type LDAPTLS struct {
	CA string
}

// LDAPPermissions is where a directory has permissions.
type LDAPPermissions struct {
	QueueBase, TopicBase, TempBase       string
	ReadFilter, WriteFilter, AdminFilter string
	MemberAttribute                      string
	GroupObjectClass, GroupNameAttribute string
	UserObjectClass, UserNameAttribute   string
	RefreshInterval                      time.Duration
	StartWithout                         bool
}

// Enabled reports whether a directory is configured.
func (l *LDAP) Enabled() bool { return len(l.URLs) > 0 }

// Enabled reports whether a directory has permissions.
func (p *LDAPPermissions) Enabled() bool {
	return p.QueueBase != "" || p.TopicBase != "" || p.TempBase != ""
}

// loginOptions are the further places of users.
func loginOptions() []Option {
	return []Option{
		opt("security.certificates_file", "", func(c *Config) value { return text(&c.Security.CertificatesFile) },
			"File with lines user=subject, as ActiveMQ's TextFileCertificateLoginModule reads; a subject between slashes is a regular expression, which must match the whole of a subject in Java's form (CN=app, O=Example).", live),
		opt("security.login_config", "", func(c *Config) value { return text(&c.Security.LoginConfig) },
			"ActiveMQ's login.config, whose modules are asked for users that are not listed here; PropertiesLoginModule, GuestLoginModule, LDAPLoginModule and TextFileCertificateLoginModule are understood. Paths in it are relative to its folder.", live),
		opt("security.login_realm", "activemq", func(c *Config) value { return text(&c.Security.LoginRealm, notEmpty) },
			"Name of the realm in login_config.", live),
		opt("security.login_certificate_realm", "", func(c *Config) value { return text(&c.Security.LoginCertificateRealm) },
			"Name of a further realm in login_config whose TextFileCertificateLoginModule says whom client certificates stand for, as sslConfiguration of jaasDualAuthenticationPlugin.", live),
	}
}

// ldapOptions are the options of a directory, with the names that Amazon MQ has for them.
func ldapOptions() []Option {
	word := func(path, def string, at func(*LDAP) *string, help string) Option {
		return opt("security.ldap."+path, def, func(c *Config) value { return text(at(&c.Security.LDAP)) }, help, live)
	}
	flag := func(path string, at func(*LDAP) *bool, help string) Option {
		return opt("security.ldap."+path, "false", func(c *Config) value { return boolean(at(&c.Security.LDAP)) }, help, live)
	}
	span := func(path, def string, at func(*LDAP) *time.Duration, help string) Option {
		return opt("security.ldap."+path, def, func(c *Config) value { return duration(at(&c.Security.LDAP)) }, help, live)
	}
	return append([]Option{
		opt("security.ldap.urls", "[]", func(c *Config) value { return texts(&c.Security.LDAP.URLs, notEmpty) },
			"Servers of one directory, ldaps://host:636 or ldap://host:389, asked in this order; one that failed is left alone for two seconds.", live),
		word("service_account_user", "", func(l *LDAP) *string { return &l.ServiceAccountUser },
			"Distinguished name that the directory is searched as; without one, searches are anonymous."),
		opt("security.ldap.service_account_password", "", func(c *Config) value { return text((*string)(&c.Security.LDAP.ServiceAccountPassword)) },
			"Password of the service account, in clear; better in the environment or in a file of its own.", live, secret),
		word("service_account_password_file", "", func(l *LDAP) *string { return &l.ServiceAccountPasswordFile },
			"File with the password of the service account, instead of service_account_password."),
		word("user_base", "", func(l *LDAP) *string { return &l.UserBase },
			"Distinguished name of the entry below which users are; without one, nobody logs in by the directory."),
		word("user_search_matching", "(uid={0})", func(l *LDAP) *string { return &l.UserSearchMatching },
			"Filter that finds the entry of a user; {0} stands for the user name. Two entries for one name let nobody in."),
		flag("user_search_subtree", func(l *LDAP) *bool { return &l.UserSearchSubtree },
			"Whether users are looked for on all levels below user_base, and not only on the next one."),
		word("user_role_name", "", func(l *LDAP) *string { return &l.UserRoleName },
			"Attribute of a user's entry whose values are groups of the user."),
		word("role_base", "", func(l *LDAP) *string { return &l.RoleBase },
			"Distinguished name of the entry below which groups are; without one, groups are not searched."),
		word("role_name", "cn", func(l *LDAP) *string { return &l.RoleName },
			"Attribute of a group's entry that is the group's name in permissions."),
		word("role_search_matching", "(member={0})", func(l *LDAP) *string { return &l.RoleSearchMatching },
			"Filter that finds the groups of a user; {0} stands for the distinguished name of the user's entry, {1} for the user name."),
		flag("role_search_subtree", func(l *LDAP) *bool { return &l.RoleSearchSubtree },
			"Whether groups are looked for on all levels below role_base, and not only on the next one."),
		flag("expand_roles", func(l *LDAP) *bool { return &l.ExpandRoles },
			"Whether users are also in the groups that their groups are members of, and so on."),
		word("expand_roles_matching", "(member={0})", func(l *LDAP) *string { return &l.ExpandRolesMatching },
			"Filter that finds the groups of a group; {0} stands for the distinguished name of the group's entry."),
		word("tls.ca", "", func(l *LDAP) *string { return &l.TLS.CA },
			"PEM file with the authorities that the directory's certificates are checked against; without one, the system's."),
		flag("start_tls", func(l *LDAP) *bool { return &l.StartTLS },
			"Whether connections to ldap:// URLs turn TLS on before anything else is said; a server that does not is not spoken to."),
		span("timeout", "5s", func(l *LDAP) *time.Duration { return &l.Timeout },
			"Longest time that the directory may take for one login, which fails then."),
		span("cache", "1m", func(l *LDAP) *time.Duration { return &l.Cache },
			"How long a verified login is remembered, as a keyed hash, so that clients that reconnect do not each ask the directory; a refused one for at most 10s. A reload forgets all. 0s remembers nothing."),
		opt("security.ldap.connections", "8", func(c *Config) value { return integer(&c.Security.LDAP.Connections, 1, 1000) },
			"Connections to the directory, and so logins that it is asked about, at a time. timeout, cache, connections, tls and start_tls also hold for the LDAPLoginModule of login_config.", live),
	}, ldapPermissionOptions()...)
}

// ldapPermissionOptions are the options of ActiveMQ's cachedLDAPAuthorizationMap.
func ldapPermissionOptions() []Option {
	word := func(path, def string, at func(*LDAPPermissions) *string, help string) Option {
		return opt("security.ldap.permissions."+path, def, func(c *Config) value { return text(at(&c.Security.LDAP.Permissions)) }, help, live)
	}
	return []Option{
		word("queue_base", "", func(p *LDAPPermissions) *string { return &p.QueueBase },
			"Distinguished name of the entry below which permissions for queues are, such as ou=Queue,ou=Destination,ou=ActiveMQ,dc=example,dc=org: an entry for each destination or pattern, with $ for >, and below it groups whose members have a right. They are added to security.permissions."),
		word("topic_base", "", func(p *LDAPPermissions) *string { return &p.TopicBase },
			"The same for topics."),
		word("temp_base", "", func(p *LDAPPermissions) *string { return &p.TempBase },
			"The same for temporary destinations, with the groups directly below it."),
		word("read_filter", "(cn=read)", func(p *LDAPPermissions) *string { return &p.ReadFilter },
			"Filter that finds the groups whose members may read."),
		word("write_filter", "(cn=write)", func(p *LDAPPermissions) *string { return &p.WriteFilter },
			"Filter that finds the groups whose members may write."),
		word("admin_filter", "(cn=admin)", func(p *LDAPPermissions) *string { return &p.AdminFilter },
			"Filter that finds the groups whose members may create and delete."),
		word("member_attribute", "member", func(p *LDAPPermissions) *string { return &p.MemberAttribute },
			"Attribute with the members of such a group: the distinguished names of groups and users, or cn=NAME alone for the group of that name."),
		word("group_object_class", "groupOfNames", func(p *LDAPPermissions) *string { return &p.GroupObjectClass },
			"Object class of a member that is a group."),
		word("group_name_attribute", "cn", func(p *LDAPPermissions) *string { return &p.GroupNameAttribute },
			"Attribute of such a member that is the group's name."),
		word("user_object_class", "person", func(p *LDAPPermissions) *string { return &p.UserObjectClass },
			"Object class of a member that is a user."),
		word("user_name_attribute", "uid", func(p *LDAPPermissions) *string { return &p.UserNameAttribute },
			"Attribute of such a member that is the user's name."),
		opt("security.ldap.permissions.refresh_interval", "1m", func(c *Config) value { return duration(&c.Security.LDAP.Permissions.RefreshInterval) },
			"How often the permissions are read again; 0s reads them at the start and at each reload only. While the directory is away, what was read last holds.", live),
		opt("security.ldap.permissions.start_without", "false", func(c *Config) value { return boolean(&c.Security.LDAP.Permissions.StartWithout) },
			"Whether the broker starts although the permissions can't be read; until they can, only security.permissions allow anything.", live),
	}
}
