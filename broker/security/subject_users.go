package security

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker/security/properties"
)

// subjects are the users that certificates stand for. It never changes.
type subjects struct {
	exact       map[string]string // canonical subject → user
	expressions []subjectExpression
	groups      map[string][]string // that only who shows a certificate is in
}

// subjectExpression stands for all subjects that it matches.
type subjectExpression struct {
	*regexp.Regexp
	user string
}

// user returns the user that a subject stands for.
func (l *subjects) user(sub subject) (string, bool) {
	if name, ok := l.exact[sub.canonical]; ok {
		return name, true
	}
	for _, e := range l.expressions {
		if e.MatchString(sub.java) {
			return e.user, true
		}
	}
	return "", false
}

// loadSubjects returns the users of the options and their files.
func loadSubjects(o *Options) (*subjects, error) {
	l := &subjects{exact: make(map[string]string, len(o.CertificateUsers))}
	for _, name := range slices.Sorted(maps.Keys(o.CertificateUsers)) {
		if err := l.add(name, o.CertificateUsers[name]); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
	}
	if o.CertificatesFile != "" {
		pairs, err := properties.ReadFile(o.CertificatesFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		for _, p := range pairs {
			if err := l.add(p.Value, p.Key); err != nil {
				return nil, fmt.Errorf("certificates: %s:%d: %w", o.CertificatesFile, p.Line, err)
			}
		}
	}
	if o.CertificateGroupsFile != "" {
		d := &directory{groups: make(map[string][]string)}
		if err := d.readGroups(o.CertificateGroupsFile); err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		l.groups = d.groups
	}
	return l, nil
}

// add takes one subject or expression.
func (l *subjects) add(name, user string) error {
	if err := checkUser(user); err != nil {
		return err
	}
	if text, ok := expression(name); ok {
		_, err := regexp.Compile(text) // by itself: its parentheses must not end the outer ones
		if err != nil {
			return fmt.Errorf("%q is not a regular expression: %w", name, err)
		}
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return fmt.Errorf("%q is not a regular expression: %w", name, err)
		}
		l.expressions = append(l.expressions, subjectExpression{re, user})
		return nil
	}
	canonical, err := parseSubject(name)
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if other, ok := l.exact[canonical]; ok && other != user {
		return fmt.Errorf("%q stands for two users, %s and %s", name, other, user)
	}
	l.exact[canonical] = user
	return nil
}

// expression returns what stands between slashes.
func expression(name string) (text string, ok bool) {
	if len(name) < 3 || name[0] != '/' || name[len(name)-1] != '/' {
		return "", false
	}
	return name[1 : len(name)-1], true
}

// javaName writes relative names as Java's X500Name does, whose form ActiveMQ's users have written
// their expressions for.
func javaName(relatives [][]attribute) string {
	var b strings.Builder
	for i, attributes := range relatives {
		if i > 0 {
			b.WriteString(", ")
		}
		for j, a := range attributes {
			if j > 0 {
				b.WriteString(" + ")
			}
			a.writeJava(&b)
		}
	}
	return b.String()
}

// writeJava appends type and value.
func (a attribute) writeJava(b *strings.Builder) {
	b.WriteString(javaKeyword(a.kind))
	b.WriteByte('=')
	if a.encoded {
		b.WriteByte('#')
		b.WriteString(a.value)
		return
	}
	if n := len(a.value); n > 1 && a.value[0] == '"' && a.value[n-1] == '"' {
		b.WriteByte('"')
		b.WriteString(javaEscapes.Replace(a.value[1 : n-1]))
		b.WriteByte('"')
		return
	}
	space := strings.HasPrefix(a.value, " ") || strings.HasSuffix(a.value, " ") || strings.Contains(a.value, "  ")
	if !space && !strings.ContainsAny(a.value, ",+=\n<>#;\\\"") {
		b.WriteString(a.value)
		return
	}
	b.WriteByte('"')
	b.WriteString(javaEscapes.Replace(a.value))
	b.WriteByte('"')
}

// javaEscapes puts a backslash before what would end a quote.
var javaEscapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

// javaKeyword returns the name by which Java writes a type.
func javaKeyword(kind string) string {
	switch kind {
	case "1.2.840.113549.1.9.1":
		return "EMAILADDRESS"
	case "2.5.4.5":
		return "SERIALNUMBER"
	case "2.5.4.12":
		return "T"
	case "2.5.4.4":
		return "SURNAME"
	case "2.5.4.42":
		return "GIVENNAME"
	case "2.5.4.43":
		return "INITIALS"
	case "2.5.4.44":
		return "GENERATION"
	case "2.5.4.46":
		return "DNQ"
	}
	if kind[0] >= '0' && kind[0] <= '9' {
		return "OID." + kind
	}
	return kind
}
