package jolokia

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// request is one Jolokia request; a POST may hold several.
type request struct {
	kind       string
	name       *name    // nil: none given
	attributes []string // of read
	listed     bool     // the attributes were a list
	path       []string
	operation  string
	arguments  []any
	get        bool
	options
}

// options are the processing parameters that mean something here.
type options struct {
	ignoreErrors bool
	asGiven      bool // names in ActiveMQ's order, not in the canonical one
	maxDepth     int  // of list; 0: all
}

func (o *options) set(key string, value string) {
	switch key {
	case "ignoreErrors":
		o.ignoreErrors = value == "true"
	case "canonicalNaming":
		o.asGiven = value == "false"
	case "maxDepth":
		o.maxDepth, _ = strconv.Atoi(value)
	}
}

func optionsOf(query url.Values) (o options) {
	for key, values := range query {
		if len(values) > 0 {
			o.set(key, values[0])
		}
	}
	return o
}

// splitPath takes a path apart at its slashes. ! escapes the character after it.
func splitPath(text string) (list []string) {
	if text == "" {
		return nil
	}
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '!' && i+1 < len(text):
			i++
			part.WriteByte(text[i])
		case c == '/':
			list = append(list, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(list, part.String())
}

// joinPath is the opposite of splitPath.
func joinPath(list []string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = strings.NewReplacer("!", "!!", "/", "!/").Replace(s)
	}
	return strings.Join(parts, "/")
}

// parseGet reads a request from what follows the agent's path, which is still percent-encoded.
func parseGet(escaped string, o options) (*request, error) {
	text, err := url.PathUnescape(strings.TrimLeft(escaped, "/"))
	if err != nil {
		return nil, illegal("The path is not percent-encoded well")
	}
	q := &request{get: true, options: o}
	list := slices.DeleteFunc(splitPath(text), func(s string) bool { return s == "" })
	if len(list) == 0 {
		q.kind = "version"
		return q, nil
	}
	q.kind, list = list[0], list[1:]
	switch q.kind {
	case "version":
	case "list":
		q.path = list
	case "read", "search", "exec", "write":
		if len(list) == 0 {
			return nil, illegal("Invalid arguments in pathinfo /" + clip(text) + " for command " + strings.ToUpper(q.kind))
		}
		if err := q.setName(list[0]); err != nil {
			return nil, err
		}
		if list = list[1:]; len(list) > 0 && q.kind == "read" {
			q.attributes = strings.Split(list[0], ",")
			q.listed = len(q.attributes) > 1
			q.path = list[1:]
		} else if len(list) > 0 {
			q.operation = list[0]
		}
	default:
		return nil, illegal("No type with name '" + clip(q.kind) + "' exists")
	}
	return q, nil
}

func (q *request) setName(text string) error {
	n, reason := parseName(text)
	if reason != "" {
		return illegal("Invalid object name. " + reason)
	}
	q.name = &n
	return nil
}

// Limits of a POST.
const (
	maxBody = 1 << 20
	maxBulk = 1000 // requests
)

// readBody returns the JSON values of a POST, and whether they were a list.
func readBody(r *http.Request) (list []json.RawMessage, bulk bool, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, false, illegal("The request is longer than " + strconv.FormatInt(large.Limit, 10) + " bytes")
		}
		return nil, false, illegal("The request can't be read")
	}
	switch body = bytes.TrimSpace(body); {
	case len(body) > 0 && body[0] == '[':
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, true, illegal("Invalid JSON request: " + err.Error())
		}
		if len(list) > maxBulk {
			return nil, true, illegal("There are more than " + strconv.Itoa(maxBulk) + " requests in one")
		}
		return list, true, nil
	case len(body) > 0 && body[0] == '{':
		return []json.RawMessage{body}, false, nil
	}
	return nil, false, illegal("Invalid JSON request: neither an object nor a list of them")
}

// parsePost reads one request of a POST.
func parsePost(text json.RawMessage, o options) (*request, error) {
	var body struct {
		Type      string          `json:"type"`
		MBean     *string         `json:"mbean"`
		Attribute json.RawMessage `json:"attribute"`
		Path      json.RawMessage `json:"path"`
		Operation string          `json:"operation"`
		Arguments []any           `json:"arguments"`
		Target    json.RawMessage `json:"target"`
		Config    map[string]any  `json:"config"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, illegal("Invalid JSON request: " + err.Error())
	}
	q := &request{kind: strings.ToLower(body.Type), operation: body.Operation, arguments: body.Arguments, options: o}
	for key, v := range body.Config {
		switch v := v.(type) {
		case bool:
			q.set(key, strconv.FormatBool(v))
		case string:
			q.set(key, v)
		case float64:
			q.set(key, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	if body.MBean != nil {
		if err := q.setName(*body.MBean); err != nil {
			return nil, err
		}
	}
	if err := q.setAttribute(body.Attribute); err != nil {
		return nil, err
	}
	if err := q.setPath(body.Path); err != nil {
		return nil, err
	}
	switch {
	case body.Type == "":
		return nil, illegal("No type given")
	case len(body.Target) > 0 && !isNull(body.Target):
		return nil, forbidden("this agent is no proxy")
	}
	switch q.kind {
	case "read", "search", "exec", "write":
		if q.name == nil {
			return nil, illegal("Objectname can not be null")
		}
	case "version", "list":
	default:
		return nil, illegal("No type with name '" + clip(body.Type) + "' exists")
	}
	return q, nil
}

func isNull(text json.RawMessage) bool { return len(text) == 0 || string(text) == "null" }

func (q *request) setAttribute(text json.RawMessage) error {
	if isNull(text) {
		return nil
	}
	if text[0] == '[' {
		q.listed = true
		if json.Unmarshal(text, &q.attributes) != nil {
			return illegal("attribute must be a name or a list of names")
		}
		return nil
	}
	q.attributes = make([]string, 1)
	if json.Unmarshal(text, &q.attributes[0]) != nil {
		return illegal("attribute must be a name or a list of names")
	}
	return nil
}

func (q *request) setPath(text json.RawMessage) error {
	if isNull(text) {
		return nil
	}
	if text[0] == '[' {
		if json.Unmarshal(text, &q.path) != nil {
			return illegal("path must be a text or a list of texts")
		}
		return nil
	}
	var path string
	if json.Unmarshal(text, &path) != nil {
		return illegal("path must be a text or a list of texts")
	}
	q.path = slices.DeleteFunc(splitPath(path), func(s string) bool { return s == "" })
	return nil
}

// echo returns the request as answers repeat it.
func (q *request) echo() map[string]any {
	out := map[string]any{"type": q.kind}
	if q.name != nil {
		out["mbean"] = q.text(q.name)
	}
	switch {
	case q.listed:
		out["attribute"] = q.attributes
	case len(q.attributes) > 0:
		out["attribute"] = q.attributes[0]
	}
	if len(q.path) > 0 {
		out["path"] = joinPath(q.path)
	}
	if q.operation != "" {
		out["operation"] = q.operation
	}
	if q.arguments != nil {
		out["arguments"] = q.arguments
	}
	return out
}

// text returns a name in the form that the request asks for.
func (q *request) text(n *name) string {
	if q.asGiven {
		return n.String()
	}
	return n.canonical()
}

// clip shortens what a client sent, for an error.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
