package activemqxml

import (
	"net/url"
	"strings"
)

// What ActiveMQ takes where a cachedLDAPAuthorizationMap does not say it.
const (
	directoryURL  = "ldap://localhost:1024"
	directoryRoot = "ou=Destination,ou=ActiveMQ,ou=system"
)

// directoryTexts are the attributes that are options as they are.
func directoryTexts() []attribute {
	return []attribute{
		keep("connectionUsername", "security.ldap.service_account_user"),
		keep("connectionPassword", "security.ldap.service_account_password"),
		keep("readPermissionGroupSearchFilter", "security.ldap.permissions.read_filter"),
		keep("writePermissionGroupSearchFilter", "security.ldap.permissions.write_filter"),
		keep("adminPermissionGroupSearchFilter", "security.ldap.permissions.admin_filter"),
		keep("permissionGroupMemberAttribute", "security.ldap.permissions.member_attribute"),
		keep("groupObjectClass", "security.ldap.permissions.group_object_class"),
		keep("groupNameAttribute", "security.ldap.permissions.group_name_attribute"),
		keep("userObjectClass", "security.ldap.permissions.user_object_class"),
		keep("userNameAttribute", "security.ldap.permissions.user_name_attribute"),
	}
}

// directoryBases are the attributes that name entries of the directory.
func directoryBases() []attribute {
	return []attribute{
		keep("queueSearchBase", "security.ldap.permissions.queue_base"),
		keep("topicSearchBase", "security.ldap.permissions.topic_base"),
		keep("tempSearchBase", "security.ldap.permissions.temp_base"),
	}
}

// directoryClass is the element for permissions in a directory.
func directoryClass() class {
	return class{
		name: "cachedLDAPAuthorizationMap", option: "security.ldap.permissions",
		attributes: all(
			keep("connectionURL", "security.ldap.urls"), directoryTexts(), directoryBases(),
			become("refreshInterval", "security.ldap.permissions.refresh_interval", "a directory is asked; it does not tell by itself"),
			become("refreshDisabled", "security.ldap.permissions.refresh_interval", "0s"),
			idle("members of both forms are understood", "legacyGroupMapping"), idle("groups are names here", "groupClass"),
			idle("logins are simple ones", "authentication"), idle("the URL says whether there is TLS", "connectionProtocol"),
		),
		use: func(c *converter, n *node) { c.directory(n) },
	}
}

// directory reads where permissions are.
func (c *converter) directory(n *node) {
	text, a := c.text(n, "connectionURL")
	line := n.line
	if a == nil || text == "" {
		text = directoryURL
	} else {
		line = a.line
	}
	var urls []string
	root := "" // that the bases are relative to
	for s := range strings.FieldsSeq(text) {
		if u, err := url.Parse(s); err == nil && strings.Trim(u.Path, "/") != "" {
			root = "," + strings.Trim(u.Path, "/")
			s = u.Scheme + "://" + u.Host
		}
		urls = append(urls, s)
	}
	c.out.texts("security.ldap.urls", urls, line)
	for _, t := range directoryTexts() {
		if v, a := c.text(n, t.name); a != nil && v != "" {
			c.out.text(t.option, v, a.line)
		}
	}
	some := false
	for _, t := range directoryBases() {
		if v, a := c.text(n, t.name); a != nil && v != "" {
			c.out.text(t.option, v+root, a.line)
			some = true
		}
	}
	if !some {
		for i, t := range directoryBases() {
			c.out.text(t.option, "ou="+[]string{"Queue", "Topic", "Temp"}[i]+","+directoryRoot+root, n.line)
		}
	}
	if d, a := c.millis(n, "refreshInterval"); a != nil && d > 0 {
		c.out.set("security.ldap.permissions.refresh_interval", period(d), a.line)
	}
	if v, a := c.boolean(n, "refreshDisabled"); a != nil && v {
		c.out.set("security.ldap.permissions.refresh_interval", "0s", a.line)
	}
}
