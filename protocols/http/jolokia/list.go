package jolokia

import "strings"

// describedAttribute and describedOperation are how list tells of a class.
type describedAttribute struct {
	Writable bool   `json:"rw"`
	Type     string `json:"type"`
	About    string `json:"desc"`
}

type describedOperation struct {
	Arguments []describedArgument `json:"args"`
	Returns   string              `json:"ret"`
	About     string              `json:"desc"`
}

type describedArgument struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	About string `json:"desc"`
}

// describe returns what a class has. Operations are there as far as the operator allows them.
func (c *class) describe(exec bool) map[string]any {
	attributes := make(map[string]describedAttribute, len(c.attributes))
	for i := range c.attributes {
		attributes[c.attributes[i].name] = describedAttribute{Type: c.attributes[i].java}
	}
	overloads := make(map[string][]describedOperation)
	for i := range c.operations {
		o := &c.operations[i]
		if !exec && !o.reads {
			continue
		}
		d := describedOperation{Returns: o.returns, Arguments: []describedArgument{}}
		for j, java := range o.arguments {
			d.Arguments = append(d.Arguments, describedArgument{Name: "p" + string(rune('1'+j)), Type: java})
		}
		overloads[o.name] = append(overloads[o.name], d)
	}
	operations := make(map[string]any, len(overloads))
	for name, list := range overloads {
		operations[name] = list
		if len(list) == 1 {
			operations[name] = list[0]
		}
	}
	return map[string]any{"attr": attributes, "op": operations, "class": c.java, "desc": c.about}
}

// list describes the objects: by domain and name, or what a path leads to.
func (v *view) list(q *request) (any, error) {
	path := q.path
	if len(path) > 0 && path[0] != domain {
		return nil, noInstance("No domain " + clip(path[0]) + " found")
	}
	depth := q.maxDepth
	if depth <= 0 {
		depth = 1 << 10
	}
	if len(path) >= 2 {
		n, reason := parseName(domain + ":" + path[1])
		if reason != "" {
			return nil, illegal("Invalid object name. " + reason)
		}
		o, ok := v.find(&n)
		if !ok || n.pattern {
			return nil, noInstance(n.String())
		}
		return v.extract(v.s.described[o.class], path[2:])
	}
	objects := make(map[string]any)
	all := name{domain: domain, open: true, pattern: true}
	for o := range v.objects(&all) {
		key := strings.TrimPrefix(q.text(&o.name), domain+":")
		objects[key] = v.s.described[o.class]
		if depth+len(path) <= 2 {
			objects[key] = "1"
		}
		if !v.spend(50) {
			return nil, exhausted()
		}
	}
	if len(path) == 1 {
		return objects, nil
	}
	if depth == 1 {
		return map[string]any{domain: "1"}, nil
	}
	return map[string]any{domain: objects}, nil
}
