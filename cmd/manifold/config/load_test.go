package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "limits:\n  memory: 2GiB\n  store: 2GiB\n  temp: 2GiB\n")
	l, err := Load(Sources{
		File:  file,
		Env:   []string{"MANIFOLD_LIMITS_STORE=3GiB", "MANIFOLD_LIMITS_TEMP=3GiB", "MANIFOLD_BROKER_NAME=", "PATH=/bin"},
		Flags: map[string]string{"limits.temp": "4GiB"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Warnings) > 0 {
		t.Errorf("warnings: %v", l.Warnings)
	}
	for _, want := range []struct {
		path, value, origin string
		got                 Size
	}{
		{"limits.frame", "100MiB", "default", l.Config.Limits.Frame},
		{"limits.memory", "2GiB", file + ":2", l.Config.Limits.Memory},
		{"limits.store", "3GiB", "MANIFOLD_LIMITS_STORE", l.Config.Limits.Store},
		{"limits.temp", "4GiB", "--limits-temp", l.Config.Limits.Temp},
	} {
		if want.got.String() != want.value || l.Origins[want.path].String() != want.origin {
			t.Errorf("%s: %s from %s, want %s from %s", want.path, want.got, l.Origins[want.path], want.value, want.origin)
		}
	}
	found := false
	for _, s := range l.Settings() {
		if s.Path == "limits.temp" {
			found = s.Value == "4GiB" && s.Origin == "--limits-temp"
		}
	}
	if !found {
		t.Error("Settings does not show the flag's value")
	}
}

func TestBadVariablesAndFlags(t *testing.T) {
	t.Parallel()
	_, err := Load(Sources{
		Env:   []string{"MANIFOLD_LIMITS_STORE=3", "MANIFOLD_LIMITS_MEMORY=3mb"},
		Flags: map[string]string{"log.level": "inof"},
	})
	const want = `MANIFOLD_LIMITS_MEMORY: limits.memory: "3mb" has an unknown unit; did you mean 3MiB?
--log-level: log.level: "inof" is not one of debug, info, warn, error; did you mean info?`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	l, err := Load(Sources{Env: []string{
		"MANIFOLD_LIMITS_MEMROY=1GiB", "MANIFOLD_PORT_61616_TCP=tcp://10.0.0.1:61616", "MANIFOLD_SERVICE_HOST=x",
		"MANIFOLD_CONFIG=x", "ACTIVEMQ_OTHER=x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "did you mean MANIFOLD_LIMITS_MEMORY?") {
		t.Errorf("got %q", l.Warnings)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	file := write(t, "password", "s3cret\n")
	for _, c := range []struct {
		name string
		env  []string
		want string
		from string
	}{
		{"variable", []string{"MANIFOLD_SECURITY_USERNAME=app", "MANIFOLD_SECURITY_PASSWORD=p"}, "p", "MANIFOLD_SECURITY_PASSWORD"},
		{"file", []string{"MANIFOLD_SECURITY_USERNAME=app", "MANIFOLD_SECURITY_PASSWORD_FILE=" + file}, "s3cret", "MANIFOLD_SECURITY_PASSWORD_FILE"},
		{"alias", []string{"ACTIVEMQ_CONNECTION_USER=app", "ACTIVEMQ_CONNECTION_PASSWORD=p"}, "p", "ACTIVEMQ_CONNECTION_PASSWORD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := Load(Sources{Env: c.env})
			if err != nil {
				t.Fatal(err)
			}
			s := l.Config.Security
			if s.Username != "app" || string(s.Password) != c.want || s.Open() {
				t.Errorf("got %q %q", s.Username, string(s.Password))
			}
			if got := l.Origins["security.password"].String(); got != c.from {
				t.Errorf("origin %s, want %s", got, c.from)
			}
			if s.Password.String() != Mask {
				t.Error("a secret formats as itself")
			}
			for _, setting := range l.Settings() {
				if setting.Path == "security.password" && setting.Value != Mask {
					t.Errorf("shown: %q", setting.Value)
				}
			}
		})
	}
	_, err := Load(Sources{Env: []string{"MANIFOLD_SECURITY_USERNAME=app", "MANIFOLD_SECURITY_PASSWORD_FILE=" + file + "x"}})
	if err == nil || !strings.Contains(err.Error(), "MANIFOLD_SECURITY_PASSWORD_FILE: security.password: open ") {
		t.Errorf("missing file: %v", err)
	}
}

func TestFindFile(t *testing.T) {
	t.Parallel()
	with, without := filepath.Dir(write(t, DefaultFile, "")), t.TempDir()
	for _, c := range []struct {
		named, dir, want string
		env              []string
	}{
		{"a.yaml", with, "a.yaml", []string{"MANIFOLD_CONFIG=b.yaml"}},
		{"", with, "b.yaml", []string{"MANIFOLD_CONFIG=b.yaml"}},
		{"", with, filepath.Join(with, DefaultFile), nil},
		{"", without, "", nil},
	} {
		if got := FindFile(c.named, c.env, c.dir); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if _, err := Load(Sources{File: filepath.Join(without, "gone.yaml")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	hash := "$2a$10$" + strings.Repeat("x", 53)
	parse := func(text string) *Config {
		l, err := Parse("c.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return l.Config
	}
	before := parse("limits: {memory: 2GiB}\nsecurity: {users: [{name: a, password: " + hash + "}]}")
	after := parse("broker: {name: other}\nsecurity: {users: [{name: a, password: " + hash[:59] + "y, groups: [g]}, {name: b, password: " + hash + "}]}")
	want := []string{
		"broker.name: localhost -> other (after a restart)",
		"limits.memory: 2GiB -> 1GiB (after a restart)",
		"security.users[0].password: ******** -> ********",
		"security.users[0].groups: [] -> [g]",
		"security.users[1].name: (none) -> b",
		"security.users[1].password: (none) -> ********",
		"security.users[1].groups: (none) -> []",
	}
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0s", "30s": "30s", "90m": "1h30m", "24h": "24h", "7d": "168h", "1h0m5s": "1h0m5s", "100ms": "100ms",
	} {
		if d, err := parseDuration(text); err != nil || formatDuration(d) != want {
			t.Errorf("%s: got %s, %v; want %s", text, formatDuration(d), err, want)
		}
	}
	for _, text := range []string{"", "d", "5", "-5s", "5 s", "1e3d", "9999999999d"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %s", text, d)
		}
	}
}
