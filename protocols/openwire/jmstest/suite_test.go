package jmstest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

const sources = "testdata/java/jmstest"

// scratch is where the classes go; TestMain makes and removes it.
var scratch string

// compiled compiles the suite once for all tests.
var compiled = sync.OnceValues(func() (*jmstest.Java, error) {
	return jmstest.Compile(context.Background(), sources, scratch)
})

// suite returns the compiled suite. Where Java or the client library is missing it skips, or fails if
// MANIFOLD_FOREIGN_CLIENTS is "required".
func suite(t *testing.T) jmstest.Suite {
	t.Helper()
	if testing.Short() {
		t.Skip("Java takes its time")
	}
	java, err := compiled()
	if errors.Is(err, jmstest.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return jmstest.Suite{Java: java}
}

// only limits the suite to the scenarios that MANIFOLD_TEST_JMS, an expression, matches.
func only() string { return os.Getenv("MANIFOLD_TEST_JMS") }

// TestMain gives the compiled classes a place for as long as the tests run.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jmstest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scratch = dir
	return m.Run()
}

// TestTarget runs the suite against the broker that MANIFOLD_TEST_OPENWIRE_URL names, whichever it is.
func TestTarget(t *testing.T) {
	t.Parallel()
	text := os.Getenv("MANIFOLD_TEST_OPENWIRE_URL")
	if text == "" {
		t.Skip("MANIFOLD_TEST_OPENWIRE_URL names no broker")
	}
	target, err := jmstest.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	suite(t).Run(t, target, only())
}

// TestTable checks the table itself: names are unique, every scenario says what it proves, and a difference from ActiveMQ
// comes with its reason.
func TestTable(t *testing.T) {
	t.Parallel()
	list, err := suite(t).Scenarios(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, s := range list {
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if s.Ref == "" {
			t.Errorf("%s does not say what it proves", s.Name)
		}
		if (s.ActiveMQ == "") != (s.Why == "") {
			t.Errorf("%s says what ActiveMQ does or why we differ, not both", s.Name)
		}
		if s.Name != strings.ToLower(s.Name) || strings.Contains(s.Name, " ") || !strings.Contains(s.Name, "/") {
			t.Errorf("%q isn't a lower-case path", s.Name)
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d scenarios", len(seen))
	}
}
