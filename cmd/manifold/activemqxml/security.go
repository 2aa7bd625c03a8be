package activemqxml

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
)

// users is what the plugins say of who may do what.
type users struct {
	authenticates bool // a plugin asks who clients are
	authorizes    bool // a plugin asks what they may do
	line          int
	unknown       string // a plugin that is not known
}

// securityClasses are the plugins that ask who clients are and what they may do.
func securityClasses() []class {
	const groups = "groups are names here"
	entry := all(
		keep("queue", "security.permissions.match"), keep("topic", "security.permissions.match"),
		keep("tempQueue", "security.permissions.match"), keep("tempTopic", "security.permissions.match"),
		lose("destination", "", "name the destination with queue or topic"),
		keep("read", "security.permissions.read"), keep("write", "security.permissions.write"), keep("admin", "security.permissions.admin"),
		idle(groups, "groupClass"),
	)
	login := all(
		keep("configuration", "security.login_realm"),
		idle("the file is the one next to this file, or that of java.security.auth.login.config", "discoverLoginConfig"),
	)
	return []class{
		{
			name: "simpleAuthenticationPlugin", attributes: all(
				keep("anonymousAccessAllowed", "security.anonymous"),
				keep("anonymousUser", "security.anonymous_user"), keep("anonymousGroup", "security.anonymous_group"),
				lose("userGroups", "", "give each user's groups"), lose("userPasswords", "", "give each user's password"),
			),
			children: []string{"users", "userGroups", "userPasswords"},
			whole:    func(c *converter, n *node) { c.simpleAuthentication(n) },
		},
		wrap("users", "authenticationUser"),
		gone("userGroups", "list users as authenticationUser", true), gone("userPasswords", "list users as authenticationUser", true),
		{
			name: "authenticationUser", option: "security.users",
			attributes: all(keep("username", "security.users.name"), become("password", "security.users.password", "as a bcrypt hash"), keep("groups", "security.users.groups")),
			use:        func(c *converter, n *node) { c.user(n) },
		},
		{name: "jaasAuthenticationPlugin", option: "security.login_config", attributes: login, use: func(c *converter, n *node) { c.jaas(n) }},
		{
			name: "jaasCertificateAuthenticationPlugin", fate: Mapped, option: "security.login_config", note: "with every protocol a certificate counts where its client gives no password",
			attributes: login, use: func(c *converter, n *node) { c.jaas(n) },
		},
		{
			name: "jaasDualAuthenticationPlugin", fate: Mapped, option: "security.login_config", note: "with every protocol a certificate counts where its client gives no password",
			attributes: all(login, keep("sslConfiguration", "security.login_certificate_realm")),
			use: func(c *converter, n *node) {
				c.jaas(n)
				if v, a := c.text(n, "sslConfiguration"); a != nil && v != "" {
					c.out.text("security.login_certificate_realm", v, a.line)
				}
			},
		},
		{
			name: "authorizationPlugin", attributes: all(lose("map", "", "put the map into the plugin")), children: []string{"map"},
			use: func(c *converter, n *node) { c.users.authorizes, c.users.line = true, n.line },
		},
		wrap("map", "authorizationMap", "cachedLDAPAuthorizationMap", "lDAPAuthorizationMap", "simpleAuthorizationMap"),
		{
			name: "authorizationMap", attributes: all(idle(groups, "groupClass"), lose("defaultEntry", "", "put the entry into the map"), lose("tempDestinationAuthorizationEntry", "", "put the entry into the map")),
			children: []string{"authorizationEntries", "tempDestinationAuthorizationEntry", "defaultEntry", "entries"},
			whole:    func(c *converter, n *node) { c.authorizationMap(n) },
		},
		wrap("authorizationEntries", "authorizationEntry"),
		wrap("entries", "authorizationEntry", "policyEntry"),
		{name: "authorizationEntry", option: "security.permissions", attributes: entry, use: func(c *converter, n *node) { c.authorizationEntry(n, nil) }},
		{
			name: "tempDestinationAuthorizationEntry", option: "security.permissions", attributes: entry, children: []string{"tempDestinationAuthorizationEntry"},
			use: func(c *converter, n *node) { c.authorizationEntry(n, []string{"temp-queue://>", "temp-topic://>"}) },
		},
		directoryClass(),
		{
			name: "lDAPAuthorizationMap", option: "security.ldap", fate: Dropped, changes: true, open: true,
			note: "it is the older form; lay the permissions out as for cachedLDAPAuthorizationMap and set security.ldap.permissions; until then nobody may do anything",
		},
		gone("simpleAuthorizationMap", "its lists are a program's; write them as authorizationEntry; until then nobody may do anything", true),
	}
}

// plugins reads the plugins. Of several that ask who clients are ActiveMQ asks the last one, which lies
// around the others, and these take its word: who they know alone is not let in.
func (c *converter) plugins(n *node) {
	last := -1
	for i, child := range n.children {
		if child.authenticates() {
			last = i
		}
	}
	for i, child := range n.children {
		if i < last && child.authenticates() {
			c.report(child, Dropped, "", "ActiveMQ asks the last of the plugins that ask who clients are", false)
			continue
		}
		c.element(child, c.classes["plugins"])
	}
}

// authenticates reports whether an element is a plugin that asks who clients are.
func (n *node) authenticates() bool {
	name := n.name
	if class := n.value("class"); name == "bean" {
		name = class[strings.LastIndexByte(class, '.')+1:]
	}
	for _, plugin := range []string{"simpleAuthenticationPlugin", "jaasAuthenticationPlugin", "jaasCertificateAuthenticationPlugin", "jaasDualAuthenticationPlugin"} {
		if strings.EqualFold(name, plugin) {
			return true
		}
	}
	return false
}

// simpleAuthentication reads users that stand in the file.
func (c *converter) simpleAuthentication(n *node) {
	c.users.authenticates = true
	if v, a := c.boolean(n, "anonymousAccessAllowed"); a != nil && v {
		c.out.set("security.anonymous", "true", a.line)
	}
	c.guest(n)
	c.inside(n, c.classes["simpleAuthenticationPlugin"])
	if c.out.get("security.users") == nil && c.out.get("security.anonymous") == nil {
		c.fail(n.where(), n.path, "it has no user, so that nobody could log in")
	}
}

// guest reads who an anonymous client is.
func (c *converter) guest(n *node) {
	for _, x := range []struct{ attribute, option string }{{"anonymousUser", "security.anonymous_user"}, {"anonymousGroup", "security.anonymous_group"}} {
		if v, a := c.text(n, x.attribute); a != nil && v != "" {
			c.out.text(x.option, v, a.line)
		}
	}
}

func (c *converter) user(n *node) {
	name, a := c.text(n, "username")
	password, p := c.text(n, "password")
	if a == nil || name == "" || p == nil || password == "" {
		c.fail(n.where(), n.path, "it needs a username and a password")
		return
	}
	hash := password
	if c.in.Hash != nil {
		var err error
		if hash, err = c.in.Hash(password); err != nil {
			c.fail(place(n.file, p.line), n.path, "password: %s", err)
			return
		}
	} else {
		c.entries[len(c.entries)-1].Note = "as it stands in the file"
	}
	v := c.out.grow("security.users", n.line)
	v.text("name", name, a.line)
	v.text("password", hash, p.line)
	if groups, g := c.text(n, "groups"); g != nil && groups != "" {
		v.texts("groups", split(groups), g.line)
	}
}

// split cuts names at commas.
func split(s string) []string {
	all := []string{}
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// jaas reads a plugin that asks the modules of a login.config.
func (c *converter) jaas(n *node) {
	c.users.authenticates = true
	realm, a := c.text(n, "configuration")
	line := n.line
	if a == nil || realm == "" {
		realm = "activemq"
	} else {
		line = a.line
	}
	file := filepath.Join(filepath.Dir(c.in.Name), "login.config")
	if v, ok := c.lookup("java.security.auth.login.config"); ok && v != "" {
		file = c.path(v)
	}
	c.out.text("security.login_config", file, line)
	c.out.text("security.login_realm", realm, line)
}

// authorizationMap reads permissions. One that gives nobody anything is one all the same.
func (c *converter) authorizationMap(n *node) {
	c.mapOf(n, "authorizationMap", "authorizationEntries", "authorizationEntry", func(e *node) *class {
		entry := c.class(e, c.classes["authorizationEntries"])
		c.authorizationEntry(e, []string{"queue://>", "topic://>"})
		return entry
	})
}

// authorizationEntry reads who has which right. all are the patterns of the default entry and of that for
// temporary destinations, in whose own ActiveMQ takes no interest.
func (c *converter) authorizationEntry(n *node, all []string) {
	matches := slices.Clone(all)
	for _, x := range []struct{ attribute, scheme string }{{"queue", "queue://"}, {"topic", "topic://"}, {"tempQueue", "temp-queue://"}, {"tempTopic", "temp-topic://"}} {
		v, a := c.text(n, x.attribute)
		if a == nil || len(all) > 0 {
			continue
		}
		for _, name := range names(v) {
			matches = append(matches, x.scheme+name)
		}
	}
	rights := map[string]*attr{}
	for _, right := range []string{"read", "write", "admin"} {
		_, rights[right] = c.text(n, right)
	}
	for _, m := range matches {
		v := c.out.grow("security.permissions", n.line)
		v.text("match", m, n.line)
		for _, right := range []string{"read", "write", "admin"} {
			if a := rights[right]; a != nil {
				v.texts(right, split(a.value), a.line)
			}
		}
	}
}

// finishSecurity writes who is let in where no plugin asks, and closes what only permissions speak
// of.
func (c *converter) finishSecurity() {
	if c.users.authorizes && c.out.get("security.permissions") == nil && c.out.get("security.ldap.permissions") == nil {
		// Without a permission everybody could do everything.
		c.out.grow("security.permissions", c.users.line).text("match", "queue://>", c.users.line)
	}
	switch {
	case c.users.authenticates:
	case c.users.authorizes: // Amazon MQ keeps users elsewhere
		c.usersBeside("To do: the file has permissions and no users, which Amazon MQ keeps apart. Set up users.")
	case c.users.unknown != "": // it may be the one that asks
		c.usersBeside("To do: a plugin of the application's own is dropped, which may have asked who clients are. Set up users, or let everybody in with security.anonymous: true in the place of this.")
	case c.exposed():
		if v := c.out.get("http.address"); v != nil && !loopback(c.listeners.console) && c.out.get("http.username") == nil {
			_, port, _ := net.SplitHostPort(strings.Trim(v.scalar, `"`))
			v.scalar = quote(net.JoinHostPort("127.0.0.1", port))
			v.comment("Of this machine only, as there are no users that an operator could log in as.")
		}
		if !c.reachable() && c.out.get("http.username") == nil {
			return
		}
		c.out.set("security.anonymous", "true", c.broker.line).
			comment("No plugin asks who clients are: everybody is let in, from other machines too, as ActiveMQ does it.")
	}
}

// usersBeside lets users be read from files next to this one, which are still to be made: until then
// nobody gets in.
func (c *converter) usersBeside(note string) {
	dir := filepath.Dir(c.in.Name)
	users, groups := filepath.Join(dir, "users.properties"), filepath.Join(dir, "groups.properties")
	v := c.out.text("security.users_file", users, c.users.line).comment("%s", note)
	v.comment("$ manifold user add NAME --groups GROUP --file %s --groups-file %s", users, groups)
	c.out.text("security.groups_file", groups, c.users.line)
}

// exposed reports whether other machines can connect, be it to the web console only.
func (c *converter) exposed() bool {
	return c.reachable() || c.listeners.console != "" && !loopback(c.listeners.console)
}

// reachable reports whether clients on other machines can connect.
func (c *converter) reachable() bool {
	for _, l := range c.listeners.list {
		if host, _, _ := net.SplitHostPort(l.address); !loopback(host) {
			return true
		}
	}
	return false
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
