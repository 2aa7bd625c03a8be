package accounts

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, key, value string }{
		{"system=manager", "system", "manager"},
		{"  system = manager ", "system", "manager "},
		{"system:manager\r\n", "system", "manager"},
		{"system manager\n", "system", "manager"},
		{`a\ b=c\=d`, "a b", "c=d"},
		{`a=b=c:d`, "a", "b=c:d"},
		{"a=b\\\n   c", "a", "bc"},
		{"a=b\\\\\nc=d", "a", `b\`},
		{`caf\u00e9=\u0041`, "café", "A"},
		{"a", "a", ""},
		{`a=\t\q`, "a", "\tq"},
		{"# remark\n! another\n\na=$2a$10$abc/.", "a", "$2a$10$abc/."},
	} {
		f, err := parseFile("f", c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got, ok := f.Get(c.key); !ok || got != c.value {
			t.Errorf("%q: got %q of %q, want %q", c.text, got, f.Names(), c.value)
		}
		if f.String() != c.text {
			t.Errorf("%q was changed to %q", c.text, f.String())
		}
	}
	for text, want := range map[string]string{
		"a=1\nb=2\na=3\n": `f: line 3: "a" is given twice; first in line 1`,
		"# x\na=\\u12":    "f: line 2: \\u needs four hexadecimal digits",
		"a=\\uzzzz":       "f: line 1: \\u needs four hexadecimal digits",
	} {
		if _, err := parseFile("f", text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestEditingKeepsTheRest(t *testing.T) {
	t.Parallel()
	f, err := parseFile("f", "# users\nadmin = x\n\nguest:y")
	if err != nil {
		t.Fatal(err)
	}
	f.Set("admin", "z")
	f.Set("new one", "p=q")
	const want = "# users\nadmin=z\n\nguest:y\nnew\\ one=p=q\n"
	if f.String() != want {
		t.Errorf("got %q, want %q", f.String(), want)
	}
	if !f.Remove("guest") || f.Remove("guest") || len(f.Names()) != 2 {
		t.Errorf("after removing: %q", f.String())
	}
}

func TestUsersAndGroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	usersFile, groupsFile := filepath.Join(dir, "users.properties"), filepath.Join(dir, "groups.properties")
	if all, err := Read(usersFile, groupsFile); err != nil || len(all) != 0 {
		t.Fatalf("absent files: %v, %v", all, err)
	}
	users, _ := Open(usersFile)
	groups, _ := Open(groupsFile)
	users.Set("a", "1")
	users.Set("b", "2")
	groups.SetGroups("a", []string{"admins", "users"})
	groups.SetGroups("b", []string{"users"})
	groups.SetGroups("a", []string{"users", "others"})
	for _, f := range []*File{users, groups} {
		if err := f.Save(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(usersFile, groupsFile)
	want := []User{{"a", "1", []string{"users", "others"}}, {"b", "2", []string{"users"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	info, err := os.Stat(usersFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := (&File{path: filepath.Join(dir, "no", "file")}).Save(); err == nil {
		t.Error("saved into a directory that does not exist")
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash, err := Hash("secret", MinCost)
	if err != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte("secret")) != nil {
		t.Errorf("got %q, %v", hash, err)
	}
	for _, password := range []string{"", strings.Repeat("x", 73)} {
		if _, err := Hash(password, MinCost); err == nil {
			t.Errorf("a password of %d bytes was hashed", len(password))
		}
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"app": true, "CN=app": true, "a b": true, "": false, " a": false, "a,b": false, "a\n": false, "a\x00b": false} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzProperties(f *testing.F) {
	f.Add("a=b\n", "k", "v")
	f.Add("# x\na\\\n b : c\\u0041", " k=:", " v\n\\")
	f.Fuzz(func(t *testing.T, text, key, value string) {
		file, err := parseFile("f", text)
		if err != nil {
			return
		}
		if file.String() != text {
			t.Fatalf("%q reads back as %q", text, file.String())
		}
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?")
		if key == "" {
			return
		}
		alone := &File{}
		alone.Set(key, value)
		again, err := parseFile("f", alone.String())
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := again.Get(key); !ok || got != value {
			t.Fatalf("%q=%q is written %q and reads as %q", key, value, alone.String(), got)
		}
	})
}
