package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/accounts"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"golang.org/x/crypto/bcrypt"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// result is what one command line did.
type result struct {
	code     sysexit.Code
	out, err string
}

// manifold runs a command line with in on standard input, away from any file of the directory
// that tests run in.
func manifold(t *testing.T, in string, env []string, args ...string) result {
	t.Helper()
	var out, err buffer
	a := &app{in: strings.NewReader(in), out: &out, err: &err, env: env, newBroker: newBroker, openStore: openStore}
	code := a.run(context.Background(), args)
	return result{code, out.String(), err.String()}
}

func (r result) want(t *testing.T, code sysexit.Code, out, err string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.err, err) {
		t.Errorf("got code %d\nout: %s\nerr: %s\nwant %d, %q, %q", r.code, r.out, r.err, code, out, err)
	}
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{"serv"}, `unknown command "serv" for "manifold"; did you mean serve?`},
		{[]string{"config", "chek"}, "did you mean check?"},
		{[]string{"serve", "now"}, "unknown command"},
		{[]string{"serve", "--limits-memroy", "1"}, "unknown flag: --limits-memroy"},
		{[]string{"serve", "--security-password", "x"}, "unknown flag"},
		{[]string{"send"}, "accepts between 1 and 2 arg(s)"},
		{[]string{"send", "http://h/queue/x", "body"}, "scheme"},
		{[]string{"send", "stomp://h/queue/x", "body", "--header", "x"}, "--header is name=value"},
		{[]string{"send", "stomp://h/queue/x", "body", "--file", "x"}, "not both"},
		{[]string{"send", "stomp://h/queue/x", "body", "--repeat", "0"}, "--repeat"},
		{[]string{"receive", "stomp://h/queue/x", "--ack", "never"}, "--ack is"},
		{[]string{"receive", "stomp://h/topic/x", "--durable"}, "needs all of"},
		{[]string{"receive", "stomp://h/topic/x", "--count", "-1"}, "--count"},
		{[]string{"receive", "mqtt://h/x", "--durable"}, "needs all of"},
		{[]string{"browse", "mqtt://h/x"}, "MQTT has no queues"},
		{[]string{"browse", "wss+mqtt://h/x"}, "MQTT has no queues"},
		{[]string{"config", "reference", "--format", "xml"}, "markdown or yaml"},
		{[]string{"user", "add", "a,b", "--file", "x"}, "comma"},
		{[]string{"user", "list"}, "no users file"},
		{[]string{"user", "hash", "--cost", "99"}, "--cost"},
	} {
		r := manifold(t, "", nil, c.args...)
		r.want(t, sysexit.Usage, "", c.err)
		if !strings.Contains(r.err, "--help' for usage") {
			t.Errorf("%v: no hint: %s", c.args, r.err)
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	manifold(t, "", nil, "version").want(t, sysexit.OK, "manifold ", "")
	var v map[string]string
	if r := manifold(t, "", nil, "version", "--json"); json.Unmarshal([]byte(r.out), &v) != nil || v["version"] == "" {
		t.Errorf("got %s", r.out)
	}
	manifold(t, "", nil).want(t, sysexit.OK, "Available Commands", "")
	manifold(t, "", nil, "user").want(t, sysexit.OK, "never", "")
	manifold(t, "", nil, "help", "exit-codes").want(t, sysexit.OK, "81  another process has the data directory open", "")
	manifold(t, "", nil, "serve", "--help").want(t, sysexit.OK, "--limits-send-fail-if-no-space", "")
	manifold(t, "", nil, "completion", "bash").want(t, sysexit.OK, "bash completion", "")
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	good, bad := file(t, "good.yaml", "limits: {memory: 2GiB}\n"), file(t, "bad.yaml", "limits:\n  memroy: 2GiB\n  store: 1gb\n")
	manifold(t, "", nil, "config", "check", good).want(t, sysexit.OK, good+": good", "")
	manifold(t, "", []string{"MANIFOLD_CONFIG=" + good}, "config", "check").want(t, sysexit.OK, good+": good", "")
	manifold(t, "", []string{"MANIFOLD_LIMITS_MEMROY=1"}, "config", "check", good).want(t, sysexit.OK, "good", "warning: MANIFOLD_LIMITS_MEMROY")
	r := manifold(t, "", nil, "config", "check", bad)
	r.want(t, sysexit.Config, "", bad+":2: limits.memroy: no such option; did you mean limits.memory?\n"+bad+":3: ")
	manifold(t, "", nil, "config", "check", bad+"x").want(t, sysexit.NoInput, "", "no such file")

	r = manifold(t, "", nil, "config", "check", "--json", bad)
	var report struct {
		Problems config.Problems
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || len(report.Problems) != 2 || r.code != sysexit.Config {
		t.Errorf("got %+v, %v, code %d", report, err, r.code)
	}
	manifold(t, "", nil, "config", "check", "--json", good).want(t, sysexit.OK, `"problems": []`, "")
}

func TestConfigShow(t *testing.T) {
	t.Parallel()
	name := file(t, "c.yaml", "limits: {memory: 2GiB}\nstore: {path: elsewhere}\n")
	env := []string{"MANIFOLD_CONFIG=" + name, "MANIFOLD_SECURITY_USERNAME=app", "MANIFOLD_SECURITY_PASSWORD=s3cret"}
	r := manifold(t, "", env, "config", "show", "--changed", "--log-level=debug", "--data", "/d")
	want := [][]string{
		{"store.path", "/d", "--store-path"},
		{"limits.memory", "2GiB", name + ":1"},
		{"security.username", "app", "MANIFOLD_SECURITY_USERNAME"},
		{"security.password", config.Mask, "MANIFOLD_SECURITY_PASSWORD"},
		{"log.level", "debug", "--log-level"},
	}
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got %s", r.out)
	}
	for i, line := range lines {
		if strings.Join(strings.Fields(line), " ") != strings.Join(want[i], " ") {
			t.Errorf("got %q, want %q", line, want[i])
		}
	}
	r = manifold(t, "", env, "config", "show", "--json")
	var all []config.Setting
	if err := json.Unmarshal([]byte(r.out), &all); err != nil || len(all) < 50 || strings.Contains(r.out, "s3cret") {
		t.Errorf("got %d settings, %v", len(all), err)
	}
}

func TestConfigReference(t *testing.T) {
	t.Parallel()
	manifold(t, "", nil, "config", "reference").want(t, sysexit.OK, "### limits.memory", "")
	manifold(t, "", nil, "config", "reference", "--format", "yaml").want(t, sysexit.OK, "  #memory: 1GiB", "")
}

func TestUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	users, groups := filepath.Join(dir, "users"), filepath.Join(dir, "groups")
	at := []string{"--file", users, "--groups-file", groups}
	run := func(in string, args ...string) result {
		return manifold(t, in, nil, append(append([]string{"user"}, args...), at...)...)
	}
	r := run("s3cret\n", "add", "app", "--groups", "apps,all", "--cost", "4")
	r.want(t, sysexit.OK, "", "")
	if r.out+r.err != "" {
		t.Errorf("printed %q %q", r.out, r.err)
	}
	run("other", "add", "ops", "--groups", "all", "--cost", "4").want(t, sysexit.OK, "", "")
	all, err := accounts.Read(users, groups)
	if err != nil || len(all) != 2 || strings.Join(all[0].Groups, ",") != "apps,all" {
		t.Fatalf("got %v, %v", all, err)
	}
	if bcrypt.CompareHashAndPassword([]byte(all[0].Password), []byte("s3cret")) != nil {
		t.Error("another password was stored")
	}
	run("", "list").want(t, sysexit.OK, "app   apps,all  hashed", "")
	run("", "list", "--json").want(t, sysexit.OK, `"name": "ops"`, "")
	run("", "add", "app").want(t, sysexit.Data, "", "no password")
	run("\n", "add", "app").want(t, sysexit.Data, "", "empty")
	run("", "remove", "nobody").want(t, sysexit.Data, "", `has no user "nobody"`)
	run("", "remove", "app").want(t, sysexit.OK, "", "")
	if all, _ = accounts.Read(users, groups); len(all) != 1 || all[0].Name != "ops" {
		t.Errorf("after removing: %v", all)
	}
	if text, _ := os.ReadFile(groups); strings.Contains(string(text), "app,") {
		t.Errorf("still in a group: %s", text)
	}
	for _, f := range []string{users, groups} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	r = manifold(t, "s3cret\n", nil, "user", "hash", "--cost", "4")
	if !config.IsHash(strings.TrimSpace(r.out)) {
		t.Errorf("got %q", r.out)
	}
	named := file(t, "c.yaml", "security: {users_file: '"+users+"'}\n")
	manifold(t, "", nil, "user", "list", "--config", named).want(t, sysexit.OK, "ops", "")
	manifold(t, "x", nil, "user", "add", "a", "--groups", "g", "--config", named).want(t, sysexit.Usage, "", "no groups file")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := `destinations:
  policies:
    - {match: "queue://orders.>", dead_letter: {prefix: "DLQ."}, redelivery: {maximum: 9}}
    - {match: "queue://>", redelivery: {maximum: 3, delay: 5s}}
  composites:
    - {match: "queue://orders.eu", to: [{destination: "queue://billing", selector: "a = 1"}]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := manifold(t, "", nil, "explain", "queue", "orders.eu", "--changed", "--config", file)
	for _, want := range []string{
		"dead_letter.individual  true  queue://orders.> at its dead_letter.prefix\n",
		"dead_letter.prefix      DLQ.  queue://orders.> at " + file + ":3\n",
		"redelivery.maximum      9     queue://orders.> at " + file + ":3\n",
		"redelivery.delay        5s    queue://> at " + file + ":4\n",
		"What is sent here goes to queue://billing if a = 1, and stays nowhere else (composite queue://orders.eu).\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no line %q in\n%s", want, r.out)
		}
	}
	manifold(t, "", nil, "explain", "topic", "T", "--changed", "--config", file).want(t, sysexit.OK, "", "")
	manifold(t, "", nil, "explain", "thing", "T").want(t, sysexit.Usage, "", "a destination is a queue or a topic")
}
