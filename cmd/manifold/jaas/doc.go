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
package jaas
