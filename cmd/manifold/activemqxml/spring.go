package activemqxml

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/manifoldmq/manifold/broker/security/properties"
)

// root reads a document: a broker, or Spring's beans around one.
func (c *converter) root(n *node) {
	switch {
	case n.core() && (n.name == "broker" || n.name == "brokerService"):
		c.readBroker(n)
	case n.space == beansSpace && n.name == "beans", n.space == "" && n.name == "beans", n.space == blueprintSpace && n.name == "blueprint":
		c.report(n, Kept, "", "", false)
		for _, child := range n.children {
			c.bean(child)
		}
	default:
		c.fail(n.where(), n.path, "neither a <broker> of %s nor Spring's <beans>", coreSpace)
	}
}

// bean reads what stands beside the broker.
func (c *converter) bean(n *node) {
	spring := n.space == beansSpace || n.space == ""
	switch {
	case n.core() && (n.name == "broker" || n.name == "brokerService"):
		c.readBroker(n)
	case spring && n.name == "beans":
		c.root(n)
	case spring && n.name == "import":
		c.read(n)
	case spring && n.name == "bean":
		fate, note, changes := beanFate(n.value("class"))
		c.report(n, fate, "", note, changes)
	case spring && (n.name == "description" || n.name == "alias"):
		c.report(n, Dropped, "", "says nothing to the broker", false)
	case n.name == "property-placeholder":
		c.report(n, Kept, "", "placeholders get its properties", false)
	case n.core() && c.classes[n.name] == nil && (n.name == "connectionFactory" || n.name == "xaConnectionFactory" || n.name == "pooledConnectionFactory"),
		n.core() && (n.name == "queue" || n.name == "topic"):
		c.report(n, Dropped, "", "is for applications in the same process, of which there are none here", false)
	default:
		c.report(n, Dropped, "", "is no part of the broker", true)
	}
}

// beanFate is what becomes of a bean beside the broker, by its class.
func beanFate(class string) (fate Fate, note string, changes bool) {
	switch {
	case strings.Contains(class, "PropertyPlaceholderConfigurer"), strings.HasSuffix(class, "PropertySourcesPlaceholderConfigurer"):
		return Kept, "placeholders get its properties", false
	case strings.HasPrefix(class, "org.jasypt."):
		return Kept, "encrypted properties are read with the password in " + EncryptionVariable, false
	case strings.HasSuffix(class, "LogQuery"):
		return Dropped, "is for a console that shows the log", false
	case strings.Contains(class, "DataSource"):
		return Dropped, "the store needs no database", false
	case strings.HasPrefix(class, "org.eclipse.jetty."), strings.HasPrefix(class, "org.apache.activemq.web."):
		return Mapped, "the web server is that of http.address", false
	}
	return Dropped, "a bean of the application's own: " + class, true
}

// translate turns a bean of one of ActiveMQ's classes into the element that stands for it.
func (n *node) translate() bool {
	class, ok := strings.CutPrefix(n.value("class"), "org.apache.activemq.")
	name := class[strings.LastIndexByte(class, '.')+1:]
	if !ok || name == "" {
		return false
	}
	n.space = coreSpace
	n.name = string(unicode.ToLower(rune(name[0]))) + name[1:]
	n.path = strings.TrimSuffix(n.path, "bean") + n.name
	var attrs []attr
	var children []*node
	for _, p := range n.children {
		v := p.attr("value")
		switch {
		case p.name == "property" && v != nil:
			attrs = append(attrs, attr{name: p.value("name"), value: v.value, line: v.line})
		case p.name == "property" && p.child("value") != nil:
			attrs = append(attrs, attr{name: p.value("name"), value: p.child("value").text, line: p.line})
		case p.name == "property":
			p.name, p.space, p.attrs = p.value("name"), coreSpace, nil
			p.path = n.path + "/" + p.name
			children = append(children, p)
		default:
			children = append(children, p)
		}
	}
	n.attrs, n.children = attrs, children
	return true
}

// read reads a file that is imported: the web console's, or more beans.
func (c *converter) read(n *node) {
	resource := n.value("resource")
	name := c.path(resource)
	text, err := c.in.Read(name)
	switch {
	case c.imported[name] || len(c.imported) > 20:
		c.fail(n.where(), n.path, "%s is imported again", resource)
		return
	case err != nil && strings.Contains(resource, "jetty"):
		c.report(n, Mapped, "http.address", "the web server's file can't be read; http.address keeps its default", false)
		return
	case err != nil:
		c.report(n, Dropped, "", "the file can't be read", true)
		return
	}
	c.imported[name] = true
	root, err := parse(name, text)
	if err != nil {
		c.report(n, Dropped, "", fmt.Sprintf("it can't be read: %s", err), true)
		return
	}
	if host, port, ok := consolePort(root); ok {
		c.console(n, host, port)
		c.administrator(n, root)
		return
	}
	if strings.Contains(resource, "jetty") {
		c.report(n, Mapped, "http.address", "the web server's file names no port; http.address keeps its default", false)
		return
	}
	c.report(n, Kept, "", "", false)
	before := len(c.problems)
	c.files(root)
	c.expandAll(root)
	if len(c.problems) == before {
		c.root(root)
	}
}

// consolePort finds the port of the web console among the web server's beans.
func consolePort(n *node) (host, port string, ok bool) {
	class := n.value("class")
	if n.name == "bean" && (strings.HasSuffix(class, "WebConsolePort") || strings.HasSuffix(class, "Connector") && !strings.Contains(class, "Ssl")) {
		for _, p := range n.children {
			switch v := p.value("value"); {
			case p.name == "property" && p.value("name") == "host":
				host = v
			case p.name == "property" && p.value("name") == "port":
				port = v
			}
		}
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			return host, port, true
		}
	}
	for _, child := range n.children {
		if host, port, ok = consolePort(child); ok {
			return host, port, true
		}
	}
	return "", "", false
}

// administrator takes the login of the web console over: the first user in the role admin of the file
// that its web server's beans name. Not the one that everybody knows.
func (c *converter) administrator(n, root *node) {
	text, err := c.in.Read(c.realm(root))
	if err != nil {
		return
	}
	list, err := properties.Parse(text)
	if err != nil {
		return
	}
	for _, p := range list {
		password, roles, _ := strings.Cut(p.Value, ",")
		password = strings.TrimSpace(password)
		switch {
		case !slices.Contains(split(roles), "admin"):
			continue
		case password == "" || password == "admin" || strings.HasPrefix(password, "OBF:") || strings.HasPrefix(password, "MD5:") || strings.HasPrefix(password, "CRYPT:"):
			c.report(n, Dropped, "", "the login of "+p.Key+" in the web server's file is not taken over: everybody knows it, or it is no password in clear; set http.username and http.password", true)
			return
		}
		hash := password
		if c.in.Hash != nil {
			if hash, err = c.in.Hash(password); err != nil {
				return
			}
		}
		c.report(n, Kept, "http.username", "the login of "+p.Key+" in the web server's file", false)
		c.out.text("http.username", p.Key, n.line)
		c.out.text("http.password", hash, n.line)
		return
	}
}

// realm is the path of the file with the web server's users, "" if its beans name none.
func (c *converter) realm(n *node) string {
	if n.name == "bean" && strings.HasSuffix(n.value("class"), "HashLoginService") {
		for _, p := range n.children {
			if p.name == "property" && p.value("name") == "config" {
				if path, err := c.expand(p.value("value")); err == nil {
					return c.path(path)
				}
			}
		}
	}
	for _, child := range n.children {
		if path := c.realm(child); path != "" {
			return path
		}
	}
	return ""
}

// console maps the web console's port.
func (c *converter) console(n *node, host, port string) {
	switch {
	case host == "" && c.broker == nil, host == "":
		host = "0.0.0.0"
	case strings.ContainsAny(host, "#$ "):
		host = "127.0.0.1"
	}
	const note = "operators log in as users of the broker who are in a group of http.admins, or as http.username"
	c.report(n, Mapped, "http.address", note, false)
	c.out.text("http.address", net.JoinHostPort(host, port), n.line).comment("Was the web console's port: %s.", note)
	c.listeners.console = host
}
