// Package ldap asks a directory who a client is and what it may do, as ActiveMQ's LDAPLoginModule
// and cachedLDAPAuthorizationMap do: a [Directory] is a source of users (security.Source) and of
// permissions.
//
// A login is: search the user's entry as the service account, search the groups that the entry is
// a member of, and bind as the entry with the password. Connections are few and are kept; one
// login takes a bounded time and a bounded number of bytes; a server that does not answer is left
// alone for a moment. The directory is never asked with an empty password, which servers take for
// a login of nobody (RFC 4513 section 5.1.2), referrals are never followed, and what a client
// typed is escaped before it becomes part of a filter (RFC 4515 section 3).
package ldap
