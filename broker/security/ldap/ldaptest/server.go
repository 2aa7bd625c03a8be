package ldaptest

import (
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Names and passwords in the directory.
const (
	Suffix          = "dc=example,dc=org"
	ServiceUser     = "cn=broker,ou=services," + Suffix
	ServicePassword = "service secret"
	UserBase        = "ou=people," + Suffix
	RoleBase        = "ou=groups," + Suffix
	Destinations    = "ou=Destination,ou=ActiveMQ," + Suffix
	AlicePassword   = "alice's secret" // of alice, in admins
	BobPassword     = "bob's secret"   // of bob, in users
	CarolPassword   = "carol's secret" // of carol, in no group of the first level
)

const (
	rootUser     = "cn=root," + Suffix
	rootPassword = "root secret"
)

//go:embed directory.ldif
var directory []byte

// Server is a slapd that runs until its test ends.
type Server struct {
	URL string // ldap://127.0.0.1:port, which also offers StartTLS
	TLS string // ldaps://127.0.0.1:port
	CA  string // PEM file that the server's certificate is checked against

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	log  bytes.Buffer
}

// find finds a program: Debian has slapd where not everybody's PATH leads.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", name))
}

// Start starts a directory. Without slapd the test is skipped, or fails where foreign programs
// are required.
func Start(t testing.TB) *Server {
	t.Helper()
	for _, name := range []string{"slapd", "slapadd", "ldapmodify"} {
		if _, err := find(name); err != nil {
			if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
				t.Fatalf("%s is required: %v", name, err)
			}
			t.Skipf("%s is not installed; .ci/foreign/install.sh does that", name)
		}
	}
	s := &Server{t: t, dir: t.TempDir()}
	s.CA = filepath.Join(s.dir, "ca.pem")
	if err := writeCertificates(s.dir); err != nil {
		t.Fatal(err)
	}
	s.write("directory.ldif", directory)
	s.write("slapd.conf", s.config())
	if err := os.Mkdir(filepath.Join(s.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.run("slapadd", "-q", "-f", s.path("slapd.conf"), "-l", s.path("directory.ldif"))
	t.Cleanup(s.Stop)
	for range attempts {
		ports := freePorts(t, 2)
		s.URL, s.TLS = "ldap://127.0.0.1:"+ports[0], "ldaps://127.0.0.1:"+ports[1]
		if s.begin() {
			return s
		}
	}
	t.Fatalf("slapd ends: %s", &s.log)
	return nil
}

// attempts is how often slapd is started: somebody else may take a port that was free a moment ago.
const attempts = 5

// config is slapd's configuration: nobody but the service account sees anything.
func (s *Server) config() []byte {
	schema := "/etc/ldap/schema"
	return fmt.Appendf(nil, `include %[1]s/core.schema
include %[1]s/cosine.schema
include %[1]s/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile %[2]s/ca.pem
TLSCertificateFile %[2]s/server.pem
TLSCertificateKeyFile %[2]s/server.key
database mdb
suffix "%[3]s"
rootdn "%[4]s"
rootpw "%[5]s"
directory %[2]s/db
maxsize 16777216
sizelimit size.soft=500 size.prtotal=unlimited
index objectClass,uid,member eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="%[6]s" read by * none
`, schema, s.dir, Suffix, rootUser, rootPassword, ServiceUser)
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) write(name string, text []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a program to its end.
func (s *Server) run(name string, args ...string) {
	s.t.Helper()
	path, err := find(name)
	if err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Run starts the server again after [Server.Stop], at the same addresses.
func (s *Server) Run() {
	s.t.Helper()
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	for range attempts {
		if s.begin() {
			return
		}
		<-pause.C
	}
	s.t.Fatalf("slapd ends: %s", &s.log)
}

// begin starts the process, and returns true when it accepts connections or false when it has ended.
func (s *Server) begin() bool {
	s.t.Helper()
	path, err := find("slapd")
	if err != nil {
		s.t.Fatal(err)
	}
	s.log.Reset()
	s.cmd = exec.Command(path, "-d", "0", "-f", s.path("slapd.conf"), "-h", s.URL+"/ "+s.TLS+"/")
	s.cmd.Stderr, s.cmd.Stdout = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			s.cmd = nil
			return false
		case <-deadline:
			s.t.Fatal("slapd does not come up")
		case <-tick.C:
		}
		if c, err := net.Dial("tcp", strings.TrimPrefix(s.TLS, "ldaps://")); err == nil {
			_ = c.Close()
			return true
		}
	}
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	s.cmd = nil
}

// Pause lets the server hang: its connections stay, and nothing is answered until [Server.Resume].
func (s *Server) Pause() { s.signal(true) }

// Resume ends a [Server.Pause].
func (s *Server) Resume() { s.signal(false) }

// Change applies changes in LDIF, as ldapmodify takes them.
func (s *Server) Change(ldif string) {
	s.t.Helper()
	s.write("change.ldif", []byte(ldif))
	s.run("ldapmodify", "-x", "-H", s.URL, "-D", rootUser, "-w", rootPassword, "-f", s.path("change.ldif"))
}

// freePorts returns ports that were free a moment ago.
func freePorts(t testing.TB, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}
