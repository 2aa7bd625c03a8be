package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAllProblemsOfAFileAreReported(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/errors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("errors.yaml", text)
	if _, ok := ProblemsOf(err); !ok {
		t.Fatalf("got %v", err)
	}
	const golden = "testdata/errors.golden"
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if strings.Contains(got, `"secret"`) {
		t.Error("a password is in the message")
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	hash := "'$2a$10$" + strings.Repeat("x", 53) + "'"
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "broker:\n  name: [", "c.yaml:2: not valid YAML: "},
		{"tab", "broker:\n\tname: x", "c.yaml:2: not valid YAML: "},
		{"two documents", "log:\n---\nlog:\n", "a second document"},
		{"not a mapping", "- 1", "c.yaml:1: expected options (name: value), found a list"},
		{"text", "hello", `c.yaml:1: expected options (name: value), found "hello"`},
		{"unknown at the top", "lisetners: []", "c.yaml:1: lisetners: no such option; did you mean listeners?"},
		{"other spelling", "broker: {drainTimeout: 3s}", "broker.drainTimeout: no such option; did you mean broker.drain_timeout?"},
		{"merge key", "a: &a {}\nlog:\n  <<: *a\n", "log.<<: no such option"},
		{"no listener", "listeners: []", "c.yaml:1: listeners: names no listener"},
		{"same listener name", "listeners: [{name: a, address: '127.0.0.1:0'}, {name: a, address: '127.0.0.1:0'}]", `listeners[1].name: "a" is also the name of listeners[0]`},
		{"same listener address", "listeners: [{name: a, address: '127.0.0.1:1'}, {name: b, address: '127.0.0.1:1'}]", `listeners[1].address: "127.0.0.1:1" is also the address of listeners[0]`},
		{"no broker's URL", "listeners: [{name: a, address: '127.0.0.1:1', connected_brokers: ['tcp://a:1', 'b:2']}]", `"b:2" is no broker's URL`},
		{"a broker's URL without a port", "listeners: [{name: a, address: '127.0.0.1:1', connected_brokers: ['tcp://a']}]", `"tcp://a" is no broker's URL`},
		{"no protocol", "listeners: [{name: a, address: '127.0.0.1:1', protocols: []}]", "listeners[0].protocols: names no protocol"},
		{"tls without key", "listeners: [{name: a, address: '127.0.0.1:1', tls: {certificate: c.pem}}]", "listeners[0].tls.certificate: has no key"},
		{"tls without certificate", "listeners: [{name: a, address: '127.0.0.1:1', tls: {key: c.pem}}]", "listeners[0].tls: has no certificate"},
		{"tls without authorities", "listeners: [{name: a, address: '127.0.0.1:1', tls: {certificate: c, key: k, client_auth: required}}]", "tls.client_auth: required needs tls.client_ca"},
		{"open to the world", "listeners: [{name: a, address: '0.0.0.0:61613'}]", "c.yaml:1: listeners[0].address: 0.0.0.0:61613 is open to other machines"},
		{"open to the world by name", "listeners: [{name: a, address: 'example.com:61613'}]", "is open to other machines"},
		{"open over HTTP", "http: {address: '[::]:8161'}", "c.yaml:1: http.address: [::]:8161 is open to other machines"},
		{"administrator without password", "http: {username: web}", "http.username: has no password"},
		{"administrator's password in clear", "http: {username: web, password: web}", "http.password: "},
		{"user without password", "security: {username: app}", "security.username: has no password"},
		{"password without user", "security: {password: " + hash + "}", "security.password: belongs to no user"},
		{"password in clear", "security: {username: app, password: clear}", "security.password: is not a bcrypt hash; run `manifold user hash`"},
		{"same user", "security: {users: [{name: a, password: " + hash + "}, {name: a, password: " + hash + "}]}", `security.users[1].name: "a" is also the name of security.users[0]`},
		{"frame over memory", "limits: {memory: 64MiB}", "limits.frame: 100MiB is more than limits.memory (64MiB)"},
		{"no handshake", "limits: {handshake: 0s}", "limits.handshake: 0s leaves no time"},
		{"no interval", "store: {sync: interval, sync_interval: 0s}", "store.sync_interval: 0s is no interval"},
		{"too large", strings.Repeat("#", maxFile+1), "c.yaml: larger than 8MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("c.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestParseAFullFile(t *testing.T) {
	t.Parallel()
	l, err := Parse("c.yaml", []byte(`
broker: {name: yes, drain_timeout: 1m30s}
listeners:
  - {name: all, address: "0.0.0.0:61616"}
  - name: stomp+tls
    address: "[::1]:0"
    protocols: [stomp]
    tls: {certificate: c.pem, key: k.pem, client_ca: ca.pem, client_auth: optional}
    proxy_protocol: required
    trusted_proxies: [10.0.0.0/8, "::1"]
    max_connections: 5
http: {address: ""}
store: {engine: memory, memtable: 16MiB}
limits:
  memory: 2GB
security:
  anonymous: true
  permissions: [{match: "temp-queue://>", read: ["*"]}]
destinations:
  policies:
    - {match: "queue://>", dead_letter: {prefix: "DLQ."}, redelivery: {maximum: -1}, prioritized: false}
stomp: {heartbeat: {grace: 1.5}}
log:
`))
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.Broker.Name != "yes" || c.Broker.DrainTimeout.String() != "1m30s" || c.Limits.Memory != 2e9 || c.STOMP.Heartbeat.Grace != 1.5 {
		t.Errorf("got %+v", c)
	}
	if len(c.Listeners) != 2 || c.Listeners[0].Protocols[0] != "auto" || c.Listeners[0].TLS.Enabled() || c.Listeners[0].ProxyProtocol != "off" {
		t.Errorf("first listener: %+v", c.Listeners)
	}
	if s := c.Listeners[1]; !s.TLS.Enabled() || s.TLS.MinVersion != "1.2" || len(s.TrustedProxies) != 2 || s.MaxConnections != 5 {
		t.Errorf("second listener: %+v", s)
	}
	p := c.Destinations.Policies[0]
	if *p.DeadLetter.Prefix != "DLQ." || *p.Redelivery.Maximum != -1 || *p.Prioritized || p.DeadLetter.Queue != nil || p.ExpirePeriod != nil {
		t.Errorf("policy: %+v", p)
	}
	if !c.Security.Open() || c.Security.Authenticates() {
		t.Errorf("security: %+v", c.Security)
	}
	for path, want := range map[string]string{
		"limits.memory": "c.yaml:15", "listeners[1].tls.key": "c.yaml:8", "limits.store": "default",
		"destinations.policies[0].redelivery.maximum": "c.yaml:21",
	} {
		if got := l.Origins[path].String(); got != want {
			t.Errorf("origin of %s: got %s, want %s", path, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/errors.yaml", "../../../config.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("limits: {memory: 1GiB, ? x : y}\n--- 1"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Parse("c.yaml", text)
		if err != nil {
			if ps, ok := ProblemsOf(err); !ok || len(ps) == 0 {
				t.Fatalf("not a list of problems: %v", err)
			}
			return
		}
		if changes := Diff(l.Config, l.Config); len(changes) > 0 {
			t.Fatalf("differs from itself: %v", changes)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"0", "1", "64MiB", "10MB", "9223372036854775807", "8388608TiB", "1 GiB", "1gb", "-1", "1.5GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseSize(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("%q is %d", text, n)
		}
		if again, err := ParseSize(n.String()); err != nil || again != n {
			t.Fatalf("%q -> %d -> %s -> %d, %v", text, n, n, again, err)
		}
	})
}
