package config

import (
	"fmt"
	"strings"
)

// validator collects what is wrong between values that are each valid.
type validator struct {
	*Loaded
	problems Problems
}

func validate(l *Loaded) Problems {
	v := &validator{Loaded: l}
	v.listeners()
	v.access()
	v.users()
	v.logins()
	v.limits()
	v.store()
	v.policies()
	return v.problems
}

// fail reports a problem at the place that a value came from.
func (v *validator) fail(path, format string, args ...any) {
	where := ""
	if origin, ok := v.Origins[path]; ok {
		where = origin.Where
	}
	v.problems = append(v.problems, Problem{where, path, fmt.Sprintf(format, args...)})
}

func (v *validator) listeners() {
	names, addresses := map[string]int{}, map[string]int{}
	if len(v.Config.Listeners) == 0 {
		v.fail("listeners", "names no listener, so that nobody could connect")
	}
	for i, l := range v.Config.Listeners {
		at := fmt.Sprintf("listeners[%d].", i)
		if first, dup := names[l.Name]; dup {
			v.fail(at+"name", "%q is also the name of listeners[%d]", l.Name, first)
		}
		names[l.Name] = i
		if first, dup := addresses[l.Address]; dup && !strings.HasSuffix(l.Address, ":0") {
			v.fail(at+"address", "%q is also the address of listeners[%d]", l.Address, first)
		}
		addresses[l.Address] = i
		switch t := l.TLS; {
		case len(l.Protocols) == 0:
			v.fail(at+"protocols", "names no protocol; write [auto] to detect it")
		case t.Certificate != "" && t.Key == "":
			v.fail(at+"tls.certificate", "has no key; give tls.key as well")
		case t.Certificate == "" && (t.Key != "" || t.ClientCA != "" || t.ClientAuth != "none"):
			v.fail(at+"tls", "has no certificate; give tls.certificate as well")
		case t.ClientAuth != "none" && t.ClientCA == "":
			v.fail(at+"tls.client_auth", "%s needs tls.client_ca, the authorities to check against", t.ClientAuth)
		}
	}
}

// access refuses to open a broker without users to other machines, unless that is asked for.
func (v *validator) access() {
	if v.Config.Security.Anonymous || v.Config.Security.Authenticates() {
		return
	}
	const advice = "is open to other machines, and no user is configured; add one, for instance\n" +
		"  security: {users: [{name: app, password: 'OUTPUT OF manifold user hash'}]}\n" +
		"or let everybody in with\n" +
		"  security: {anonymous: true}"
	for i, l := range v.Config.Listeners {
		if !isLoopback(l.Address) {
			v.fail(fmt.Sprintf("listeners[%d].address", i), "%s %s", l.Address, advice)
			return // once is enough
		}
	}
	if a := v.Config.HTTP.Address; a != "" && !isLoopback(a) {
		v.fail("http.address", "%s %s", a, advice)
	}
}

// login checks a user who may come from the environment, and his password.
func (v *validator) login(section, name string, password Secret) {
	switch {
	case name != "" && password == "":
		v.fail(section+".username", "has no password; give %s.password as well", section)
	case name == "" && password != "":
		v.fail(section+".password", "belongs to no user; give %s.username as well", section)
	case password != "" && v.Origins[section+".password"].Source == FromFile && !v.clear && !IsHash(string(password)):
		v.fail(section+".password", "%s", passwordHash("").Error())
	}
}

func (v *validator) users() {
	s := &v.Config.Security
	v.login("security", s.Username, s.Password)
	v.login("http", v.Config.HTTP.Username, v.Config.HTTP.Password)
	names := map[string]int{}
	for i, u := range s.Users {
		if first, dup := names[u.Name]; dup {
			v.fail(fmt.Sprintf("security.users[%d].name", i), "%q is also the name of security.users[%d]", u.Name, first)
		}
		names[u.Name] = i
	}
}

func (v *validator) logins() {
	s := &v.Config.Security
	if s.LoginCertificateRealm != "" && s.LoginConfig == "" {
		v.fail("security.login_certificate_realm", "is the name of a realm in no file; give security.login_config as well")
	}
	l := &s.LDAP
	switch {
	case !l.Enabled():
		for _, o := range []struct{ path, text string }{
			{"user_base", l.UserBase}, {"service_account_user", l.ServiceAccountUser}, {"permissions.queue_base", l.Permissions.QueueBase},
			{"permissions.topic_base", l.Permissions.TopicBase}, {"permissions.temp_base", l.Permissions.TempBase},
		} {
			if o.text != "" {
				v.fail("security.ldap."+o.path, "belongs to no directory; give security.ldap.urls as well")
			}
		}
	case l.UserBase == "" && !l.Permissions.Enabled():
		v.fail("security.ldap.urls", "the directory has nothing to say; give security.ldap.user_base, for users, or security.ldap.permissions, for permissions")
	case l.ServiceAccountPassword != "" && l.ServiceAccountPasswordFile != "" && v.Origins["security.ldap.service_account_password"].Source == FromFile:
		v.fail("security.ldap.service_account_password_file", "there is service_account_password as well; give one of them")
	case l.Timeout == 0:
		v.fail("security.ldap.timeout", "0s leaves no time to log in")
	}
}

func (v *validator) limits() {
	l := &v.Config.Limits
	if l.Frame > l.Memory {
		v.fail("limits.frame", "%s is more than limits.memory (%s), so that such a frame could never be accepted", l.Frame, l.Memory)
	}
	if l.PreLoginBytes > l.Frame {
		v.fail("limits.pre_login_bytes", "%s is more than limits.frame (%s)", l.PreLoginBytes, l.Frame)
	}
	if l.Handshake == 0 {
		v.fail("limits.handshake", "0s leaves no time to log in")
	}
}

func (v *validator) store() {
	if v.Config.Store.Sync == "interval" && v.Config.Store.SyncInterval == 0 {
		v.fail("store.sync_interval", "0s is no interval; use sync: always instead")
	}
}
