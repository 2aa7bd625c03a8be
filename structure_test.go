// Package manifold_test keeps the rules of the repository that a compiler does not: which package
// may import which, what no file may hold, and how large things may grow. docs/architecture.md
// says why.
package manifold_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path that imports of this repository begin with.
const module = "github.com/manifoldmq/manifold"

// source is a Go file.
type source struct {
	path   string // from the root, with slashes
	pkg    string // import path after the module's; "" for the root
	test   bool   // a _test.go file
	lines  int
	syntax *ast.File
	fset   *token.FileSet
}

// kit reports whether the file is of a package that only tests import.
func (s *source) kit() bool { return strings.HasSuffix(s.pkg, "test") }

// at returns where something stands, for people.
func (s *source) at(pos token.Pos) string {
	return s.path + ":" + strconv.Itoa(s.line(pos))
}

// line returns the line of a position.
func (s *source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// imports returns what the file imports: packages of this module without its path, and others.
func (s *source) imports() (own, others []string) {
	for _, spec := range s.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has checked it
		}
		if rest, ok := strings.CutPrefix(p, module+"/"); ok {
			own = append(own, rest)
		} else {
			others = append(others, p)
		}
	}
	return own, others
}

// name returns the name under which the file knows an imported package, "" if it does not.
func (s *source) name(imported string) string {
	for _, spec := range s.syntax.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == imported {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(imported)
		}
	}
	return ""
}

// read parses every Go file once, for all tests.
var read = sync.OnceValues(func() ([]*source, error) {
	names, err := files()
	if err != nil {
		return nil, err
	}
	var list []*source
	fset := token.NewFileSet()
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		pkg := path.Dir(name)
		if pkg == "." {
			pkg = ""
		}
		list = append(list, &source{
			path: name, pkg: pkg, test: strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(text), "\n"), syntax: file, fset: fset,
		})
	}
	return list, nil
})

// files returns the repository's files: those that git tracks or would, or, where there is no
// git, all but what .gitignore names.
func files() ([]string, error) {
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err == nil {
		list := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
		return slices.DeleteFunc(list, func(name string) bool { // deleted, and not yet committed
			info, err := os.Lstat(filepath.FromSlash(name))
			return err != nil || !info.Mode().IsRegular()
		}), nil
	}
	var list []string
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "data", "dist", "node_modules"}, d.Name()):
			return filepath.SkipDir
		case d.Type().IsRegular() && name != "manifold" && !slices.Contains([]string{".test", ".prof"}, filepath.Ext(name)):
			list = append(list, filepath.ToSlash(name))
		}
		return nil
	})
	return list, err
}

func sources(t *testing.T) []*source {
	t.Helper()
	list, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 50 {
		t.Fatalf("%d Go files found: this test looks in the wrong place", len(list))
	}
	return list
}

// within reports whether a package is what a pattern names: itself, or with "/..." also what is
// below it.
func within(pkg, pattern string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == pattern
}

func withinAny(pkg string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(pkg, p) })
}

// TestDocs asks for one package comment in each package.
func TestDocs(t *testing.T) {
	t.Parallel()
	docs := make(map[string][]string)
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		docs[s.pkg] = append(docs[s.pkg], nil...)
		if s.syntax.Doc == nil {
			continue
		}
		docs[s.pkg] = append(docs[s.pkg], s.path)
		want := "Package " + s.syntax.Name.Name + " "
		if s.syntax.Name.Name == "main" {
			want = "Command " + path.Base(s.pkg) + " "
		}
		if text := s.syntax.Doc.Text(); !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package comment does not begin with %q", s.path, want)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(docs)) {
		if len(docs[pkg]) != 1 {
			t.Errorf("%s: %d package comments %v, want one", pkg, len(docs[pkg]), docs[pkg])
		}
	}
}

// The sizes beyond which a file or a package is to be taken apart. Generated code is an exception:
// its table is what people read and change, and its length says nothing.
const (
	longFile, longestFile     = 500, 900
	largePackage, largestSize = 3000, 8500 // lines without tests
)

// TestSizes fails for what is too large, and lists what is large.
func TestSizes(t *testing.T) {
	t.Parallel()
	packages := make(map[string]int)
	for _, s := range sources(t) {
		if ast.IsGenerated(s.syntax) {
			continue
		}
		switch {
		case s.lines > longestFile:
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, longestFile)
		case s.lines > longFile:
			t.Logf("%s has %d lines", s.path, s.lines)
		}
		if !s.test && !s.kit() {
			packages[s.pkg] += s.lines
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		switch n := packages[pkg]; {
		case n > largestSize:
			t.Errorf("package %s has %d lines without tests, more than %d", pkg, n, largestSize)
		case n > largePackage:
			t.Logf("package %s has %d lines without tests", pkg, n)
		}
	}
}
