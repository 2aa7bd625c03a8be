package manifold_test

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoInit refuses functions that run by being imported: what a program does begins in main.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.at(f.Pos()))
			}
		}
	}
}

// TestNoSleep refuses tests that wait for a time instead of a condition: they are slow where they
// work and fail where the machine is busy.
func TestNoSleep(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		name := s.name("time")
		if name == "" || !s.test && !s.kit() {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if e, ok := n.(*ast.SelectorExpr); ok && e.Sel.Name == "Sleep" {
				if x, ok := e.X.(*ast.Ident); ok && x.Name == name {
					t.Errorf("%s: time.Sleep in a test", s.at(e.Pos()))
				}
			}
			return true
		})
	}
}

// TestNoPanic refuses panic outside of functions whose name says that they may: must and Must.
func TestNoPanic(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(strings.ToLower(f.Name.Name), "must") {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					if f, ok := c.Fun.(*ast.Ident); ok && f.Name == "panic" {
						t.Errorf("%s: panic outside of a must function", s.at(c.Pos()))
					}
				}
				return true
			})
		}
	}
}

// TestNoGlobalState refuses variables of packages that change by being used: locks, counters,
// channels, single runs. Pools of buffers are not state that anybody can see.
func TestNoGlobalState(t *testing.T) {
	t.Parallel()
	stateful := map[string][]string{
		"sync":        {"Mutex", "RWMutex", "Once", "WaitGroup", "Map", "Cond"},
		"sync/atomic": {"Bool", "Int32", "Int64", "Uint32", "Uint64", "Uintptr", "Pointer", "Value"},
	}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.syntax.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, spec := range decl.Specs {
				ast.Inspect(spec, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.FuncLit:
						return false // its own variables are not the package's
					case *ast.ChanType:
						t.Errorf("%s: a channel as a variable of the package", s.at(n.Pos()))
					case *ast.SelectorExpr:
						x, ok := n.X.(*ast.Ident)
						for imported, types := range stateful {
							if ok && x.Name == s.name(imported) && slices.Contains(types, n.Sel.Name) {
								t.Errorf("%s: %s.%s as a variable of the package", s.at(n.Pos()), x.Name, n.Sel.Name)
							}
						}
					}
					return true
				})
			}
		}
	}
}

// TestUnsafe lists who goes around the type system, and why.
func TestUnsafe(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{
		"broker/message":          "strings of a message are views of its bytes, which never change: no copy per field",
		"protocols/amqp/mapping":  "strings of a message are views of its bytes, which never change: no copy per field",
		"protocols/openwire":      "fields of a message are strings in its block, which never changes",
		"protocols/openwire/wire": "texts of a frame are strings without a copy, for as long as the frame lives",
		"protocols/mqtt":          "topics, properties and payloads become strings of the message without a copy; its bytes never change",
		"protocols/stomp":         "header values become strings of the message without a copy; its bytes never change",
	}
	used := make(map[string]bool)
	for _, s := range sources(t) {
		if s.name("unsafe") == "" || s.test {
			continue
		}
		used[s.pkg] = true
		if reasons[s.pkg] == "" {
			t.Errorf("%s imports unsafe", s.path)
		}
	}
	for pkg := range reasons {
		if !used[pkg] {
			t.Errorf("%s may import unsafe and does not: remove the entry", pkg)
		}
	}
}

// goStatements returns where a file starts goroutines.
func goStatements(file *ast.File) []token.Pos {
	var list []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			list = append(list, g.Pos())
		}
		return true
	})
	return list
}

// TestExportedThingsAreDocumented asks for a comment on everything that other packages can see.
// Methods need none where an interface says what they do; the comment of a group is enough, also
// of functions of one line each that follow without an empty one.
func TestExportedThingsAreDocumented(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test || s.syntax.Name.Name == "main" {
			continue
		}
		group := 0 // the line after the last function that has a comment
		for _, d := range s.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				first, last := s.line(d.Pos()), s.line(d.End())
				switch {
				case d.Doc != nil, first == last && first == group:
					group = last + 1
				case d.Recv == nil && d.Name.IsExported():
					t.Errorf("%s: %s has no comment", s.at(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				if d.Doc != nil {
					continue
				}
				for _, spec := range d.Specs {
					name, doc := described(spec)
					if name != "" && doc == nil {
						t.Errorf("%s: %s has no comment", s.at(spec.Pos()), name)
					}
				}
			}
		}
	}
}

// described returns the exported name that a specification declares, if any, and its comment.
func described(spec ast.Spec) (string, *ast.CommentGroup) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			return spec.Name.Name, spec.Doc
		}
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			if !n.IsExported() {
				continue
			}
			if spec.Doc == nil {
				return n.Name, spec.Comment
			}
			return n.Name, spec.Doc
		}
	}
	return "", nil
}

// TestWords refuses text that has no business in the repository. The expressions are written so
// that they do not match themselves.
func TestWords(t *testing.T) {
	t.Parallel()
	words := []struct {
		what string
		expr *regexp.Regexp
		only string // extension; "" is every file
	}{
		{"a path of somebody's machine", regexp.MustCompile(`(?:^|[\s"'(=])/(?:work|root|Users)/[\w.]|/home/\w+/`), ""},
		{"an unfinished part", regexp.MustCompile(`\bTO[D]O\b|\bFIX[M]E\b|(?i)\bnot (?:yet )?implement[e]d\b`), ".go"},
		{"the number of an issue", regexp.MustCompile(`(?i)\bissue #?\d`), ""},
		{"the host of a package registry", regexp.MustCompile(`proxy\.golang\.or[g]|registry\.npmjs\.or[g]|pypi\.or[g]|deb\.debian\.or[g]`), ""},
		{"a tool that wrote it", regexp.MustCompile(`(?i)\b(?:chat[g]pt|clau[d]e|anthrop[i]c|open[a]i|copil[o]t|langua[g]e model)\b`), ""},
		{"a mark of a conflict", regexp.MustCompile(`(?m)^(?:<{7}|>{7}) `), ""},
		{"a private key", regexp.MustCompile(`-----BEGIN (?:\w+ )?PRIVATE KE[Y]`), ""},
	}
	names, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 4<<20 {
			t.Errorf("%s has %d MiB", name, len(text)>>20)
			continue
		}
		if bytes.IndexByte(text, 0) >= 0 {
			continue // no text
		}
		for _, w := range words {
			if w.only != "" && w.only != path.Ext(name) {
				continue
			}
			for _, at := range w.expr.FindAllIndex(text, 3) {
				line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
				t.Errorf("%s:%d: %s: %q", name, line, w.what, text[at[0]:at[1]])
			}
		}
	}
}

// TestLinks follows the links between the documents.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	names, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.FromSlash(path.Join(path.Dir(name), to))); err != nil {
				t.Errorf("%s: link to %s, which is not there", name, to)
			}
		}
	}
}
