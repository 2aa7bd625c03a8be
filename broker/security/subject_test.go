package security

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"os"
	"strings"
	"testing"
)

// certificate returns a certificate with nothing but a subject, given in the order of RFC 2253
// and without escapes.
func certificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	types := map[string]asn1.ObjectIdentifier{
		"CN": {2, 5, 4, 3}, "OU": {2, 5, 4, 11}, "O": {2, 5, 4, 10}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8},
		"DC": {0, 9, 2342, 19200300, 100, 1, 25}, "UID": {0, 9, 2342, 19200300, 100, 1, 1}, "E": {1, 2, 840, 113549, 1, 9, 1}, "X": {1, 2, 3},
	}
	var rdns pkix.RDNSequence
	for relative := range strings.SplitSeq(name, ",") {
		var set pkix.RelativeDistinguishedNameSET
		for a := range strings.SplitSeq(relative, "+") {
			kind, value, _ := strings.Cut(a, "=")
			v := asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(value)}
			switch {
			case kind == "X":
				v.Tag = asn1.TagOctetString
			case kind == "E" || kind == "DC":
				v.Tag = asn1.TagIA5String
			}
			set = append(set, pkix.AttributeTypeAndValue{Type: types[kind], Value: v})
		}
		rdns = append(pkix.RDNSequence{set}, rdns...)
	}
	raw, err := asn1.Marshal(rdns)
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{RawSubject: raw}
}

// TestSubjectSpellings holds the spellings of Java (getName of X500Principal, toString of
// X500Name) and OpenSSL (-nameopt RFC2253) for subjects.
func TestSubjectSpellings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cert  string
		same  []string
		other []string
	}{
		{
			"CN=app,OU=Dev,O=Acme,C=DE",
			[]string{"CN=app,OU=Dev,O=Acme,C=DE", "CN=app, OU=Dev, O=Acme, C=DE", "cn=app;ou = Dev ,O=Acme,c=DE", "2.5.4.3=app,OID.2.5.4.11=Dev,O=Acme,C=DE", `CN="app",OU=Dev,O=Acme,C=DE`, `CN=a\70p,OU=Dev,O=Acme,C=DE`, "CN=#0c03617070,OU=Dev,O=Acme,C=DE"},
			[]string{"C=DE,O=Acme,OU=Dev,CN=app", "CN=app,OU=Dev,O=Acme", "CN=App,OU=Dev,O=Acme,C=DE", "CN=app,OU=Dev,O=Acme,C=DE,L=x", "CN=app+OU=Dev,O=Acme,C=DE", `CN=app\,OU\=Dev,O=Acme,C=DE`, "CN=*,OU=Dev,O=Acme,C=DE", "CN=app ,OU=Dev\\ ,O=Acme,C=DE"},
		},
		{
			"UID=u+CN=app,DC=example,DC=com",
			[]string{"UID=u+CN=app,DC=example,DC=com", "CN=app + UID=u, DC=example, DC=com"},
			[]string{"CN=app,UID=u,DC=example,DC=com", "CN=app+UID=u,DC=com,DC=example"},
		},
		{
			"E=a@b.c,CN=Müller GmbH",
			[]string{"1.2.840.113549.1.9.1=#16056140622e63,CN=Müller GmbH", "EMAILADDRESS=a@b.c, CN=Müller GmbH", `emailAddress=a@b.c,CN=M\C3\BCller GmbH`},
			[]string{"CN=Müller GmbH", "E=a@b.c,CN=Muller GmbH", "E=a@b.c,CN=Müller  GmbH"},
		},
		{
			"X=raw,CN=#1",
			[]string{`1.2.3=#0403726177,CN=\#1`, `1.2.3=#0403726177,CN="#1"`},
			[]string{`1.2.3=raw,CN=\#1`, `1.2.3=\#0403726177,CN=\#1`},
		},
	} {
		s, err := subjectOf(certificate(t, c.cert))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range c.same {
			if got, err := parseSubject(name); err != nil || got != s.canonical {
				t.Errorf("%s is %q, %v, want %q", name, got, err, s.canonical)
			}
		}
		for _, name := range c.other {
			if got, err := parseSubject(name); err == nil && got == s.canonical {
				t.Errorf("%s passes for %s", name, c.cert)
			}
		}
	}
}

func TestWrongSubjects(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "app", "CN", "=x", "CN=a,", "CN=a,,O=b", `CN="a`, `CN=a\`, `CN=a\x`, "CN=#zz", "CN=#0c05616263", "CN=#", "/CN=.*/", "CN=\xff", `CN=\ff`, `CN="a"b`, "CN=a<b", "C N=a"} {
		if got, err := parseSubject(name); err == nil {
			t.Errorf("%q was read as %q", name, got)
		}
	}
	for _, raw := range [][]byte{nil, {0x30}, {0x30, 0x00}, {0x30, 0x80}, {0x31, 0x00}, []byte("CN=app")} {
		if s, err := subjectOf(&x509.Certificate{RawSubject: raw}); err == nil {
			t.Errorf("%x is %q", raw, s.canonical)
		}
	}
}

func TestCommonName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"CN=a,O=b": "a", "CN=a,CN=b": "a", "O=b": "", "CN=a+UID=u,O=b": "", "CN=a+UID=u,CN=c": "c"} {
		s, err := subjectOf(certificate(t, name))
		if err != nil || s.commonName != want {
			t.Errorf("%s: %q, %v, want %q", name, s.commonName, err, want)
		}
	}
}

// FuzzSubject checks that the canonical form is its own, and that a certificate with any value
// is found by it.
func FuzzSubject(f *testing.F) {
	f.Add("CN=app, O=\"Acme, Inc.\"", "a,b")
	f.Add(`1.2.3=#0403726177,CN=\#1+UID=\20x`, " #;")
	f.Fuzz(func(t *testing.T, name, value string) {
		if first, err := parseSubject(name); err == nil {
			if again, err := parseSubject(first); err != nil || again != first {
				t.Errorf("%q became %q, %v", first, again, err)
			}
		}
		raw, err := asn1.Marshal(pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(value)}}}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := subjectOf(&x509.Certificate{RawSubject: raw})
		if err != nil {
			t.Fatal(hex.EncodeToString(raw), err)
		}
		if again, err := parseSubject(s.canonical); err != nil || again != s.canonical {
			t.Errorf("%q became %q, %v", s.canonical, again, err)
		}
	})
}

// TestSubjectsAsPrinted holds what Java's X500Principal.getName, Java's older X500Name.getName
// and `openssl x509 -subject -nameopt RFC2253` print for real certificates.
func TestSubjectsAsPrinted(t *testing.T) {
	t.Parallel()
	for path, printed := range map[string][]string{
		"testdata/subject1.pem": {
			`2.5.4.12=#0c04626f7373,2.5.4.5=#13023132,1.2.840.113549.1.9.1=#16056140622e63,CN=Müller+UID=u1,OU=\ dev\ ,O=Acme\, Inc. \"x\"\; \<y\>\#,C=DE`,
			`T=boss, SERIALNUMBER=12, EMAILADDRESS=a@b.c, CN=Müller + UID=u1, OU=" dev ", O="Acme, Inc. \"x\"; <y>#", C=DE`,
			`title=boss,serialNumber=12,emailAddress=a@b.c,UID=u1+CN=M\C3\BCller,OU=\ dev\ ,O=Acme\, Inc. \"x\"\; \<y\>#,C=DE`,
		},
		"testdata/subject2.pem": {
			`CN=\#a\=b,STREET=Weg 1,ST=Bavaria,DC=example,DC=com`,
			`CN="#a=b", STREET=Weg 1, ST=Bavaria, DC=example, DC=com`,
			`CN=\#a=b,street=Weg 1,ST=Bavaria,DC=example,DC=com`,
		},
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(data)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range printed {
			a := mustAuthority(t, Options{CertificatesFile: file(t, "certificates", "app="+strings.ReplaceAll(name, `\`, `\\`))})
			if p := mustLogin(t, a, Credentials{Certificates: []*x509.Certificate{cert}}); p.Name != "app" {
				t.Errorf("%s stands for %s", name, p.Name)
			}
		}
	}
}

// TestSubjectExpressions holds regular expressions against the form in which Java's X500Name
// writes subjects; what it writes was printed by a JDK.
func TestSubjectExpressions(t *testing.T) {
	t.Parallel()
	users := file(t, "certificates", strings.Join([]string{
		`exact=CN=a1, O=Acme`,
		`first=/CN=a\\d, O=Acme/`,
		`second=/CN=[a-z0-9]*, O=Acme/`,
		`quoted=/CN="x=y", O=.*/`,
		`mail=/(.*, )?EMAILADDRESS=[^,@]*@b\\.c, .*/`,
		`both=/CN=x \\+ UID=y/`,
		`other=/OID\\.1\\.2\\.3=#0403726177/`,
	}, "\n"))
	groups := file(t, "groups", "g=exact,first\nh=first")
	a := mustAuthority(t, Options{CertificatesFile: users, CertificateGroupsFile: groups, Users: []User{{Name: "first", Password: "p"}}})
	for name, want := range map[string]string{
		"CN=a1,O=Acme":      "exact [g]",
		"CN=a2,O=Acme":      "first [g h]",
		"CN=a22,O=Acme":     "second []",
		"CN=A2,O=Acme":      "refused",
		"CN=a2,O=Acme,C=DE": "refused", // the whole must match
		"OU=x,CN=a2,O=Acme": "refused",
		"E=a@b.c,CN=x":      "mail []",
		"E=a@b.c":           "refused",
		"CN=x+UID=y":        "both []",
		"X=raw":             "other []",
		"CN=x=y,O=b":        "quoted []",
	} {
		got := "refused"
		if p, err := a.Authenticate(t.Context(), Credentials{Certificates: []*x509.Certificate{certificate(t, name)}}); err == nil {
			got = p.Name + " [" + strings.Join(p.Groups, " ") + "]"
			if a.Valid(p) != true {
				t.Errorf("%s is not valid", name)
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if p := mustLogin(t, a, password("first", "p")); len(p.Groups) > 0 {
		t.Errorf("by password in %v", p.Groups)
	}
	for text, want := range map[string]string{`u=/CN=(/`: ":1: \"/CN=(/\" is not a regular expression", "u=//": "is not a distinguished name", "u=/CN=a)|(?:.*/": "is not a regular expression"} {
		if _, err := New(Options{CertificatesFile: file(t, "c", text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestJavaNames holds what Java's X500Name.getName prints.
func TestJavaNames(t *testing.T) {
	t.Parallel()
	one := func(oid asn1.ObjectIdentifier, value string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: oid, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(value)}}}
	}
	var types, values pkix.RDNSequence
	for _, oid := range []asn1.ObjectIdentifier{
		{2, 5, 4, 3}, {2, 5, 4, 6}, {2, 5, 4, 7}, {2, 5, 4, 8}, {2, 5, 4, 9}, {2, 5, 4, 10}, {2, 5, 4, 11}, {2, 5, 4, 12}, {2, 5, 4, 4},
		{2, 5, 4, 42}, {2, 5, 4, 43}, {2, 5, 4, 44}, {2, 5, 4, 46}, {2, 5, 4, 5}, {0, 9, 2342, 19200300, 100, 1, 25},
		{0, 9, 2342, 19200300, 100, 1, 1}, {1, 2, 840, 113549, 1, 9, 1}, {2, 5, 4, 13}, {1, 2, 3},
	} {
		types = append(types, one(oid, "v"))
	}
	for _, v := range []string{"a  b", "a b", " a", "a ", `"q"`, `"a\b"`, `a\b`, `a"b`, "a=b", "#a", "Müller", "a*b", "a\nb", "", `"`, "  "} {
		values = append(values, one(asn1.ObjectIdentifier{2, 5, 4, 3}, v))
	}
	for want, name := range map[string]pkix.RDNSequence{
		`OID.1.2.3=v, OID.2.5.4.13=v, EMAILADDRESS=v, UID=v, DC=v, SERIALNUMBER=v, DNQ=v, GENERATION=v, INITIALS=v, GIVENNAME=v, SURNAME=v, T=v, OU=v, O=v, STREET=v, ST=v, L=v, C=v, CN=v`: types,
		`CN="  ", CN="\"", CN=, CN="a` + "\n" + `b", CN=a*b, CN=Müller, CN="#a", CN="a=b", CN="a\"b", CN="a\\b", CN="a\\b", CN="q", CN="a ", CN=" a", CN=a b, CN="a  b"`:                    values,
	} {
		raw, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := subjectOf(&x509.Certificate{RawSubject: raw}); err != nil || s.java != want {
			t.Errorf("got %s, %v, want %s", s.java, err, want)
		}
	}
}
