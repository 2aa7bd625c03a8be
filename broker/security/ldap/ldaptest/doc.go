// Package ldaptest gives tests a real directory: OpenLDAP's slapd, run as an ordinary process with
// a database of its own, filled with the users, groups and permissions of directory.ldif.
package ldaptest
