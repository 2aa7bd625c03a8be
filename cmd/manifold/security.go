package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/security/ldap"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/jaas"
	"github.com/manifoldmq/manifold/protocols/server"
)

// access is who may connect and what they may do, as the configuration says.
type access struct {
	options security.Options
	rights  server.Rights
}

// newAccess makes the sources of users and permissions. Users are looked for in the configuration
// and its files first, then in the realm of login_config, then in the directory.
func newAccess(s *config.Security, getenv func(string) string, log *slog.Logger) (*access, error) {
	if !s.Authenticates() {
		return &access{options: security.Options{Open: true}}, nil
	}
	a := &access{options: security.Options{
		Anonymous: s.Anonymous, AnonymousUser: s.AnonymousUser, AnonymousGroup: s.AnonymousGroup,
		UsersFile: s.UsersFile, GroupsFile: s.GroupsFile, CertificatesFile: s.CertificatesFile,
	}}
	a.users(s)
	for _, p := range s.Permissions {
		a.options.Permissions = append(a.options.Permissions, security.Permission{Match: p.Match, Read: p.Read, Write: p.Write, Admin: p.Admin})
	}
	if s.LoginConfig != "" {
		if err := a.logins(s, getenv, log); err != nil {
			a.close()
			return nil, fmt.Errorf("security.login_config: %w", err)
		}
	}
	if s.LDAP.Enabled() {
		if err := a.directory(&s.LDAP, log); err != nil {
			a.close()
			return nil, fmt.Errorf("security.ldap: %w", err)
		}
	}
	return a, nil
}

// close closes the connections of sources.
func (a *access) close() {
	for _, src := range a.options.Sources {
		if c, ok := src.(security.Closer); ok {
			c.Close()
		}
	}
}

// users takes those that stand in the configuration itself.
func (a *access) users(s *config.Security) {
	for _, u := range s.Users {
		a.options.Users = append(a.options.Users, user(u.Name, u.Password, u.Groups))
	}
	if s.Username != "" {
		a.options.Users = append(a.options.Users, user(s.Username, s.Password, []string{"admins"}))
	}
	if len(s.Certificates) > 0 {
		a.options.CertificateUsers = make(map[string]string)
		for _, k := range s.Certificates {
			a.options.CertificateUsers[k.Subject] = k.User
		}
	}
}

// user makes a user whose password is a hash, or in clear where it comes from the environment or
// from an activemq.xml.
func user(name string, password config.Secret, groups []string) security.User {
	u := security.User{Name: name, Groups: groups}
	if config.IsHash(string(password)) {
		u.Hash = string(password)
	} else {
		u.Password = string(password)
	}
	return u
}

// logins takes the modules of a login.config.
func (a *access) logins(s *config.Security, getenv func(string) string, log *slog.Logger) error {
	file, err := jaas.ReadFile(s.LoginConfig, javaProperties(s.LoginConfig, getenv))
	if err != nil {
		return err
	}
	logins, err := realmLogins(file, s.LoginRealm, log)
	if err != nil {
		return err
	}
	if err := checkAlternatives(logins); err != nil {
		return fmt.Errorf("%s:%w", file.Path, err)
	}
	if s.LoginCertificateRealm != "" {
		more, err := realmLogins(file, s.LoginCertificateRealm, log)
		if err != nil {
			return err
		}
		for _, l := range more {
			if l.Certificates == nil {
				return fmt.Errorf("%s:%d: a realm for certificates takes none but the TextFileCertificateLoginModule", file.Path, l.Line)
			}
			logins = append(logins, l)
		}
	}
	var stack security.Stack
	for _, l := range logins {
		if l.Certificates != nil {
			if a.options.CertificatesFile != "" {
				return fmt.Errorf("%s:%d: there is another file of certificates, %s", file.Path, l.Line, a.options.CertificatesFile)
			}
			a.options.CertificatesFile, a.options.CertificateGroupsFile = l.Certificates.Users, l.Certificates.Groups
			continue
		}
		m, err := newModule(&l, &s.LDAP, log)
		if err != nil {
			stack.Close()
			return fmt.Errorf("%s:%d: %w", file.Path, l.Line, err)
		}
		stack = append(stack, m)
	}
	if len(stack) > 0 {
		a.options.Sources = append(a.options.Sources, stack)
	}
	return nil
}

// checkAlternatives refuses a realm that asks for both a certificate and a password, as either lets in
// here. A login by one of them must do there too: all modules that decide alone, or the last one.
func checkAlternatives(logins []jaas.Login) error {
	certificates, optional := 0, false
	for _, l := range logins {
		if l.Certificates != nil {
			certificates++
		}
	}
	if certificates == 0 || certificates == len(logins) {
		return nil
	}
	for i, l := range logins {
		decides := l.Flag == jaas.Required || l.Flag == jaas.Requisite
		if decides && (optional || i < len(logins)-1) {
			return fmt.Errorf("%d: a certificate or a password lets in, and this module asks for one beside the other: make all modules of the realm sufficient", l.Line)
		}
		optional = optional || l.Flag == jaas.Optional
	}
	return nil
}

// realmLogins returns what the modules of a realm mean.
func realmLogins(file *jaas.File, name string, log *slog.Logger) ([]jaas.Login, error) {
	realm, err := file.Realm(name)
	if err != nil {
		return nil, err
	}
	logins, warnings, err := realm.Logins()
	if err != nil {
		return nil, fmt.Errorf("%s:%w", file.Path, err)
	}
	for _, w := range warnings {
		log.Warn(file.Path + ": " + w)
	}
	return logins, nil
}

// javaProperties returns the system properties that ActiveMQ's scripts set, as far as they are
// known here.
func javaProperties(path string, getenv func(string) string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value := ""
		switch name {
		case "activemq.conf":
			value = filepath.Dir(path)
		case "activemq.base":
			value = getenv("ACTIVEMQ_BASE")
		case "activemq.home":
			value = getenv("ACTIVEMQ_HOME")
		case "activemq.data":
			value = getenv("ACTIVEMQ_DATA")
		case "user.home":
			value = getenv("HOME")
		}
		return value, value != ""
	}
}

// newModule makes the source of a module.
func newModule(l *jaas.Login, common *config.LDAP, log *slog.Logger) (m security.Module, err error) {
	m.Flag = map[jaas.Flag]security.Flag{
		jaas.Required: security.Required, jaas.Requisite: security.Requisite,
		jaas.Sufficient: security.Sufficient, jaas.Optional: security.Optional,
	}[l.Flag]
	switch {
	case l.Properties != nil:
		m.Source, err = security.NewFiles(security.FileOptions{
			Users: l.Properties.Users, Groups: l.Properties.Groups, Watch: l.Properties.Reload,
			Failed: func(err error) {
				log.Warn("users could not be read again; those that were read last hold", "error", err)
			},
		})
	case l.Guest != nil:
		m.Source = security.Guest(*l.Guest)
	default:
		j := l.LDAP
		if j.RoleName == "" { // ActiveMQ looks for no groups then
			j.RoleBase = ""
		}
		m.Source, err = newDirectory(ldap.Options{
			URLs: j.URLs, ServiceAccountUser: j.ServiceAccountUser, ServiceAccountPassword: j.ServiceAccountPassword,
			UserBase: j.UserBase, UserSearchMatching: j.UserSearchMatching, UserSearchSubtree: j.UserSearchSubtree, UserRoleName: j.UserRoleName,
			RoleBase: j.RoleBase, RoleName: j.RoleName, RoleSearchMatching: j.RoleSearchMatching, RoleSearchSubtree: j.RoleSearchSubtree,
			ExpandRoles: j.ExpandRoles, ExpandRolesMatching: j.ExpandRolesMatching,
		}, common, log)
	}
	return m, err
}

// newDirectory makes a source that remembers, with the settings that all directories have in
// common.
func newDirectory(o ldap.Options, common *config.LDAP, log *slog.Logger) (security.Source, error) {
	d, err := ldap.New(commonly(o, common, log))
	if err != nil {
		return nil, err
	}
	return security.Remember(d, common.Cache, nil), nil
}

func commonly(o ldap.Options, common *config.LDAP, log *slog.Logger) ldap.Options {
	o.CA, o.StartTLS, o.Timeout, o.Connections, o.Log = common.TLS.CA, common.StartTLS, common.Timeout, common.Connections, log
	return o
}

// directory takes the directory of the configuration.
func (a *access) directory(l *config.LDAP, log *slog.Logger) error {
	password := string(l.ServiceAccountPassword)
	if password == "" && l.ServiceAccountPasswordFile != "" {
		text, err := os.ReadFile(l.ServiceAccountPasswordFile)
		if err != nil {
			return err
		}
		if password = strings.TrimRight(string(text), "\r\n"); password == "" {
			return errors.New(l.ServiceAccountPasswordFile + " is empty")
		}
	}
	d, err := ldap.New(commonly(ldap.Options{
		URLs: l.URLs, ServiceAccountUser: l.ServiceAccountUser, ServiceAccountPassword: password,
		UserBase: l.UserBase, UserSearchMatching: l.UserSearchMatching, UserSearchSubtree: l.UserSearchSubtree, UserRoleName: l.UserRoleName,
		RoleBase: l.RoleBase, RoleName: l.RoleName, RoleSearchMatching: l.RoleSearchMatching, RoleSearchSubtree: l.RoleSearchSubtree,
		ExpandRoles: l.ExpandRoles, ExpandRolesMatching: l.ExpandRolesMatching,
	}, l, log))
	if err != nil {
		return err
	}
	a.options.Sources = append(a.options.Sources, security.Remember(d, l.Cache, nil))
	p := &l.Permissions
	if !p.Enabled() {
		return nil
	}
	permissions, err := d.Permissions(ldap.PermissionOptions{
		QueueSearchBase: p.QueueBase, TopicSearchBase: p.TopicBase, TempSearchBase: p.TempBase,
		ReadPermissionGroupSearchFilter: p.ReadFilter, WritePermissionGroupSearchFilter: p.WriteFilter, AdminPermissionGroupSearchFilter: p.AdminFilter,
		PermissionGroupMemberAttribute: p.MemberAttribute, GroupObjectClass: p.GroupObjectClass, GroupNameAttribute: p.GroupNameAttribute,
		UserObjectClass: p.UserObjectClass, UserNameAttribute: p.UserNameAttribute,
	})
	if err != nil {
		return err
	}
	a.options.Granted = true
	a.rights = server.Rights{Read: permissions.Read, Every: p.RefreshInterval, Optional: p.StartWithout}
	return nil
}
