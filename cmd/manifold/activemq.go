package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/activemqxml"
)

// maxFileSize bounds what is read of a file that an activemq.xml names, or of it.
const maxFileSize = 16 << 20

// readBounded reads a file that is not too large.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFileSize)
	}
	return text, err
}

// activeMQSource is what an activemq.xml is read with: what ActiveMQ's start script hands to Java, as
// far as the environment has it.
func (a *app) activeMQSource(name string, text []byte) activemqxml.Source {
	in := activemqxml.Source{
		Name: name, Text: text, Properties: make(map[string]string), Environment: make(map[string]string),
		Disk: fileSystemSize, Read: readBounded,
	}
	for _, line := range a.env {
		if key, value, ok := strings.Cut(line, "="); ok {
			in.Environment[key] = value
		}
	}
	for variable, property := range map[string]string{
		"ACTIVEMQ_CONF": "activemq.conf", "ACTIVEMQ_DATA": "activemq.data", "ACTIVEMQ_BASE": "activemq.base", "ACTIVEMQ_HOME": "activemq.home",
	} {
		if v := in.Environment[variable]; v != "" {
			in.Properties[property] = v
		}
	}
	for _, variable := range []string{"ACTIVEMQ_OPTS_MEMORY", "ACTIVEMQ_OPTS", "ACTIVEMQ_SSL_OPTS"} {
		for option := range strings.FieldsSeq(in.Environment[variable]) {
			if size, ok := strings.CutPrefix(option, "-Xmx"); ok {
				if heap, ok := activemqxml.ParseSize(size); ok {
					in.Heap = int64(heap)
				}
			}
			if property, ok := strings.CutPrefix(option, "-D"); ok {
				key, value, _ := strings.Cut(property, "=")
				in.Properties[key] = value
			}
		}
	}
	return in
}

// lostWarnings are what of an activemq.xml is dropped and changes what the broker does.
func lostWarnings(r *activemqxml.Result) []string {
	var list []string
	for _, e := range r.Lost() {
		list = append(list, e.String())
	}
	return list
}

// defines are the properties of -D flags.
type defines map[string]string

// String implements pflag.Value.
func (d defines) String() string { return "" }

// Type implements pflag.Value.
func (d defines) Type() string { return "name=value" }

// Set implements pflag.Value.
func (d defines) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return fmt.Errorf("%s is not name=value", strconv.Quote(s))
	}
	d[name] = value
	return nil
}
