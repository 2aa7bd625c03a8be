package activemqxml

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/manifoldmq/manifold/broker/security/properties"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// maxExpansions bounds the placeholders of a file, with those in their values.
const maxExpansions = 200_000

// files reads the property files that placeholders come from, as Spring's configurer beans name
// them. What they hold is weaker than nothing: a file's own value counts before a system property.
func (c *converter) files(n *node) {
	switch {
	case n.name == "bean" && strings.Contains(n.value("class"), "PropertyPlaceholderConfigurer"),
		n.name == "bean" && strings.HasSuffix(n.value("class"), "PropertySourcesPlaceholderConfigurer"):
		for _, p := range n.children {
			if p.name != "property" || p.value("name") != "location" && p.value("name") != "locations" {
				continue
			}
			for _, location := range propertyValues(p) {
				c.file(p, location)
			}
		}
		return
	case n.space == contextSpace && n.name == "property-placeholder":
		for location := range strings.SplitSeq(n.value("location"), ",") {
			c.file(n, location)
		}
		return
	}
	if n.name == "property" && strings.HasSuffix(n.path, "/default-properties/property") {
		c.standard[n.value("name")] = n.value("value")
	}
	for _, child := range n.children {
		c.files(child)
	}
}

// propertyValues returns the values of a bean's property: its attribute, or the elements in it.
func propertyValues(p *node) []string {
	if v := p.attr("value"); v != nil {
		return []string{v.value}
	}
	var list []string
	var walk func(*node)
	walk = func(n *node) {
		if n.name == "value" && n.text != "" {
			list = append(list, n.text)
		}
		for _, child := range n.children {
			walk(child)
		}
	}
	walk(p)
	return list
}

// file reads one property file.
func (c *converter) file(n *node, location string) {
	location = strings.TrimSpace(location)
	if location == "" {
		return
	}
	resolved, err := c.expand(location)
	if err != nil {
		c.fail(n.where(), n.path, "%s", err)
		return
	}
	name := c.path(resolved)
	text, err := c.in.Read(name)
	if err != nil {
		c.fail(n.where(), n.path, "the property file can't be read: %s", err)
		return
	}
	list, err := properties.Parse(text)
	if err != nil {
		c.fail(n.where(), n.path, "%s:%s", name, err)
		return
	}
	for _, p := range list {
		c.properties[p.Key] = p.Value
	}
}

// path makes a path of a location of the file: file:, classpath: and a name without a scheme, which
// Spring looks for among the classes, are taken from the file's own folder.
func (c *converter) path(location string) string {
	relative := true
	for _, scheme := range []string{"file:", "classpath:", "classpath*:"} {
		if rest, ok := strings.CutPrefix(location, scheme); ok {
			location, relative = rest, scheme != "file:"
			if strings.HasPrefix(location, "//") {
				location = "/" + strings.TrimLeft(location, "/")
			}
			break
		}
	}
	for _, base := range c.standard { // of which a placeholder has made the location
		if strings.HasPrefix(location, base+"/") {
			relative = false
		}
	}
	if relative && !filepath.IsAbs(location) {
		return filepath.Join(filepath.Dir(c.in.Name), location)
	}
	return filepath.Clean(location)
}

// expandAll replaces the placeholders of all attributes and texts.
func (c *converter) expandAll(n *node) {
	for i := range n.attrs {
		a := &n.attrs[i]
		if a.name == "placeholder-prefix" {
			continue
		}
		v, err := c.expand(a.value)
		if err != nil {
			c.fail(place(n.file, a.line), n.path+" "+a.name, "%s", err)
			continue
		}
		a.value = v
	}
	if v, err := c.expand(n.text); err == nil {
		n.text = v
	} else {
		c.fail(n.where(), n.path, "%s", err)
	}
	for _, child := range n.children {
		c.expandAll(child)
	}
}

// expand replaces ${name} and ${name:default}.
func (c *converter) expand(s string) (string, error) {
	if !strings.Contains(s, "${") {
		return s, nil
	}
	return c.expandIn(s, 0)
}

func (c *converter) expandIn(s string, depth int) (string, error) {
	if depth > 10 {
		return "", fmt.Errorf("placeholders that lead to each other: %.60s", s)
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		if c.expansions++; c.expansions > maxExpansions {
			return "", fmt.Errorf("more than %d placeholders", maxExpansions)
		}
		if b.Len() > maxValue {
			return "", fmt.Errorf("placeholders make it longer than %s", config.Size(maxValue))
		}
		end := closing(rest)
		if end < 0 {
			return "", fmt.Errorf("a placeholder without its end: ${%.60s", rest)
		}
		inner, err := c.expandIn(rest[:end], depth+1)
		if err != nil {
			return "", err
		}
		v, ok := c.lookup(inner)
		if name, def, has := strings.Cut(inner, ":"); !ok && has {
			if v, ok = c.lookup(name); !ok {
				v, ok = def, true
			}
		}
		if !ok {
			return "", fmt.Errorf("nothing gives ${%.80s} a value; -D%.80s=VALUE in the environment variable ACTIVEMQ_OPTS does", inner, inner)
		}
		if v, err = c.decrypt(inner, v); err == nil {
			v, err = c.expandIn(v, depth+1)
		}
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		s = rest[end+1:]
	}
}

// closing returns where the brace closes that a placeholder was opened with, or -1.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '}' && depth == 0:
			return i
		case s[i] == '}':
			depth--
		case s[i] == '{' && i > 0 && s[i-1] == '$':
			depth++
		}
	}
	return -1
}

// lookup finds a placeholder's value as Spring does: in the files, then among the system
// properties, then in the environment.
func (c *converter) lookup(name string) (string, bool) {
	for _, from := range []map[string]string{c.properties, c.in.Properties, c.in.Environment, c.standard} {
		if v, ok := from[name]; ok {
			return v, true
		}
	}
	return "", false
}

// standardProperties are those that ActiveMQ's start script sets, for a file in conf or elsewhere.
func standardProperties(file string) map[string]string {
	conf := filepath.Dir(file)
	base := conf
	if filepath.Base(conf) == "conf" {
		base = filepath.Dir(conf)
	}
	return map[string]string{
		"activemq.conf": conf, "activemq.base": base, "activemq.home": base, "activemq.data": filepath.Join(base, "data"),
	}
}
