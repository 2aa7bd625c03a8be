package config

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestEachOptionIsComplete(t *testing.T) {
	t.Parallel()
	paths, flags, vars := map[string]bool{}, map[string]bool{}, map[string]bool{}
	unique := func(kind string, seen map[string]bool, name string) {
		if seen[name] {
			t.Errorf("%s %q stands twice in the table", kind, name)
		}
		seen[name] = name != ""
	}
	for _, o := range Options() {
		unique("path", paths, o.Path)
		unique("flag", flags, o.Flag())
		unique("variable", vars, o.Env())
		if section, _, _ := strings.Cut(o.Path, "."); sectionHelp(section) == "" {
			t.Errorf("%s: its section has no help", o.Path)
		}
		checkOption(t, o, o.Path)
		fields := map[string]bool{}
		for _, f := range o.Fields {
			unique("field", fields, f.Path)
			checkOption(t, f, o.Path+"."+f.Path)
		}
	}
}

// checkOption asks that the default is valid and written as the option itself writes it.
func checkOption(t *testing.T, o Option, path string) {
	t.Helper()
	if !regexp.MustCompile(`^[a-z][a-z_.]*[a-z]$`).MatchString(o.Path) {
		t.Errorf("%s: not a name for a file, a flag and a variable", path)
	}
	if !strings.HasSuffix(o.Help, ".") || strings.Contains(o.Help, "\n") {
		t.Errorf("%s: help %q is not one line of sentences", path, o.Help)
	}
	v := o.blank()
	switch {
	case o.Required || v.kind == List:
		return
	case v.kind == Texts:
		if err := v.set(strings.Trim(o.Default, "[]")); err != nil {
			t.Errorf("%s: default: %v", path, err)
		}
	case o.Secret && o.Default == "":
		return
	default:
		if err := v.set(o.Default); err != nil {
			t.Errorf("%s: default: %v", path, err)
		}
	}
	if got := v.get(); got != o.Default {
		t.Errorf("%s: default %q is written %q by the program", path, o.Default, got)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	l, err := Parse("none", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Config.Listeners) != 5 || l.Config.Listeners[0].TLS.ClientAuth != "none" {
		t.Errorf("default listeners: %+v", l.Config.Listeners)
	}
	if !reflect.DeepEqual(l.Config, Default()) {
		t.Error("Parse of nothing and Default differ")
	}
	p := reflect.ValueOf(DefaultPolicy())
	for _, part := range []reflect.Value{p, p.FieldByName("DeadLetter"), p.FieldByName("Redelivery"), p.FieldByName("Prefetch"), p.FieldByName("Limits")} {
		for i := range part.NumField() {
			if f := part.Field(i); f.Kind() == reflect.Pointer && f.IsNil() {
				t.Errorf("default policy: %s is nil", part.Type().Field(i).Name)
			}
		}
	}
}

// The table is the only place where a field gets its value, so each field must be in it.
func TestEachFieldHasAnOption(t *testing.T) {
	t.Parallel()
	var c Config
	for _, o := range Options() {
		v := o.at(&c)
		if v.kind == List {
			continue
		}
		before := c
		text := map[Kind]string{Text: "x", Texts: "x", Bool: "true", Int: "7", Number: "7", Bytes: "7GiB", Duration: "7s"}[v.kind]
		if v.kind == Choice {
			text = v.choices[len(v.choices)-1]
		}
		if strings.HasSuffix(o.Path, ".address") {
			text = "localhost:7"
		}
		if o.Path == "destinations.create" {
			text = "queue://x"
		}
		if err := v.set(text); err != nil {
			t.Errorf("%s: %v", o.Path, err)
		}
		if reflect.DeepEqual(before, c) {
			t.Errorf("%s: writes to no field that no other option writes", o.Path)
		}
	}
	var walk func(v reflect.Value, name string)
	walk = func(v reflect.Value, name string) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(v.Field(i), name+"."+v.Type().Field(i).Name)
			}
			return
		}
		if v.Kind() != reflect.Slice && v.IsZero() {
			t.Errorf("Config%s: no option sets it", name)
		}
	}
	walk(reflect.ValueOf(c), "")
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	var page, sample bytes.Buffer
	if err := WriteReference(&page); err != nil {
		t.Fatal(err)
	}
	if err := WriteSample(&sample); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"../../../docs/configuration.md": page.String(),
		"../../../config.yaml":           sample.String(),
	} {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is out of date: run go generate ./cmd/manifold/config", file)
		}
	}
}

func TestSampleIsTheDefaultAlsoUncommented(t *testing.T) {
	t.Parallel()
	var sample bytes.Buffer
	if err := WriteSample(&sample); err != nil {
		t.Fatal(err)
	}
	uncommented := regexp.MustCompile(`(?m)^( *)#( {2}- |[a-z_]+:)`).ReplaceAll(sample.Bytes(), []byte("$1$2"))
	if bytes.Equal(uncommented, sample.Bytes()) {
		t.Fatal("nothing to uncomment")
	}
	for name, text := range map[string][]byte{"as it is": sample.Bytes(), "uncommented": uncommented} {
		l, err := Parse(name, text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		want := Default()
		if !reflect.DeepEqual(l.Config, want) {
			for _, c := range Diff(want, l.Config) {
				t.Errorf("%s: %s", name, c)
			}
			if len(Diff(want, l.Config)) == 0 {
				t.Errorf("%s: differs from the default", name)
			}
		}
	}
}
