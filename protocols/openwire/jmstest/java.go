package jmstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrMissing says that Java or the libraries are not installed.
var ErrMissing = errors.New("no Java, or no ActiveMQ client library")

// jars are the libraries of ActiveMQ's client as Debian's libactivemq-java and what it depends on install them.
const jars = "activemq-client activemq-openwire-legacy geronimo-jms_1.1_spec geronimo-j2ee-management-1.1-spec hawtbuf slf4j-api slf4j-nop"

// Java runs the suite's compiled programs.
type Java struct {
	path  string // class path
	flags []string
}

// Compile compiles a folder of Java sources into dir, which must exist, with the given libraries beside ActiveMQ's client.
// It returns [ErrMissing] where Java or a library is not installed.
func Compile(ctx context.Context, sources, dir string, more ...string) (*Java, error) {
	var list []string
	for _, name := range append(strings.Fields(jars), more...) {
		path := name
		if !filepath.IsAbs(name) {
			path = filepath.Join("/usr/share/java", name+".jar")
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
		list = append(list, path)
	}
	for _, tool := range []string{"javac", "java"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(sources, "*.java"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no Java sources in %s", sources)
	}
	j := &Java{path: strings.Join(append(list, dir), ":")}
	// Compilation is short: a compiler that optimizes itself and a parallel collector would only take processors away.
	args := append([]string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-Xlint:-options", "-encoding", "UTF-8", "-cp", j.path, "-d", dir}, files...)
	if out, err := exec.CommandContext(ctx, "javac", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("javac: %w\n%s", err, out)
	}
	j.flags = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Dfile.encoding=UTF-8"}
	return j, nil
}

// Command returns a process of a program of the suite, which is not started yet.
func (j *Java) Command(ctx context.Context, class string, args ...string) *exec.Cmd {
	flags := append(append([]string(nil), j.flags...), "-cp", j.path, class)
	return exec.CommandContext(ctx, "java", append(flags, args...)...)
}

// Output runs a program to its end and returns what it wrote.
func (j *Java) Output(ctx context.Context, class string, args ...string) (string, error) {
	cmd := j.Command(ctx, class, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", class, err, problems.String())
	}
	return string(out), nil
}
