// Package jaas reads the login.config in which ActiveMQ keeps its logins: Java's configuration of
// login modules (javax.security.auth.login.Configuration). [ReadFile] gives the realms as they
// stand there, and [Realm.Logins] says what a realm's modules mean, with the paths of their files
// resolved:
//
//	file, err := jaas.ReadFile("conf/login.config", nil)
//	realm, err := file.Realm("activemq")
//	logins, warnings, err := realm.Logins()
//
// It knows ActiveMQ's modules: PropertiesLoginModule, GuestLoginModule, LDAPLoginModule and
// TextFileCertificateLoginModule. Any other is an error, since nobody knows whom it lets in.
// Whoever only wants to point the broker to the file needs nothing of this: the keys
// security.login_config, security.login_realm and security.login_certificate_realm do that.
package jaas
