package jmstest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Main is the program that runs the scenarios.
const Main = "jmstest.Main"

// Scenario is a row of the table that the Java sources hold.
type Scenario struct {
	Name     string // path-like, unique: area/behaviour
	Ref      string // the behaviour, as a sentence
	ActiveMQ string // what ActiveMQ does where it differs
	Why      string // why we don't do the same
	Later    string // what our broker lacks for it
}

// Suite is the compiled suite.
type Suite struct{ *Java }

// Scenarios returns the whole table.
func (s Suite) Scenarios(ctx context.Context) ([]Scenario, error) {
	out, err := s.Output(ctx, Main, "list")
	if err != nil {
		return nil, err
	}
	var list []Scenario
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("a row of %d fields: %s", len(f), line)
		}
		list = append(list, Scenario{f[0], f[1], f[2], f[3], f[4]})
	}
	return list, nil
}

// result is what the program said of one scenario.
type result struct {
	verdict, name, why string
	took               time.Duration
}

// Run puts the target through every scenario whose name the expression matches, and makes a subtest of each.
func (s Suite) Run(t *testing.T, target Target, only string) {
	t.Helper()
	args := append([]string{"run", "only=" + only}, target.Arguments()...)
	cmd := s.Command(t.Context(), Main, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	ended := false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r, ok := parse(lines.Text())
		switch {
		case !ok:
			t.Errorf("the program wrote %q", lines.Text())
		case r.verdict == "END":
			ended = true
		default:
			results = append(results, r)
		}
	}
	err = cmd.Wait()
	for _, r := range results {
		t.Run(r.name, func(t *testing.T) {
			t.Logf("%v", r.took)
			switch r.verdict {
			case "SKIP":
				t.Skip(r.why)
			case "FAIL":
				t.Error(r.why)
			}
		})
	}
	if err != nil || !ended || len(results) == 0 || t.Failed() {
		t.Errorf("%d results, at its end: %t, error: %v; the program's standard error:\n%.4000s", len(results), ended, err, problems.String())
	}
}

// parse reads one line of the program's.
func parse(line string) (result, bool) {
	f := strings.SplitN(line, " ", 4)
	if len(f) == 2 && f[0] == "END" {
		return result{verdict: "END"}, true
	}
	if len(f) != 4 {
		return result{}, false
	}
	ms, err := strconv.Atoi(f[2])
	why := strings.NewReplacer(`\\`, `\`, `\n`, "\n").Replace(f[3])
	return result{f[0], f[1], why, time.Duration(ms) * time.Millisecond}, err == nil
}
